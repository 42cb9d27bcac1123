use std::collections::BTreeSet;

use super::Transform;

/// The enumeration `TextTransformationType` of the model (wafv2, 2019-07-29).
const MODEL: &str = "NONE COMPRESS_WHITE_SPACE HTML_ENTITY_DECODE LOWERCASE CMD_LINE URL_DECODE BASE64_DECODE HEX_DECODE MD5 REPLACE_COMMENTS \
    ESCAPE_SEQ_DECODE SQL_HEX_DECODE CSS_DECODE JS_DECODE NORMALIZE_PATH NORMALIZE_PATH_WIN REMOVE_NULLS REPLACE_NULLS BASE64_DECODE_EXT \
    URL_DECODE_UNI UTF8_TO_UNICODE REMOVE_WHITESPACE TRIM TRIM_LEFT TRIM_RIGHT REMOVE_COMMENTS_CHAR UPPERCASE CMD_LINE_WIN CMD_LINE_UNIX \
    JS_DECODE_EXT SHA256";

#[test]
fn the_names_are_those_of_the_model() {
    let model: BTreeSet<&str> = MODEL.split_whitespace().collect();
    let ours: BTreeSet<&str> = Transform::ALL.iter().map(|transform| transform.name()).collect();
    assert_eq!(ours, model);
    assert_eq!(ours.len(), Transform::ALL.len());
}

#[test]
fn a_name_finds_its_transformation() {
    for transform in Transform::ALL {
        assert_eq!(Transform::named(transform.name()), Some(transform));
    }
    for unknown in ["", "none", "URL_DECODE ", "SHA1"] {
        assert_eq!(Transform::named(unknown), None, "{unknown:?}");
    }
}

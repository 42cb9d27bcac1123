//! What an image is, by its first bytes (pure). Nothing of it is decoded here.

use cognito_model::idp::types::AssetExtensionType as Extension;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";
const ICO: &[u8] = b"\0\0\x01\0";
/// An SVG file begins within this, after a declaration, comments and a document type.
const HEAD_OF_SVG: usize = 4_096;

/// Whether the bytes are of this type.
pub fn is(extension: Extension, bytes: &[u8]) -> bool {
    match extension {
        Extension::Png => bytes.starts_with(PNG),
        Extension::Jpeg => bytes.starts_with(JPEG),
        Extension::Ico => bytes.starts_with(ICO),
        Extension::Webp => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        Extension::Svg => is_svg(bytes),
    }
}

fn is_svg(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let head = text.char_indices().nth(HEAD_OF_SVG).and_then(|(end, _)| text.get(..end)).unwrap_or(text);
    let is_markup = head.starts_with('<');
    // A page with a picture in it is no picture.
    let first = head.split('<').skip(1).find(|tag| !tag.starts_with(['?', '!']));
    is_markup
        && first.is_some_and(|tag| tag.strip_prefix("svg").is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_by_their_first_bytes() {
        let samples: [(Extension, &[u8]); 5] = [
            (Extension::Png, b"\x89PNG\r\n\x1a\nrest"),
            (Extension::Jpeg, b"\xff\xd8\xff\xe0"),
            (Extension::Ico, b"\0\0\x01\0\x01\0"),
            (Extension::Webp, b"RIFF\0\0\0\0WEBPVP8 "),
            (Extension::Svg, b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ];
        for (extension, _) in samples {
            for (kind, bytes) in samples {
                assert_eq!(is(extension, bytes), extension == kind, "{extension} {kind}");
            }
            assert!(!is(extension, b"") && !is(extension, b"<html></html>"));
            assert!(!is(extension, b"<!doctype html><script>x</script><svg/>"));
        }
    }
}

use super::*;

fn corpus(text: &str) -> Corpus {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, text).unwrap();
    read(&path).unwrap()
}

#[test]
fn a_line_is_a_request_and_what_is_none_is_named() {
    let good = r#"{"rule":942100,"fam":"REQUEST-942-X","test":3,"stage":1,"label":"attack","ids":["a"],"method":null,"uri":"/a","headers":{"B":1,"A":"x"},"data":5,"encoded":null,"status":[200,403]}"#;
    let found = corpus(&format!("{good}\n\nnot JSON\n{{\"fam\":\"CLEAN\",\"label\":\"clean\"}}\n"));
    assert_eq!(found.entries.len(), 2);
    let (line, first) = &found.entries[0];
    assert_eq!((*line, first.name().as_str(), first.family()), (1, "942100-3/1", Some(942)));
    assert_eq!(first.data.as_deref(), Some("5"));
    assert_eq!(first.headers, Some(Fields(vec![("B".into(), "1".into()), ("A".into(), "x".into())])));
    let (line, second) = &found.entries[1];
    assert_eq!((*line, second.label, second.name().as_str(), second.family()), (4, Label::Clean, "CLEAN-0", None));
    assert_eq!(found.broken.len(), 1);
    assert_eq!(found.broken[0].0, 3);
}

#[test]
fn labels_that_nobody_has_heard_of_are_other() {
    let found = corpus("{\"fam\":\"x\",\"label\":\"new\"}\n");
    assert_eq!((found.entries[0].1.label, found.entries[0].1.family()), (Label::Other, None));
    let found = corpus("{\"fam\":\"sqli\",\"label\":\"attack\",\"rule\":9421001}\n");
    assert_eq!(found.entries[0].1.family(), Some(942));
}

#[test]
fn what_is_written_is_read_again() {
    let fields = Fields(vec![("Host".into(), "a".into()), ("A".into(), "ü".into())]);
    let entry = Entry {
        fam: "json".into(),
        label: Label::Clean,
        headers: Some(fields),
        data: Some("{}".into()),
        ..Entry::default()
    };
    let text = serde_json::to_string(&entry).unwrap();
    assert_eq!(corpus(&text).entries[0].1, entry);
}

/// The half of the CRS regression corpus that is part of the repository.
#[test]
fn the_corpus_of_the_repository_is_whole() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/crs_corpus.jsonl");
    if !path.is_file() {
        return;
    }
    let found = read(&path).unwrap();
    assert_eq!((found.entries.len(), found.broken.len()), (2578, 0));
    let unsent: Vec<_> = found.entries.iter().filter(|(_, entry)| entry.bytes(Form::Ftw).is_err()).collect();
    assert!(unsent.is_empty(), "{unsent:?}");
    let attacks =
        |family| found.entries.iter().filter(|(_, e)| e.label == Label::Attack && e.family() == Some(family)).count();
    assert_eq!([930, 931, 932, 941, 942].map(attacks), [27, 17, 360, 111, 425]);
}

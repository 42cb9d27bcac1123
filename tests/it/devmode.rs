//! Developer mode as a whole: how it is switched on, how it shows, and that nothing else switches it on.

use std::process::{Command, Stdio};

use crate::http::once;
use crate::world::{Home, TOLLGATE, World};

#[test]
fn it_is_loud_and_keeps_its_folder_to_itself() {
    let home = Home::new();
    let first = home.start(&["--dev-mode"]);
    let token = first.text("dev_token").to_owned();
    assert_eq!(token.len(), 64);
    let said = std::fs::read_to_string(home.file("up.log")).unwrap();
    assert!(said.contains("DEVELOPER MODE"), "{said}");
    assert!(first.log().contains("DEVELOPER MODE: every access key is taken"), "{}", first.log());
    let answer = once(first.text("issuer"), "GET", "/nothing", &[]).unwrap();
    assert_eq!(answer.header("x-tollgate-dev-mode"), Some("on"));
    let pool = first.text("pool_id").to_owned();
    assert!(first.stop().success());

    let usual = home.command(&[]).status().unwrap();
    assert_eq!(usual.code(), Some(64));
    assert!(std::fs::read_to_string(home.file("up.log")).unwrap().contains("is of developer mode: add --dev-mode"));

    let config = home.data().join("issuer.toml");
    for more in [&[][..], &["--check-config"]] {
        let ended =
            Command::new(TOLLGATE).arg("issuer").arg("--config").arg(&config).args(more).stdin(Stdio::null()).output();
        let ended = ended.unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(64), "{said}");
        assert!(said.contains("only `tollgate up --dev-mode` may set it"), "{said}");
    }

    let second = home.start(&["--dev-mode"]);
    assert_ne!(second.text("dev_token"), token, "another token at each start");
    assert_eq!(second.text("pool_id"), pool);
    let bearer = format!("Bearer {}", second.text("dev_token"));
    let reset = once(second.text("issuer"), "POST", "/dev/reset", &[("authorization", &bearer)]).unwrap();
    assert_eq!(reset.status, 200, "the first start is remembered over starts: {}", reset.text());
    assert!(second.stop().success());
}

#[test]
fn without_it_there_is_no_trace_of_it() {
    let world = World::start();
    let up = std::fs::read_to_string(world.json_path()).unwrap();
    assert!(!up.contains("dev_"), "{up}");
    for (method, path) in [("POST", "/dev/reset"), ("GET", "/dev/outbox"), ("GET", "/dev")] {
        let answer = once(world.text("issuer"), method, path, &[("authorization", "Bearer x")]).unwrap();
        assert_eq!(answer.status, 404, "{method} {path}");
        assert_eq!(answer.header("x-tollgate-dev-mode"), None);
    }
    let folder = world.home().clone();
    assert!(world.stop().success());
    let ended = folder.command(&["--dev-mode"]).status().unwrap();
    assert_eq!(ended.code(), Some(64), "a folder of real users does not become one of developer mode");
    assert!(std::fs::read_to_string(folder.file("up.log")).unwrap().contains("is not of developer mode"));
}

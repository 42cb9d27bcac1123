//! Keys that edges share, which the issuer brings.

use super::*;
use crate::challenge::config::KeySource;

const ONE: [u8; 32] = [1; 32];
const TWO: [u8; 32] = [2; 32];

/// A token of this edge.
fn token(edge: &Challenges) -> String {
    let puzzle = edge.page_puzzle(CHALLENGE, client(NOW));
    edge.send(&puzzle, &solved(&puzzle), client(NOW)).token()
}

fn accepts(edge: &Challenges, token: &str) -> bool {
    matches!(edge.seen(token, HOST, &[], NOW), Standing::Good(_))
}

#[test]
fn a_token_of_one_edge_counts_at_another_when_both_have_the_keys() {
    let (one, other) = (challenges(easy()), challenges(easy()));
    let before = token(&one);
    assert!(!accepts(&other, &before), "each has a key of its own");
    one.share(vec![ONE]);
    other.share(vec![ONE]);
    let puzzle = one.page_puzzle(CHALLENGE, client(NOW));
    let elsewhere = other.send(&puzzle, &solved(&puzzle), client(NOW)).token();
    assert!(accepts(&one, &elsewhere) && accepts(&other, &token(&one)), "puzzles and tokens");
    assert!(
        accepts(&one, &before) && !accepts(&other, &before),
        "what an edge has signed by itself goes on counting there"
    );
}

#[test]
fn a_replaced_key_is_accepted_until_it_is_taken_away() {
    let (late, prompt) = (challenges(easy()), challenges(easy()));
    late.share(vec![ONE]);
    prompt.share(vec![TWO, ONE]);
    let (old, new) = (token(&late), token(&prompt));
    assert!(accepts(&prompt, &old), "signed by an edge that did not have the new key yet");
    assert!(!accepts(&late, &new));
    late.share(vec![TWO, ONE]);
    assert!(accepts(&late, &new) && accepts(&late, &old));
    late.share(vec![TWO]);
    assert!(accepts(&late, &new) && !accepts(&late, &old));
    late.share(Vec::new());
    assert!(!accepts(&late, &new));
}

#[test]
fn an_operators_own_file_is_not_replaced_and_a_reload_keeps_what_came() {
    let folder = tempfile::tempdir().unwrap();
    let given = Keys::read_or_make(&folder.path().join("own.key")).unwrap();
    let named = Settings { keys: KeySource::Given(given), ..easy() };
    let (one, other) = (challenges(named.clone()), challenges(easy()));
    one.share(vec![ONE]);
    other.share(vec![ONE]);
    assert!(!accepts(&other, &token(&one)) && !accepts(&one, &token(&other)));
    one.configure(easy()).unwrap();
    assert!(accepts(&other, &token(&one)), "the keys that came count when the file is gone from the settings");
    other.configure(named).unwrap();
    assert!(!accepts(&other, &token(&one)));
}

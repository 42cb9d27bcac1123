//! Credential stuffing against a whole edge: the program that users can run themselves (`tests/clients/stuffing.py`).

use std::process::Command;

use crate::short_or_long;
use crate::world::TOLLGATE;

#[test]
fn a_list_of_stolen_pairs_is_refused_and_people_sign_in_meanwhile() {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/stuffing.py");
    let (pairs, addresses) = (short_or_long(1_500, 10_000).to_string(), short_or_long(75, 500).to_string());
    let shapes: &[&str] = if pairs == "1500" { &["round-robin", "burst", "spray"] } else { &[] };
    let output = Command::new("python3").args([program, TOLLGATE, &pairs, &addresses]).args(shapes).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    println!("{said}");
}

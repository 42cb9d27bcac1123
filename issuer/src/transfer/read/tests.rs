use super::super::frame::{self, FORMAT, Head, sha256};
use super::super::lines::{GroupLine, UserLine};
use super::*;

const CHAIN: [u8; 32] = [7; 32];

fn beginning(key: &ExportKey) -> Beginning {
    Beginning {
        format: FORMAT.into(),
        id: "1".into(),
        pool: PoolId::parse("eu_a").unwrap(),
        recipient: key.recipient().to_string(),
        created_at: UnixMillis(1),
        program: "0".into(),
    }
}

fn pool() -> PoolLine {
    PoolLine {
        pool: PoolId::parse("eu_a").unwrap(),
        name: "p".into(),
        contents: CONTENTS.map(str::to_owned).to_vec(),
        settings: serde_json::json!({}),
        chain: hex(&CHAIN),
        created_at: UnixMillis(1),
    }
}

fn user(number: u32) -> Line {
    Line::User(Box::new(UserLine {
        sub: common::ids::Sub::parse(format!("{number:08x}-6b3d-4b0e-9f0e-1a2b3c4d5e6f")).unwrap(),
        username: format!("user-{number}"),
        login: None,
        status: "CONFIRMED".into(),
        enabled: true,
        attributes: [("name".to_owned(), "x".repeat(40))].into(),
        unclaimed: Vec::new(),
        groups: [("g".to_owned(), UnixMillis(1))].into(),
        password: None,
        mfa: None,
        software_token: None,
        passkeys: Vec::new(),
        devices: Vec::new(),
        created_at: UnixMillis(1),
        modified_at: UnixMillis(1),
    }))
}

fn group() -> Line {
    let at = UnixMillis(1);
    Line::Group(GroupLine {
        name: "g".into(),
        description: None,
        role_arn: None,
        precedence: None,
        created_at: at,
        modified_at: at,
    })
}

/// The frames of a file; the first has the beginning before it.
fn frames(key: &ExportKey, parts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let head = beginning(key).encode();
    let mut digest = next_digest(&[0; 32], &head);
    let (mut frames, last) = (Vec::new(), parts.len() - 1);
    for (number, part) in parts.iter().enumerate() {
        let lines = u32::try_from(split(part).count()).unwrap();
        let head_of = Head { last: number == last, number: u32::try_from(number).unwrap(), lines };
        let chain = (number > 0).then_some(CHAIN.as_slice());
        let mut frame = frame::seal(&key.recipient(), &sha256(&head), head_of, b"on", chain, part).unwrap();
        digest = next_digest(&digest, &frame);
        frame.extend_from_slice(&digest);
        frames.push(if number == 0 { [head.clone(), frame].concat() } else { frame });
    }
    frames
}

fn good() -> Vec<Vec<u8>> {
    let users = |from: u32| (from..from + 2).flat_map(|number| user(number).encode()).collect::<Vec<_>>();
    let parts = vec![Line::Pool(Box::new(pool())).encode(), group().encode(), users(0), users(2)];
    let digest = parts.iter().fold([0; 32], |digest, part| next_digest(&digest, part));
    let counts = Counts { groups: 1, clients: 0, users: 4 };
    [parts, vec![Line::End(EndLine { counts, digest: hex(&digest) }).encode()]].concat()
}

fn read(file: &[u8], key: &ExportKey) -> Result<Checked, FileError> {
    check(file, key, |line| Some((line.pool.clone(), line.settings.clone())), &mut |_| {})
}

fn said(file: &[u8], key: &ExportKey) -> String {
    read(file, key).unwrap_err().to_string()
}

#[test]
fn a_whole_file_is_read_in_parts_and_printed() {
    let key = ExportKey::generate().unwrap();
    let file = frames(&key, &good()).concat();
    let checked = read(&file, &key).unwrap();
    assert_eq!((checked.counts.lines(), checked.refused), (5, 0));
    let mut from_three = parts(file.as_slice(), &key, 3).unwrap();
    let (before, text) = from_three.read_next().unwrap().unwrap();
    assert_eq!((before, split(&text).count()), (3, 2));
    assert!(from_three.read_next().unwrap().is_none());
    let mut out = Vec::new();
    print(file.as_slice(), &key, &mut out).unwrap();
    assert_eq!(out, good().concat());
}

#[test]
fn nothing_can_be_changed_left_out_or_moved() {
    let key = ExportKey::generate().unwrap();
    let frames = frames(&key, &good());
    let file = frames.concat();
    for cut in 0..file.len() {
        let said = said(&file[..cut], &key);
        assert!(said.starts_with("the export is cut short"), "{cut}: {said}");
    }
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1;
        assert!(read(&flipped, &key).is_err(), "byte {at}");
    }
    let order = |order: &[usize]| order.iter().flat_map(|at| frames[*at].clone()).collect::<Vec<_>>();
    let out_of_order = "the export is out of order: where frame 2 should be, there is frame 3";
    assert_eq!(said(&order(&[0, 1, 3, 2, 4]), &key), out_of_order);
    assert_eq!(said(&order(&[0, 1, 3, 4]), &key), out_of_order);
    assert_eq!(
        said(&order(&[0, 1, 2, 2, 3, 4]), &key),
        "the export is out of order: where frame 3 should be, there is frame 2"
    );
    assert_eq!(said(&[file.as_slice(), b"x"].concat(), &key), "the export goes on after its end");
    assert!(said(&order(&[0, 1, 2, 3]), &key).starts_with("the export is cut short"));
}

/// Who knows the public key alone can add nothing to a file, even with all digests right.
#[test]
fn a_forged_frame_does_not_open() {
    let key = ExportKey::generate().unwrap();
    let frames = frames(&key, &good());
    let head = beginning(&key).encode();
    let mut digest = next_digest(&[0; 32], &head);
    let first = &frames[0][head.len()..];
    digest = next_digest(&digest, &first[..first.len() - 32]);
    let forged = Head { last: false, number: 1, lines: 1 };
    for chain in [None, Some([8; 32].as_slice())] {
        let frame = frame::seal(&key.recipient(), &sha256(&head), forged, b"on", chain, &group().encode()).unwrap();
        let digest = next_digest(&digest, &frame);
        let file = [frames[0].as_slice(), &frame, &digest].concat();
        assert_eq!(said(&file, &key), "the export was altered or damaged: frame 1 does not open");
    }
}

#[test]
fn what_is_no_export_of_ours_is_told_from_what_is_for_another_key() {
    let (key, other) = (ExportKey::generate().unwrap(), ExportKey::generate().unwrap());
    let file = frames(&key, &good()).concat();
    assert_eq!(
        said(&file, &other),
        format!("the export is sealed to {}, and the key is that of {}", key.recipient(), other.recipient())
    );
    assert_eq!(said(&b"TOLLGATE-BACKUP\n....{}".repeat(9), &key), "this is no export of a Tollgate pool");
    let text = String::from_utf8_lossy(&beginning(&key).encode()[20..])
        .replace("\"format\":\"1\"", "\"format\":\"2\",\"new\":1");
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    let newer = [b"TOLLGATE-EXPORT\n".as_slice(), &length, text.as_bytes()].concat();
    assert!(said(&newer, &key).starts_with("the export has format 2"));
    let mut totp = pool();
    totp.contents.push("palm vein scans".into());
    let mut lines = good();
    lines[0] = Line::Pool(Box::new(totp)).encode();
    assert!(said(&frames(&key, &lines).concat(), &key).starts_with("the export holds palm vein scans, which"));
}

#[test]
fn lines_that_are_none_are_told_by_their_number() {
    let key = ExportKey::generate().unwrap();
    let with = |at: usize, part: Vec<u8>| {
        let mut lines = good();
        lines[at] = part;
        said(&frames(&key, &lines).concat(), &key)
    };
    let deep = [br#"{"type":"user","x":"#.to_vec(), b"[".repeat(50_000), b"]".repeat(50_000), b"}\n".to_vec()].concat();
    assert_eq!(with(1, deep), "line 2: no JSON, or nested too deep");
    assert!(with(2, vec![b' '; super::super::lines::MAX_LINE + 1]).starts_with("line 3: longer than"));
    assert_eq!(with(2, user(0).encode()), "the export's last line tells of 4 users, and there are 3");
    let others = [user(9).encode(), user(10).encode()].concat();
    assert_eq!(with(3, others), "line 7: its digest is not that of the lines before it");
    assert_eq!(with(0, group().encode()), "line 1: the first line is not the pool's");
    assert_eq!(with(4, group().encode()), "line 7: the last line is missing");
    let twice = [good()[4].clone(), good()[4].clone()].concat();
    assert_eq!(with(4, twice), "line 8: it stands behind the last line");
}

#[test]
fn problems_are_told_up_to_a_bound_and_counted_beyond() {
    let key = ExportKey::generate().unwrap();
    let same = (0..300).flat_map(|_| user(5).encode()).collect::<Vec<_>>();
    let mut lines = good();
    lines[2] = same;
    lines.remove(3);
    let digest = lines[..3].iter().fold([0; 32], |digest, part| next_digest(&digest, part));
    let counts = Counts { groups: 1, clients: 0, users: 300 };
    lines[3] = Line::End(EndLine { counts, digest: hex(&digest) }).encode();
    let checked = read(&frames(&key, &lines).concat(), &key).unwrap();
    assert_eq!((checked.refused, checked.problems.len()), (299, TOLD));
    assert_eq!(checked.problems[0].line, 4);
    assert_eq!(checked.problems[0].why, "out of order, or there twice: users are in the order of sub");
    assert!(!checked.problems[0].what.contains("user-5"), "no name of a person");
}

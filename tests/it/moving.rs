//! A pool exported from one deployment and imported into another, with the commands killed on the way; what the commands refuse.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use issuer::store::fixture::{Cluster, Fsync};
use serde_json::{Value, json};

use crate::clients::run_on;
use crate::fault::postgres_storage;
use crate::roles::Roles;
use crate::short_or_long;
use crate::system::System;
use crate::world::TOLLGATE;

const PASSWORD: &str = "Correct-Horse-1";
/// How often a command is killed before it may end.
const KILLS: usize = 2;

fn sqlite_storage(folder: &Path) -> String {
    format!("sqlite = {:?}", folder.join("tollgate.db"))
}

struct Commands<'a> {
    roles: &'a Roles,
    folder: &'a Path,
}

impl Commands<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let system = self.roles.system();
        let mut command = Command::new(TOLLGATE);
        command.arg("admin").args(arguments).args(["--admin", self.roles.admin()]).stdin(Stdio::null());
        command.env("AWS_ACCESS_KEY_ID", system.access_key_id).env("AWS_SECRET_ACCESS_KEY", system.secret_access_key);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} was done: {}", said(&output));
        said(&output)
    }

    /// Kills the command as soon as it tells of progress, so many times; then lets it end. How often it was really killed.
    fn done_in_spite_of_kills(&self, arguments: &[&str], word: &str) -> (usize, String) {
        let mut killed = 0;
        for _ in 0..KILLS {
            let mut child = self.command(arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            let lines = BufReader::new(child.stderr.take().unwrap()).lines();
            let mut seen = lines.map_while(Result::ok).filter(|line| line.starts_with(word));
            let told = seen.next();
            child.kill().unwrap();
            let ended = child.wait().unwrap();
            assert!(told.is_some(), "{arguments:?} ended ({ended})");
            killed += usize::from(!ended.success());
        }
        (killed, self.done(arguments))
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn sub_of(system: &System, name: &str) -> String {
    let user = system.admin("AdminGetUser", &json!({ "UserPoolId": system.pool_id, "Username": name })).unwrap();
    let attributes = user["UserAttributes"].as_array().unwrap();
    attributes.iter().find(|a| a["Name"] == "sub").unwrap()["Value"].as_str().unwrap().to_owned()
}

/// Users that are made in the stopped issuer's database: rows with one ready hash. Their SRP verifiers are to come.
fn fill(roles: &mut Roles, hash_of: &str, users: u32) {
    roles.stop_issuer();
    let mut database = rusqlite::Connection::open(roles.folder().join("tollgate.db")).unwrap();
    let pool = roles.system().pool_id;
    let transaction = database.transaction().unwrap();
    {
        let mut user = transaction
            .prepare(
                "INSERT INTO users (pool, sub, username, status, enabled, attributes, password_hash, valid_after, newest_mint, created_at, modified_at)
                 SELECT pool, ?1, ?2, status, 1, '{}', password_hash, 0, 0, created_at, modified_at FROM users
                 WHERE pool = ?3 AND username = ?4",
            )
            .unwrap();
        let mut name =
            transaction.prepare("INSERT INTO login_names (pool, name, kind, sub) VALUES (?1, ?2, ?3, ?4)").unwrap();
        for number in 0..users {
            let (sub, username) = (uuid::Uuid::new_v4().to_string(), format!("filled-{number}"));
            assert_eq!(user.execute((&sub, &username, &pool, hash_of)).unwrap(), 1);
            name.execute((&pool, &username, "username", &sub)).unwrap();
            name.execute((&pool, &sub, "sub", &sub)).unwrap();
        }
    }
    transaction.commit().unwrap();
    drop(database);
    roles.start_issuer();
}

/// What a program of tests/clients takes for an `up.json`.
fn described(system: &System) -> Value {
    json!({
        "issuer": system.issuer, "edge": system.edge, "region": system.region, "pool_id": system.pool_id,
        "client_id": system.client_id, "access_key_id": system.access_key_id,
        "secret_access_key": system.secret_access_key, "protected_path": system.protected_path,
    })
}

#[test]
fn a_pool_moves_from_sqlite_to_postgresql_though_both_commands_are_killed() {
    let mut here = Roles::start(sqlite_storage);
    let cluster = Cluster::start(Fsync::Off).unwrap();
    let there = Roles::start(|folder| postgres_storage(&cluster, folder));
    let system = here.system();
    let client = json!({
        "UserPoolId": system.pool_id, "ClientName": "app",
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    });
    let client = system.admin("CreateUserPoolClient", &client).unwrap()["UserPoolClient"]["ClientId"].clone();
    let people: Vec<_> = (0..8).map(|number| format!("person-{number}")).collect();
    for name in &people {
        system.create_user(name, PASSWORD);
    }
    let users = short_or_long(2_500, 100_000);
    fill(&mut here, &people[0], users);
    let mut people: Vec<_> = people.iter().map(|name| json!([name, PASSWORD, sub_of(&system, name)])).collect();

    let folder = tempfile::tempdir().unwrap();
    let (from, to) =
        (Commands { roles: &here, folder: folder.path() }, Commands { roles: &there, folder: folder.path() });
    let (key, file) = (from.file("export.key"), from.file("pool.export"));
    let made = Command::new(TOLLGATE).args(["admin", "export-key", "--output", &key]).output().unwrap();
    let public = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let export = ["export", "--pool", &system.pool_id, "--to", &public, "--output", &file, "--clients"];
    let dry = from.done(&["export", "--pool", &system.pool_id, "--dry-run"]);
    assert!(dry.contains(&format!("{} users", users + 8)) && !PathBuf::from(&file).exists(), "{dry}");
    let (killed, told) = from.done_in_spite_of_kills(&export, "exported");
    println!("killed {killed} times; {}", told.trim());
    let digest = told.rsplit(' ').next().unwrap().trim().to_owned();
    assert!(!PathBuf::from(format!("{file}.part")).exists());
    let bytes = std::fs::read(&file).unwrap();
    for clear in ["argon2id", "person-1", "filled-7", "CONFIRMED"] {
        assert!(!bytes.windows(clear.len()).any(|window| window == clear.as_bytes()), "{clear} is in the file");
    }
    // A try that ended in the middle of a frame, as after a power cut.
    std::fs::rename(&file, from.file("whole")).unwrap();
    std::fs::write(format!("{file}.part"), &bytes[..bytes.len() * 2 / 3]).unwrap();
    let again = from.run(&export);
    assert!(again.status.success() && said(&again).contains("goes on after"), "{}", said(&again));
    assert_eq!(std::fs::metadata(&file).unwrap().len(), bytes.len() as u64);
    std::fs::rename(from.file("whole"), &file).unwrap();
    assert!(from.refused(&export).contains("the file exists"));

    let import = ["import", "--from", &file, "--key", &key, "--create", "--digest", &digest];
    let dry = to.done(&[import.as_slice(), &["--dry-run"]].concat());
    assert!(dry.contains(&format!("{} users", users + 8)) && dry.contains("nothing was imported"), "{dry}");
    let (killed, told) = to.done_in_spite_of_kills(&import, "imported");
    println!("killed {killed} times; {}", told.trim());
    to.done(&import);

    let moved =
        System { pool_id: system.pool_id.clone(), client_id: client.as_str().unwrap().to_owned(), ..there.system() };
    let pool = moved.admin("DescribeUserPool", &json!({ "UserPoolId": moved.pool_id })).unwrap();
    assert_eq!(pool["UserPool"]["EstimatedNumberOfUsers"], users + 8);
    for number in [0, users / 2, users - 1] {
        let name = format!("filled-{number}");
        let sub = sub_of(&system, &name);
        assert_eq!(sub_of(&moved, &name), sub);
        // The program signs in by password first; that makes the verifier which SRP then needs.
        people.push(json!([name, PASSWORD, sub]));
    }
    let (up, list) = (to.file("up.json"), to.file("people.json"));
    std::fs::write(&up, described(&moved).to_string()).unwrap();
    std::fs::write(&list, Value::from(people).to_string()).unwrap();
    run_on(Path::new(&up), "moved.py", &[&list]);
}

#[test]
fn what_is_no_good_is_refused_before_anything_is_written() {
    let roles = Roles::start(sqlite_storage);
    let system = roles.system();
    for name in ["ann", "bob"] {
        system.create_user(name, PASSWORD);
        let email = json!([{ "Name": "email", "Value": format!("{name}@example.com") }]);
        let update = json!({ "UserPoolId": system.pool_id, "Username": name, "UserAttributes": email });
        system.admin("AdminUpdateUserAttributes", &update).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let commands = Commands { roles: &roles, folder: folder.path() };
    let key_pair = |name: &str| {
        let path = commands.file(name);
        let made = Command::new(TOLLGATE).args(["admin", "export-key", "--output", &path]).output().unwrap();
        assert!(made.status.success(), "{}", said(&made));
        (path, String::from_utf8(made.stdout).unwrap().trim().to_owned())
    };
    let ((key, public), (other, _)) = (key_pair("a.key"), key_pair("b.key"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let file = commands.file("pool.export");
    commands.done(&["export", "--pool", &system.pool_id, "--to", &public, "--output", &file]);
    let lines = Command::new(TOLLGATE).args(["admin", "export-read", "--key", &key, &file]).output().unwrap();
    let lines = String::from_utf8(lines.stdout).unwrap();
    let kinds: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = kinds.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["pool", "user", "user", "end"]);

    let bytes = std::fs::read(&file).unwrap();
    let damaged = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let (mut bytes, path) = (bytes.clone(), commands.file(name));
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let cases = [
        (damaged("cut", &|bytes| bytes.truncate(bytes.len() - 1)), &key, "the export is cut short"),
        (damaged("flipped", &|bytes| *bytes.last_mut().unwrap() ^= 1), &key, "the export was altered or damaged"),
        (damaged("longer", &|bytes| bytes.push(0)), &key, "the export goes on after its end"),
        (damaged("none", &|bytes| bytes[0] = b'X'), &key, "this is no export"),
        (file.clone(), &other, "the export is sealed to"),
        (file.clone(), &file, "stream did not contain valid UTF-8"),
    ];
    for (file, key, want) in &cases {
        let said = commands.refused(&["import", "--create", "--from", file, "--key", key]);
        assert!(said.contains(want), "{said}");
    }
    let import = ["import", "--from", &file, "--key", &key];
    let told = |more: &[&str]| commands.refused(&[import.as_slice(), more].concat());
    assert!(told(&["--create", "--digest", &"0".repeat(64)]).contains("it is another file"));
    assert!(told(&["--create"]).contains("there is a pool of this id"));
    assert!(told(&["--pool", &system.pool_id]).contains("it is not empty"));
    assert!(told(&["--pool", "us-east-1_Nowhere"]).contains("there is no such pool"));

    // A pool whose schema has no room for what the users have.
    let short =
        json!({ "Name": "email", "AttributeDataType": "String", "StringAttributeConstraints": { "MaxLength": "3" } });
    let narrow = json!({ "PoolName": "narrow", "Schema": [short] });
    let narrow = system.admin("CreateUserPool", &narrow).unwrap()["UserPool"]["Id"].as_str().unwrap().to_owned();
    let said = told(&["--pool", &narrow]);
    assert!(said.contains("line 2 (user ") && said.contains("email"), "{said}");
    assert!(said.contains("2 lines do not fit; nothing was imported") && !said.contains("ann@"), "{said}");
    let count = system.admin("DescribeUserPool", &json!({ "UserPoolId": narrow })).unwrap();
    assert_eq!(count["UserPool"]["EstimatedNumberOfUsers"], 0);

    // Who may export may not import, and not another pool.
    let arn = format!("arn:aws:cognito-idp:us-east-1:000000000000:userpool/{}", system.pool_id);
    let statement = json!([{ "Effect": "Allow", "Action": "tollgate:ExportUserPool", "Resource": arn }]);
    let policy = commands.file("policy.json");
    std::fs::write(&policy, json!({ "Version": "2012-10-17", "Statement": statement }).to_string()).unwrap();
    let made = commands.done(&["keys", "create", "exporter", "--policy", &policy]);
    let value = |name: &str| made.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let (id, secret) = (value("AWS_ACCESS_KEY_ID="), value("AWS_SECRET_ACCESS_KEY="));
    let by_exporter = |arguments: &[&str]| {
        let mut command = commands.command(arguments);
        command.env("AWS_ACCESS_KEY_ID", &id).env("AWS_SECRET_ACCESS_KEY", &secret).output().unwrap()
    };
    assert!(by_exporter(&["export", "--dry-run", "--pool", &system.pool_id]).status.success());
    for arguments in
        [["export", "--dry-run", "--pool", &narrow].as_slice(), &[import.as_slice(), &["--pool", &narrow]].concat()]
    {
        let denied = by_exporter(arguments);
        assert!(said_of_denial(&denied), "{arguments:?}: {}", self::said(&denied));
    }
}

fn said_of_denial(output: &Output) -> bool {
    !output.status.success() && said(output).contains("is not authorized to perform: tollgate:")
}

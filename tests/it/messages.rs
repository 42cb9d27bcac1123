//! Mail through a real server in another process (aiosmtpd): into it and back out, and what becomes of it when the server is away, late,
//! or says no.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::roles::Roles;
use crate::short_or_long;
use crate::system::{System, unique, until};
use crate::world::TOLLGATE;

const PASSWORD: &str = "Correct-Horse-1";
const PATIENCE: Duration = Duration::from_secs(90);

#[test]
fn codes_and_invitations_by_starttls_and_login() {
    let server = MailServer::secure();
    let roles = server.roles();
    let system = pool(&roles.system(), "<p>Hello {username}, your code is <b>{####}</b></p>");

    let user = format!("{}@example.com", unique("ann"));
    sign_up(&system, &user);
    let mail = server.await_mails(1).remove(0);
    assert!(mail.contains("multipart/alternative"), "{mail}");
    assert!(mail.contains("From: Zoo <zoo@example.com>"), "{mail}");
    assert!(mail.contains("Reply-To: help@example.com"), "{mail}");
    let confirm = json!({ "ClientId": system.client_id, "Username": user, "ConfirmationCode": code(&mail) });
    system.public("ConfirmSignUp", &confirm).unwrap();
    system.sign_in(&user, PASSWORD).unwrap();

    system.public("ForgotPassword", &json!({ "ClientId": system.client_id, "Username": user })).unwrap();
    let mail = server.await_mails(2).remove(1);
    let renewed = "Battery-Staple-2";
    let reset =
        json!({ "ClientId": system.client_id, "Username": user, "ConfirmationCode": code(&mail), "Password": renewed });
    system.public("ConfirmForgotPassword", &reset).unwrap();
    system.sign_in(&user, renewed).unwrap();

    let guest = format!("{}@example.com", unique("guest"));
    let invite = json!({ "UserPoolId": system.pool_id, "Username": guest, "DesiredDeliveryMediums": ["EMAIL"] });
    system.admin("AdminCreateUser", &invite).unwrap();
    let mail = server.await_mails(3).remove(2);
    let first = between(&mail, "password [", "]");
    let again = json!({ "UserPoolId": system.pool_id, "Username": guest, "MessageAction": "RESEND" });
    system.admin("AdminCreateUser", &again).unwrap();
    let mail = server.await_mails(4).remove(3);
    let second = between(&mail, "password [", "]");
    assert_ne!(first, second);
    assert!(sign_in_answer(&system, &guest, &first).is_err(), "the first password is void");
    let challenge = sign_in_answer(&system, &guest, &second).unwrap();
    assert_eq!(challenge["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let resend_late = system.admin(
        "AdminCreateUser",
        &json!({ "UserPoolId": system.pool_id, "Username": user, "MessageAction": "RESEND" }),
    );
    assert_eq!(resend_late.unwrap_err().name(), "UnsupportedUserStateException");
}

#[test]
fn a_server_that_is_down_loses_nothing_and_repeats_nothing() {
    let mut server = MailServer::plain();
    let roles = server.roles();
    let system = pool(&roles.system(), "Your code is {####}");
    sign_up(&system, &format!("{}@example.com", unique("before")));
    server.await_mails(1);
    server.stop();
    let count = short_or_long(20, 500) as usize;
    for _ in 0..count {
        sign_up(&system, &format!("{}@example.com", unique("down")));
    }
    std::thread::sleep(Duration::from_secs(u64::from(short_or_long(4, 60))));
    assert_eq!(listed(&system, &roles, "waiting").len() + listed(&system, &roles, "sending").len(), count);
    server.start();
    server.await_mails(count + 1);
    until("all are recorded", PATIENCE, || listed(&system, &roles, "delivered").len() == (count + 1).min(500));
    let mails = server.mails();
    let ids: std::collections::BTreeSet<String> =
        mails.iter().map(|mail| between(mail, "Message-ID: <", ">")).collect();
    assert_eq!((mails.len(), ids.len()), (count + 1, count + 1), "each once");
}

#[test]
fn refusals_for_now_and_for_good() {
    let server = MailServer::plain();
    let roles = server.roles();
    let system = pool(&roles.system(), "Your code is {####}");
    server.answer("defer");
    sign_up(&system, &format!("{}@example.com", unique("later")));
    until("it was put off", PATIENCE, || {
        listed(&system, &roles, "waiting").iter().any(|m| m["last_error"] == "recipient: 451 4.7.1")
    });
    server.answer("ok");
    server.await_mails(1);

    server.answer("refuse");
    sign_up(&system, &format!("{}@example.com", unique("never")));
    until("it failed", PATIENCE, || listed(&system, &roles, "failed").len() == 1);
    let failed = listed(&system, &roles, "failed").remove(0);
    assert_eq!((&failed["last_error"], &failed["attempts"]), (&json!("recipient: 550 5.1.1"), &json!(1)));
    assert!(!failed.to_string().contains("example.com"), "{failed}");
    server.answer("ok");
    let id = failed["id"].as_str().unwrap();
    admin(&system, &roles, &["messages", "retry", id, "--pool", &system.pool_id]);
    server.await_mails(2);
}

#[test]
fn a_slow_server_gets_a_message_once_and_one_that_hangs_up_gets_it_again() {
    let server = MailServer::plain();
    let roles = server.roles();
    let system = pool(&roles.system(), "Your code is {####}");
    // Longer than the timeout of a step (1 s): the last step has its own.
    server.answer("slow 4");
    sign_up(&system, &format!("{}@example.com", unique("slow")));
    until("it is recorded", PATIENCE, || listed(&system, &roles, "delivered").len() == 1);
    assert_eq!(server.mails().len(), 1);

    server.answer("close");
    sign_up(&system, &format!("{}@example.com", unique("cut")));
    until("it was put off", PATIENCE, || listed(&system, &roles, "waiting").iter().any(|m| m["last_error"] != ""));
    server.answer("ok");
    until("it is recorded", PATIENCE, || listed(&system, &roles, "delivered").len() == 2);
    let ids: Vec<String> = server.mails().iter().map(|mail| between(mail, "Message-ID: <", ">")).collect();
    let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), 2, "a repetition has the id of the first: {ids:?}");
}

/// A pool and a client of the test's own.
fn pool(system: &System, template: &str) -> System {
    let made = system.admin(
        "CreateUserPool",
        &json!({
            "PoolName": "mail",
            "AutoVerifiedAttributes": ["email"],
            "UsernameAttributes": ["email"],
            "VerificationMessageTemplate": { "EmailMessage": template, "EmailSubject": "Zoo: your code" },
            "AdminCreateUserConfig": { "InviteMessageTemplate": { "EmailMessage": "{username}, password [{####}]" } },
            "EmailConfiguration": { "From": "Zoo <zoo@example.com>", "ReplyToEmailAddress": "help@example.com" },
        }),
    );
    let pool_id = made.unwrap()["UserPool"]["Id"].as_str().unwrap().to_owned();
    let flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];
    let client = json!({ "UserPoolId": pool_id, "ClientName": "mail", "ExplicitAuthFlows": flows });
    let made = system.admin("CreateUserPoolClient", &client).unwrap();
    let client_id = made["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned();
    System { pool_id, client_id, ..system.clone() }
}

fn sign_up(system: &System, user: &str) {
    let input = json!({
        "ClientId": system.client_id, "Username": user, "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": user }],
    });
    system.public("SignUp", &input).unwrap();
}

fn sign_in_answer(system: &System, user: &str, password: &str) -> Result<Value, crate::system::Refused> {
    let parameters = json!({ "USERNAME": user, "PASSWORD": password });
    let input = json!({ "ClientId": system.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    system.public("InitiateAuth", &input)
}

/// The six digits of a mail's text.
/// Six digits by themselves: names, ids and the borders of parts may have six digits in a row too.
fn code(mail: &str) -> String {
    let body = mail.split("\r\n\r\n").skip(1).collect::<String>();
    let mut words = body.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    words.find(is_code).unwrap_or_else(|| panic!("no code in {mail}")).to_owned()
}

/// Soft line ends of quoted-printable removed, its `=XX` resolved.
fn between(mail: &str, start: &str, end: &str) -> String {
    let from = mail.split(start).nth(1).unwrap_or_else(|| panic!("no {start} in {mail}"));
    // Plain mail may have a `=` of its own, as passwords do.
    if !mail.to_ascii_lowercase().contains("quoted-printable") {
        return from.split(end).next().unwrap().to_owned();
    }
    let text = from.replace("=\r\n", "");
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('=') {
        plain.push_str(before);
        match after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = &after[2..];
            }
            None => {
                plain.push('=');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain.split(end).next().unwrap().to_owned()
}

fn listed(system: &System, roles: &Roles, state: &str) -> Vec<Value> {
    let arguments = ["messages", "list", "--pool", &system.pool_id, "--state", state, "--limit", "500"];
    admin(system, roles, &arguments).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn admin(system: &System, roles: &Roles, arguments: &[&str]) -> String {
    let output = Command::new(TOLLGATE)
        .arg("admin")
        .args(arguments)
        .args(["--admin", roles.admin()])
        .env("AWS_ACCESS_KEY_ID", &system.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &system.secret_access_key)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A server of the test's own, which ends with it.
struct MailServer {
    folder: TempDir,
    port: u16,
    secure: bool,
    process: Option<Child>,
}

impl MailServer {
    fn plain() -> Self {
        Self::new(false)
    }

    fn secure() -> Self {
        Self::new(true)
    }

    fn new(secure: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if secure {
            write_certificates(folder.path());
            fs::write(folder.path().join("password"), "let me in\n").unwrap();
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(folder.path().join("password"), private).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, port, secure, process: None };
        server.start();
        server
    }

    fn start(&mut self) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(root.join(".venv/bin/python"));
        command.arg(root.join("tests/clients/smtp_server.py")).arg(self.port.to_string()).arg(self.folder.path());
        if self.secure {
            command.arg(self.file("cert.pem")).arg(self.file("key.pem")).args(["tollgate", "let me in"]);
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        self.process = Some(process);
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// An issuer that sends through it.
    fn roles(&self) -> Roles {
        let way = if self.secure {
            format!(
                "tls = \"starttls\"\nca_file = {:?}\nusername = \"tollgate\"\npassword_file = {:?}",
                self.file("ca.pem"),
                self.file("password")
            )
        } else {
            "tls = \"none\"".to_owned()
        };
        let port = self.port;
        Roles::start(|folder| {
            format!(
                "sqlite = \"{}/tollgate.db\"\n[messages.smtp]\nhost = \"localhost\"\nport = {port}\n{way}\nfrom = \"no-reply@example.com\"\ntimeout = \"1s\"",
                folder.display()
            )
        })
    }

    fn answer(&self, mode: &str) {
        fs::write(self.file("mode"), mode).unwrap();
    }

    fn await_mails(&self, count: usize) -> Vec<String> {
        until("the mail is there", PATIENCE, || self.mails().len() >= count);
        self.mails()
    }

    /// In the order in which they came.
    fn mails(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap().flatten().map(|entry| entry.path());
        let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse::<u32>().ok();
        let mut mails: Vec<(u32, PathBuf)> = files
            .filter(|path| path.extension().is_some_and(|e| e == "eml"))
            .filter_map(|path| Some((number(&path)?, path)))
            .collect();
        mails.sort();
        mails.into_iter().map(|(_, path)| fs::read_to_string(path).unwrap()).collect()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A private CA and the server's certificate for `localhost`.
fn write_certificates(folder: &Path) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("ca.pem"), ca_certificate.pem()).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

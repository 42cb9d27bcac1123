//! The labels that AWS's token management puts on requests: what the client's token is worth ("Types of token labels in AWS WAF").
//!
//! AWS adds them where one of its bot and fraud groups is used; here every web ACL has them that asks for challenges or captchas, or asks for these labels.

use std::fmt::Write;
use std::sync::Arc;

use common::waf::model::WebAcl;

use crate::waf::condition::Wants;
use crate::waf::labels::Labels;
use crate::waf::request::{Clearance, Solved, Standing};

/// Labels about the token, and about challenges in it.
pub const TOKEN: &str = "awswaf:managed:token:";
/// Labels about captchas in it.
pub const CAPTCHA: &str = "awswaf:managed:captcha:";
/// Before the client's session. It is for rules alone: whoever reads a log could tell by it which requests are one client's.
pub const SESSION: &str = "awswaf:managed:token:id:";

/// What a token is worth to a web ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    Accepted,
    Absent,
    Invalid,
    DomainMismatch,
    NotSolved,
    Expired,
}

/// Makes the labels of one web ACL.
#[derive(Debug)]
pub struct TokenLabels {
    token: Made,
    captcha: Made,
    /// Seconds, as the web ACL has them.
    challenge_immunity: u32,
    captcha_immunity: u32,
    /// What challenges and captchas must have been at least.
    difficulty: (u8, u8),
    /// Some rule asks for sessions.
    sessions: bool,
}

/// The labels of a namespace, made once.
#[derive(Debug)]
struct Made {
    accepted: Arc<str>,
    absent: Arc<str>,
    rejected: Arc<str>,
    invalid: Arc<str>,
    domain_mismatch: Arc<str>,
    not_solved: Arc<str>,
    expired: Arc<str>,
}

impl TokenLabels {
    pub fn new(acl: &WebAcl, wants: Wants) -> Self {
        Self {
            token: Made::new(TOKEN),
            captcha: Made::new(CAPTCHA),
            challenge_immunity: acl.challenge_immunity,
            captcha_immunity: acl.captcha_immunity,
            difficulty: (0, 0),
            sessions: wants.sessions,
        }
    }

    pub fn set_difficulty(&mut self, usual: (u8, u8)) {
        self.difficulty = usual;
    }

    /// A solved captcha is a solved challenge too.
    pub fn label(&self, clearance: &Clearance, labels: &mut Labels) {
        let (of_challenge, of_captcha) = self.difficulty;
        let solved = [clearance.challenge, clearance.captcha];
        self.token.label(worth(clearance.standing, &solved, self.challenge_immunity, of_challenge), labels);
        let solved = [clearance.captcha];
        self.captcha.label(worth(clearance.standing, &solved, self.captcha_immunity, of_captcha), labels);
        if let Some(session) = clearance.session.filter(|_| self.sessions) {
            let mut label = SESSION.to_owned();
            for byte in session {
                let _ = write!(label, "{byte:02x}"); // a String takes everything
            }
            labels.add(&label.into());
        }
    }
}

fn worth(standing: Standing, solved: &[Option<Solved>], immunity: u32, difficulty: u8) -> Worth {
    match standing {
        Standing::Missing => Worth::Absent,
        Standing::Invalid => Worth::Invalid,
        Standing::DomainMismatch => Worth::DomainMismatch,
        Standing::Good => {
            let hard = || solved.iter().flatten().filter(|solved| solved.difficulty >= difficulty);
            if hard().any(|solved| solved.ago <= u64::from(immunity)) {
                Worth::Accepted
            } else if hard().next().is_some() {
                Worth::Expired
            } else {
                Worth::NotSolved
            }
        }
    }
}

impl Made {
    fn new(namespace: &str) -> Self {
        let label = |name: &str| Arc::from(format!("{namespace}{name}"));
        Self {
            accepted: label("accepted"),
            absent: label("absent"),
            rejected: label("rejected"),
            invalid: label("rejected:invalid"),
            domain_mismatch: label("rejected:domain_mismatch"),
            not_solved: label("rejected:not_solved"),
            expired: label("rejected:expired"),
        }
    }

    fn label(&self, worth: Worth, labels: &mut Labels) {
        let reason = match worth {
            Worth::Accepted => return labels.add(&self.accepted),
            Worth::Absent => return labels.add(&self.absent),
            Worth::Invalid => &self.invalid,
            Worth::DomainMismatch => &self.domain_mismatch,
            Worth::NotSolved => &self.not_solved,
            Worth::Expired => &self.expired,
        };
        labels.add(&self.rejected);
        labels.add(reason);
    }
}

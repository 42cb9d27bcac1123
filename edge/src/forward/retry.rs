//! Whether a try that failed is followed by another: a function of the rule and of what happened.

use crate::snapshot::upstream::settings::Retries;

/// Why a try failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No connection; nothing was sent.
    Connect,
    /// The server says that it has not begun (RFC 9113 §8.7: REFUSED_STREAM, or GOAWAY before the stream).
    Unprocessed,
    /// A connection that was kept open turned out to be closed: most likely the server has seen nothing.
    Stale,
    /// The connection broke, or the answer was no HTTP.
    Reset,
    /// The server was silent for too long.
    Timeout,
    /// The server answered 502, 503 or 504.
    Status,
}

/// A try that failed, and the request that it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    pub cause: Cause,
    /// Tries that have been made, with this one; at least 1.
    pub tries: usize,
    /// The method is one that can be repeated (RFC 9110 §9.2.2).
    pub idempotent: bool,
    /// Everything of the body that was sent is still there.
    pub replayable: bool,
    /// The client has got the head of an answer.
    pub answered: bool,
}

/// Whether the rule has another try for it. Budget and deadline are asked after that.
pub fn may_repeat(rule: &Retries, failed: &Failed) -> bool {
    if failed.answered || failed.tries > rule.attempts.max(usize::from(failed.cause == Cause::Stale)) {
        return false;
    }
    match failed.cause {
        Cause::Connect => rule.on_connect,
        Cause::Unprocessed => rule.on_connect && failed.replayable,
        Cause::Stale => failed.idempotent && failed.replayable,
        Cause::Reset | Cause::Timeout => rule.on_reset && failed.idempotent && failed.replayable,
        Cause::Status => rule.on_status && failed.idempotent && failed.replayable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Retries =
        Retries { attempts: 2, on_connect: true, on_reset: true, on_status: true, budget: None, per_try_timeout: None };
    const CAUSES: [Cause; 6] =
        [Cause::Connect, Cause::Unprocessed, Cause::Stale, Cause::Reset, Cause::Timeout, Cause::Status];

    fn failed(cause: Cause) -> Failed {
        Failed { cause, tries: 1, idempotent: true, replayable: true, answered: false }
    }

    fn repeated(rule: &Retries, change: impl Fn(&mut Failed)) -> Vec<Cause> {
        let may = |cause: &Cause| {
            let mut failed = failed(*cause);
            change(&mut failed);
            may_repeat(rule, &failed)
        };
        CAUSES.into_iter().filter(|cause| may(cause)).collect()
    }

    #[test]
    fn a_request_that_can_be_repeated_is_repeated_as_the_rule_says() {
        assert_eq!(repeated(&ALL, |_| ()), CAUSES);
        let usual = Retries::usual(3);
        assert_eq!(repeated(&usual, |_| ()), [Cause::Connect, Cause::Unprocessed, Cause::Stale]);
        assert_eq!(repeated(&Retries { on_connect: false, ..usual }, |_| ()), [Cause::Stale]);
    }

    #[test]
    fn what_may_have_been_done_is_not_done_twice() {
        assert_eq!(repeated(&ALL, |failed| failed.idempotent = false), [Cause::Connect, Cause::Unprocessed]);
        assert_eq!(repeated(&ALL, |failed| failed.replayable = false), [Cause::Connect]);
        assert!(repeated(&ALL, |failed| failed.answered = true).is_empty());
    }

    #[test]
    fn tries_end() {
        assert_eq!(repeated(&ALL, |failed| failed.tries = 2), CAUSES);
        assert!(repeated(&ALL, |failed| failed.tries = 3).is_empty());
        let none = Retries { attempts: 0, ..ALL };
        assert_eq!(repeated(&none, |_| ()), [Cause::Stale], "a kept connection may always be stale, once");
    }
}

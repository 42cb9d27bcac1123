//! Why somebody else's URL gave no answer.

use std::time::Duration;

/// The texts are for whoever registered the URL, so they hold nothing of the network that the issuer stands in: neither addresses nor what answered there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    #[error("the URL {0}")]
    Address(&'static str),
    #[error("its host has no public address")]
    NotPublic,
    #[error("its host could not be found")]
    Unknown,
    #[error("no connection to it")]
    Unreachable,
    #[error("its certificate is not good for its name, or TLS failed")]
    Tls,
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the answer broke off, or is not HTTP")]
    Broken,
    #[error("it redirects; redirects are not followed")]
    Redirect,
    #[error("it answered HTTP {0}")]
    Status(u16),
    #[error("the answer's Content-Type is not {0}")]
    ContentType(&'static str),
    #[error("too many requests are under way")]
    Busy,
}

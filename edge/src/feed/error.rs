//! Why the feed's client can't start or can't join.

use common::feed::RefusedJoin;

#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("the state directory {path}: {error}")]
    StateDir { path: String, error: std::io::Error },
    #[error("the join token file {path}: {error}")]
    TokenFile { path: String, error: std::io::Error },
    #[error("the join token file does not hold a join token")]
    Token,
    #[error("this edge has not joined yet, and no join token file is set")]
    NoToken,
    #[error("the issuer refused the join: {0}")]
    Refused(#[from] RefusedJoin),
    #[error("the issuer's authority is not the one that the join token names")]
    WrongAuthority,
    #[error("a key or a certificate could not be made or read")]
    Certificate,
    #[error("the issuer at {0} can't be reached")]
    Unreachable(String),
    #[error("the issuer at {0} does not take the connection")]
    NotTaken(String),
    #[error("TLS: {0}")]
    Tls(String),
}

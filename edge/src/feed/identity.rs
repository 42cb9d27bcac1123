//! Who this edge is: key, certificate and authority, in one file of the state directory.

use std::path::Path;

use common::clock::UnixMillis;
use common::feed::JoinToken;
use common::ids::EdgeId;
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use serde::{Deserialize, Serialize};

use super::error::FeedError;
use super::sink::{Certified, FeedSink};
use super::tls;
use crate::files;

const FILE: &str = "identity";

/// An edge that has joined. Its key leaves neither memory nor this file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub name: EdgeId,
    /// PKCS#8.
    pub key: Vec<u8>,
    /// Leaf first, DER.
    pub chain: Vec<Vec<u8>>,
    pub ca: Vec<u8>,
    /// When the certificate was received, by this edge's clock.
    pub since: UnixMillis,
}

/// A new key and the request to certify it.
pub(super) struct Request {
    pub key: KeyPair,
    /// PKCS#10, DER.
    pub csr: Vec<u8>,
}

impl Request {
    pub(super) fn new() -> Result<Self, FeedError> {
        let key = KeyPair::generate().map_err(|_| FeedError::Certificate)?;
        let mut params = CertificateParams::new(Vec::<String>::new()).map_err(|_| FeedError::Certificate)?;
        params.distinguished_name = DistinguishedName::new();
        let csr = params.serialize_request(&key).map_err(|_| FeedError::Certificate)?.der().to_vec();
        Ok(Self { key, csr })
    }

    /// Whether this certificate is on the request's key.
    pub(super) fn answers(&self, leaf: &[u8]) -> bool {
        x509_parser::parse_x509_certificate(leaf)
            .is_ok_and(|(_, parsed)| parsed.public_key().subject_public_key.data == self.key.public_key_raw())
    }
}

impl Identity {
    /// `None`: this edge has not joined.
    pub(super) fn load(dir: &Path) -> Result<Option<Self>, FeedError> {
        let path = dir.join(FILE);
        let bytes = files::read(&path).map_err(|error| at(&path, error))?;
        bytes.map(|bytes| postcard::from_bytes(&bytes).map_err(|_| FeedError::Certificate)).transpose()
    }

    /// Hands it on to what signs with it.
    pub(super) fn tell(&self, sink: &dyn FeedSink) {
        if let (Some(certificate), Some(authority)) = (self.chain.first(), tls::key_hash(&self.ca)) {
            sink.identity(&Certified { edge: &self.name, key: &self.key, certificate, authority });
        }
    }

    pub(super) fn save(&self, dir: &Path) -> Result<(), FeedError> {
        let path = dir.join(FILE);
        let bytes = postcard::to_stdvec(self).map_err(|_| FeedError::Certificate)?;
        files::replace(&path, &bytes).map_err(|error| at(&path, error))
    }
}

/// What the operator put there.
pub(super) fn read_token(path: &Path) -> Result<JoinToken, FeedError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| FeedError::TokenFile { path: path.display().to_string(), error })?;
    JoinToken::parse(&text).map_err(|_| FeedError::Token)
}

fn at(path: &Path, error: std::io::Error) -> FeedError {
    FeedError::StateDir { path: path.display().to_string(), error }
}

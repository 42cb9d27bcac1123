//! What a client's hello looks like, before the handshake takes it.

use pingora::protocols::l4::stream::Stream;
use tokio::io::AsyncReadExt;

use crate::facts::Fingerprints;
use crate::tls::fingerprint;
use crate::tls::hello::{Assembled, Assembler};

/// Reads until the hello is whole, and puts back all that was read. None where the connection begins with something else; the handshake will say so.
pub async fn fingerprints(tcp: &mut Stream) -> Option<Fingerprints> {
    let mut bytes = Vec::new();
    let mut assembler = Assembler::default();
    let fingerprints = loop {
        match assembler.take(&bytes) {
            Assembled::Whole => break assembler.hello().map(|hello| fingerprint::of(&hello)),
            Assembled::Nothing => break None,
            Assembled::Needs(more) => bytes.reserve(more),
        }
        if !matches!(tcp.read_buf(&mut bytes).await, Ok(1..)) {
            break None;
        }
    };
    tcp.rewind(&bytes);
    fingerprints
}

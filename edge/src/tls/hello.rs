//! The ClientHello as it came: what fingerprints are made of, which TLS libraries do not tell.
//!
//! Nothing here is trusted or refused: the handshake reads the same bytes and decides. What this reader can't make sense of has no fingerprint.

/// The longest message that is looked at, as rustls takes it; bytes. Hellos with post-quantum keys have some two thousand.
const LONGEST: usize = 16 * 1024;
/// Bytes of records that may carry it: a client may cut it into small ones.
const MOST_BYTES: usize = 2 * LONGEST;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// Puts the message together from the records that carry it (RFC 8446 §5.1).
#[derive(Debug, Default)]
pub struct Assembler {
    /// Bytes of records that have been taken apart.
    taken: usize,
    message: Vec<u8>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assembled {
    Whole,
    /// At least so many bytes are still to come.
    Needs(usize),
    /// It is no ClientHello, or too long a one.
    Nothing,
}

impl Assembler {
    /// `bytes` is all that has come of the connection.
    pub fn take(&mut self, bytes: &[u8]) -> Assembled {
        loop {
            match self.missing() {
                Some(0) => return Assembled::Whole,
                None => return Assembled::Nothing,
                Some(_) => {}
            }
            let rest = bytes.get(self.taken..).unwrap_or_default();
            let Some(([kind, major, _, high, low], payload)) = rest.split_first_chunk::<5>() else {
                return self.needs(5 - rest.len(), bytes);
            };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if *kind != HANDSHAKE || *major != 3 || length == 0 || length > LONGEST {
                return Assembled::Nothing;
            }
            let Some(payload) = payload.get(..length) else {
                return self.needs(length - payload.len(), bytes);
            };
            self.message.extend_from_slice(payload);
            self.taken += 5 + length;
        }
    }

    /// What the message says, when it is whole.
    pub fn hello(&self) -> Option<Hello<'_>> {
        Hello::parse(self.message.get(4..)?)
    }

    /// Bytes of the message that are not there yet; None where it is another one. The head is four bytes.
    fn missing(&self) -> Option<usize> {
        let Some([kind, length @ ..]) = self.message.first_chunk::<4>() else {
            let begins = self.message.first().is_none_or(|kind| *kind == CLIENT_HELLO);
            return begins.then_some(4 - self.message.len());
        };
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let fits = *kind == CLIENT_HELLO && length <= LONGEST;
        fits.then(|| (4 + length).saturating_sub(self.message.len()))
    }

    fn needs(&self, more: usize, bytes: &[u8]) -> Assembled {
        if bytes.len() + more > MOST_BYTES { Assembled::Nothing } else { Assembled::Needs(more) }
    }
}

/// The parts of a ClientHello (RFC 8446 §4.1.2) that fingerprints look at, with GREASE (RFC 8701) left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello<'h> {
    /// `legacy_version`.
    pub version: u16,
    pub ciphers: Vec<u16>,
    /// Their types, in order.
    pub extensions: Vec<u16>,
    pub groups: Vec<u16>,
    pub point_formats: &'h [u8],
    pub signature_algorithms: Vec<u16>,
    pub supported_versions: Vec<u16>,
    /// The first protocol of ALPN.
    pub protocol: Option<&'h [u8]>,
}

/// Types of extensions.
pub const SERVER_NAME: u16 = 0;
pub const ALPN: u16 = 16;
const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const SUPPORTED_VERSIONS: u16 = 43;

impl<'h> Hello<'h> {
    /// The message without its head. What is in an extension of the wrong form does not count.
    fn parse(body: &'h [u8]) -> Option<Self> {
        let mut body = Bytes(body);
        let version = body.number()?;
        body.take(32)?;
        let _session = body.short()?;
        let ciphers = numbers(body.long()?);
        let _compression = body.short()?;
        let mut hello = Self { version, ciphers, ..Self::default() };
        if body.0.is_empty() {
            return Some(hello);
        }
        let mut extensions = Bytes(body.long()?);
        while !extensions.0.is_empty() {
            let (kind, content) = (extensions.number()?, extensions.long()?);
            if !is_grease(kind) {
                hello.extensions.push(kind);
                hello.read(kind, Bytes(content));
            }
        }
        Some(hello)
    }

    fn read(&mut self, kind: u16, mut content: Bytes<'h>) {
        match kind {
            SUPPORTED_GROUPS => self.groups = numbers(content.long().unwrap_or_default()),
            EC_POINT_FORMATS => self.point_formats = content.short().unwrap_or_default(),
            SIGNATURE_ALGORITHMS => self.signature_algorithms = numbers(content.long().unwrap_or_default()),
            SUPPORTED_VERSIONS => self.supported_versions = numbers(content.short().unwrap_or_default()),
            ALPN => {
                let mut list = Bytes(content.long().unwrap_or_default());
                let named = std::iter::from_fn(|| list.short());
                self.protocol =
                    named.into_iter().find(|name| !matches!(name, [a, b] if is_grease(u16::from_be_bytes([*a, *b]))));
            }
            _ => {}
        }
    }
}

/// `0a0a`, `1a1a`, … `fafa`.
fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    let pairs = bytes.as_chunks::<2>().0;
    pairs.iter().map(|pair| u16::from_be_bytes(*pair)).filter(|number| !is_grease(*number)).collect()
}

/// Takes bytes off the front.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        let (number, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*number))
    }

    /// What a length of one byte stands before.
    fn short(&mut self) -> Option<&'b [u8]> {
        let (length, rest) = self.0.split_first()?;
        self.0 = rest;
        self.take(usize::from(*length))
    }

    /// What a length of two bytes stands before.
    fn long(&mut self) -> Option<&'b [u8]> {
        let length = self.number()?;
        self.take(usize::from(length))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::fixture::{Sketch, in_records};

    fn whole(bytes: &[u8]) -> Option<Assembler> {
        let mut assembler = Assembler::default();
        (assembler.take(bytes) == Assembled::Whole).then_some(assembler)
    }

    #[test]
    fn a_hello_is_put_together_however_it_is_cut() {
        let message = Sketch::chrome().message();
        let (one, expected) =
            (in_records(&message, message.len()), whole(&in_records(&message, message.len())).unwrap());
        for size in [1, 2, 3, 4, 5, 17, 100, message.len()] {
            let bytes = in_records(&message, size);
            let mut assembler = Assembler::default();
            let mut come = 0;
            while let Assembled::Needs(more) = assembler.take(&bytes[..come]) {
                assert!(more > 0 && come + more <= bytes.len(), "{size}: {come} and {more}");
                come += more;
            }
            assert_eq!(assembler.hello(), expected.hello(), "{size}");
            assert_eq!(come, bytes.len(), "no more is waited for than the message");
        }
        let early = [one.as_slice(), b"\x17\x03\x03\x00\x01x"].concat();
        assert_eq!(whole(&early).unwrap().hello(), expected.hello(), "what follows is not looked at");
    }

    #[test]
    fn what_is_no_hello_is_let_go_at_once() {
        let long = {
            let mut message = vec![1, 0, 0x40, 1];
            message.resize(message.len() + 0x4001, 0);
            in_records(&message, 16_000)
        };
        let dripping = in_records(&[1, 0, 0x3f, 0, 0, 0, 0, 0].repeat(1_000), 1);
        for bytes in [
            b"GET / HTTP/1.1\r\n".as_slice(),
            b"\x80\x2e\x01\x00\x02",
            b"\x16\x02\x00\x00\x05hello",
            b"\x16\x03\x01\x00\x00",
            b"\x16\x03\x01\x40\x01",
            b"\x16\x03\x01\x00\x01\x02",
            &long,
            &dripping,
        ] {
            assert_eq!(Assembler::default().take(bytes), Assembled::Nothing, "{:?}", &bytes[..5]);
        }
        assert_eq!(Assembler::default().take(b""), Assembled::Needs(5));
        assert_eq!(Assembler::default().take(b"\x16\x03\x01\x00\x20\x01"), Assembled::Needs(31));
    }

    proptest! {
        #[test]
        fn noise_makes_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), size in 1_usize..400) {
            let head = [1, 0, (bytes.len() >> 8) as u8, bytes.len() as u8];
            for bytes in [bytes.clone(), in_records(&[head.as_slice(), &bytes].concat(), size)] {
                let mut assembler = Assembler::default();
                if assembler.take(&bytes) == Assembled::Whole && let Some(hello) = assembler.hello() {
                    let prints = crate::tls::fingerprint::of(&hello);
                    prop_assert_eq!((prints.ja3.len(), prints.ja4.len()), (32, 36));
                }
            }
        }

        #[test]
        fn a_damaged_hello_makes_no_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut message = Sketch::chrome().message();
            let at = at.index(message.len() - 4) + 4;
            message[at] = byte;
            let bytes = in_records(&message, 700);
            for bytes in [bytes.as_slice(), &bytes[..cut.index(bytes.len())]] {
                if let Some(hello) = whole(bytes).as_ref().and_then(Assembler::hello) {
                    prop_assert_eq!(crate::tls::fingerprint::of(&hello).ja4.len(), 36);
                }
            }
        }
    }
}

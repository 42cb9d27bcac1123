//! Frames: u32 length (big-endian, of all that follows), u8 version, u8 kind, body.

/// Longest frame, in bytes, not counting its length field.
pub const MAX_FRAME: usize = 1024 * 1024;
/// The version that this code speaks first.
pub const VERSION: u8 = 1;

/// One frame off the wire, its body still unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub version: u8,
    pub kind: u8,
    pub body: Vec<u8>,
}

/// Why bytes are no frame. The connection that carried them is lost: no later byte can be trusted to be a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame is too long")]
    TooLong,
    #[error("a frame is shorter than its header")]
    TooShort,
    #[error("a frame of version {0} is not served")]
    Version(u8),
    #[error("the body of a frame of kind {0} is malformed")]
    Body(u8),
}

/// Whether this version is served: the current one and the one before it.
pub const fn serves(version: u8) -> bool {
    version == VERSION || (version != 0 && version.wrapping_add(1) == VERSION)
}

impl Frame {
    /// The bytes on the wire. Fails when the body does not fit.
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let length = self.body.len() + 2;
        if length > MAX_FRAME {
            return Err(FrameError::TooLong);
        }
        let mut bytes = Vec::with_capacity(length + 4);
        bytes.extend_from_slice(&u32::try_from(length).map_err(|_| FrameError::TooLong)?.to_be_bytes());
        bytes.extend_from_slice(&[self.version, self.kind]);
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }
}

/// Cuts a stream of bytes into frames. It holds at most one frame and the chunk last pushed.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    read: usize,
    most: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::bounded(MAX_FRAME)
    }
}

impl Decoder {
    /// Of frames that are not longer than this, which is at most [`MAX_FRAME`].
    pub fn bounded(most: usize) -> Self {
        Self { buffer: Vec::new(), read: 0, most: most.min(MAX_FRAME) }
    }

    pub fn push(&mut self, chunk: &[u8]) {
        if self.read > 0 {
            self.buffer.drain(..self.read);
            self.read = 0;
        }
        self.buffer.extend_from_slice(chunk);
    }

    /// The next whole frame, if there is one. A version that is not served is refused before its body is awaited.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let waiting = self.buffer.get(self.read..).unwrap_or_default();
        let Some((length, rest)) = waiting.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > self.most {
            return Err(FrameError::TooLong);
        }
        if length < 2 {
            return Err(FrameError::TooShort);
        }
        let Some(&version) = rest.first() else { return Ok(None) };
        if !serves(version) {
            return Err(FrameError::Version(version));
        }
        let Some((&[_, kind], body)) = rest.get(..length).and_then(|frame| frame.split_first_chunk::<2>()) else {
            return Ok(None);
        };
        let frame = Frame { version, kind, body: body.to_vec() };
        self.read += length + 4;
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_checked_before_anything_is_kept() {
        let next = |bytes: &[u8]| {
            let mut decoder = Decoder::default();
            decoder.push(bytes);
            decoder.next_frame()
        };
        assert_eq!(next(&[0, 16, 0, 1]), Err(FrameError::TooLong));
        assert_eq!(next(&[0xff; 4]), Err(FrameError::TooLong));
        assert_eq!(next(&[0, 0, 0, 1, 1]), Err(FrameError::TooShort));
        assert_eq!(next(&[0, 0, 0, 2, VERSION + 1]), Err(FrameError::Version(VERSION + 1)));
        assert_eq!(next(&[0, 0, 0]), Ok(None));
        assert_eq!(next(&[0, 0, 0, 2, VERSION]), Ok(None));
        assert_eq!(next(&[0, 0, 0, 2, VERSION, 9]).unwrap().unwrap().kind, 9);
        let mut small = Decoder::bounded(2);
        small.push(&[0, 0, 0, 2, VERSION, 9, 0, 0, 0, 3]);
        assert_eq!(small.next_frame().unwrap().unwrap().kind, 9);
        assert_eq!(small.next_frame(), Err(FrameError::TooLong));
    }

    #[test]
    fn a_body_that_does_not_fit_is_not_sent() {
        let frame = |size| Frame { version: VERSION, kind: 1, body: vec![0; size] };
        assert!(frame(MAX_FRAME - 2).encode().is_ok());
        assert_eq!(frame(MAX_FRAME - 1).encode(), Err(FrameError::TooLong));
    }

    proptest! {
        #[test]
        fn frames_survive_any_cut_of_the_stream(
            bodies in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..300)), 0..8),
            cut in 1usize..97,
        ) {
            let frames: Vec<Frame> =
                bodies.into_iter().map(|(kind, body)| Frame { version: VERSION, kind, body }).collect();
            let stream: Vec<u8> = frames.iter().flat_map(|frame| frame.encode().unwrap()).collect();
            let (mut decoder, mut seen) = (Decoder::default(), Vec::new());
            for chunk in stream.chunks(cut) {
                decoder.push(chunk);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    seen.push(frame);
                }
            }
            prop_assert_eq!(seen, frames);
        }

        #[test]
        fn noise_makes_no_panic(chunks: Vec<Vec<u8>>) {
            let mut decoder = Decoder::default();
            for chunk in chunks {
                decoder.push(&chunk);
                while let Ok(Some(_)) = decoder.next_frame() {}
            }
        }
    }
}

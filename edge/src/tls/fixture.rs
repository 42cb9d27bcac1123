//! Hellos for tests, made of what fingerprints look at.

/// What is in a hello. Extensions whose content is given below have it where they stand in `extensions`; all others are empty.
#[derive(Clone, Debug, Default)]
pub struct Sketch {
    pub version: u16,
    pub ciphers: Vec<u16>,
    pub extensions: Vec<u16>,
    pub groups: Vec<u16>,
    pub formats: Vec<u8>,
    pub signature_algorithms: Vec<u16>,
    pub versions: Vec<u16>,
    pub protocols: Vec<Vec<u8>>,
}

impl Sketch {
    /// The example of FoxIO's JA4.md, with GREASE where Chrome puts it.
    pub fn chrome() -> Self {
        Self {
            version: 0x0303,
            ciphers: vec![
                0x4a4a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
                0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0xaaaa, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b,
                0xff01, 0x000b, 0x000a, 0x0015, 0x1a1a,
            ],
            groups: vec![0x8a8a, 0x001d, 0x0017, 0x0018],
            formats: vec![0],
            signature_algorithms: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            versions: vec![0x6a6a, 0x0304, 0x0303],
            protocols: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }

    /// The handshake message, with its head.
    pub fn message(&self) -> Vec<u8> {
        let mut body = self.version.to_be_bytes().to_vec();
        body.extend_from_slice(&[7; 32]);
        body.extend_from_slice(&[0]);
        body.extend(long(&pairs(&self.ciphers)));
        body.extend_from_slice(&[1, 0]);
        if !self.extensions.is_empty() {
            let extension = |kind: &u16| [kind.to_be_bytes().to_vec(), long(&self.content(*kind))].concat();
            body.extend(long(&self.extensions.iter().flat_map(extension).collect::<Vec<_>>()));
        }
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[1], &length[1..], &body].concat()
    }

    /// In one record.
    pub fn bytes(&self) -> Vec<u8> {
        in_records(&self.message(), usize::MAX)
    }

    fn content(&self, kind: u16) -> Vec<u8> {
        match kind {
            0x000a => long(&pairs(&self.groups)),
            0x000b => short(&self.formats),
            0x000d => long(&pairs(&self.signature_algorithms)),
            0x002b => short(&pairs(&self.versions)),
            0x0010 => long(&self.protocols.iter().flat_map(|name| short(name)).collect::<Vec<_>>()),
            _ => Vec::new(),
        }
    }
}

/// A message in records of at most so many bytes.
pub fn in_records(message: &[u8], size: usize) -> Vec<u8> {
    let record = |part: &[u8]| [&[22, 3, 1], long(part).as_slice()].concat();
    message.chunks(size.min(16_384)).flat_map(record).collect()
}

fn pairs(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn short(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

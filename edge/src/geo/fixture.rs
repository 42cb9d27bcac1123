//! Writes small databases in MaxMind's format (MaxMind-DB-spec.md 2.0), for tests.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use serde_json::{Value, json};

/// Bits of a record of the search tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Bits24,
    Bits28,
    Bits32,
}

#[derive(Clone, Copy)]
enum Record {
    Empty,
    Node(usize),
    /// A place in the data section.
    Data(usize),
}

pub struct Writer {
    kind: &'static str,
    width: Width,
    /// Bits of an address.
    bits: u8,
    nodes: Vec<[Record; 2]>,
    data: Vec<u8>,
    places: HashMap<Vec<u8>, usize>,
}

impl Writer {
    /// A tree of IPv6 in which IPv4 lies at `::/96`.
    pub fn new(kind: &'static str, width: Width) -> Self {
        let nodes = vec![[Record::Empty; 2]];
        Self { kind, width, bits: 128, nodes, data: Vec::new(), places: HashMap::new() }
    }

    pub fn of_ipv4(kind: &'static str) -> Self {
        Self { bits: 32, ..Self::new(kind, Width::Bits24) }
    }

    /// Wider networks come before those within them.
    pub fn add(&mut self, network: &str, record: &Value) -> &mut Self {
        let network: IpNet = network.parse().unwrap();
        let (address, length) = match (network.addr(), self.bits) {
            (IpAddr::V4(address), 32) => (u128::from(u32::from(address)) << 96, network.prefix_len()),
            (IpAddr::V4(address), _) => (u128::from(u32::from(address)), network.prefix_len() + 96),
            (IpAddr::V6(address), _) => (u128::from(Ipv6Addr::from(address.octets())), network.prefix_len()),
        };
        let mut encoded = Vec::new();
        encode(record, &mut encoded);
        let place = *self.places.entry(encoded.clone()).or_insert_with(|| {
            self.data.extend_from_slice(&encoded);
            self.data.len() - encoded.len()
        });
        let mut node = 0;
        for depth in 0..length {
            let side = usize::from(address >> (127 - depth) & 1 == 1);
            if depth + 1 == length {
                self.nodes[node][side] = Record::Data(place);
                break;
            }
            node = match self.nodes[node][side] {
                Record::Node(next) => next,
                other => {
                    self.nodes.push([other; 2]);
                    let next = self.nodes.len() - 1;
                    self.nodes[node][side] = Record::Node(next);
                    next
                }
            };
        }
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let count = self.nodes.len();
        let pointer = |record: Record| {
            u32::try_from(match record {
                Record::Empty => count,
                Record::Node(node) => node,
                Record::Data(place) => count + 16 + place,
            })
            .unwrap()
            .to_be_bytes()
        };
        let mut bytes = Vec::new();
        for [left, right] in self.nodes.iter().map(|node| node.map(pointer)) {
            match self.width {
                Width::Bits24 => [&left[1..], &right[1..]].iter().for_each(|half| bytes.extend_from_slice(half)),
                Width::Bits28 => {
                    bytes.extend_from_slice(&left[1..]);
                    bytes.push(left[0] << 4 | right[0]);
                    bytes.extend_from_slice(&right[1..]);
                }
                Width::Bits32 => [left, right].iter().for_each(|half| bytes.extend_from_slice(half)),
            }
        }
        bytes.extend_from_slice(&[0; 16]);
        bytes.extend_from_slice(&self.data);
        bytes.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
        let record_size = match self.width {
            Width::Bits24 => 24,
            Width::Bits28 => 28,
            Width::Bits32 => 32,
        };
        let ip_version = if self.bits == 32 { 4 } else { 6 };
        let numbers = [
            ("binary_format_major_version", 5, 2),
            ("binary_format_minor_version", 5, 0),
            ("build_epoch", 9, 1_790_000_000),
            ("ip_version", 5, ip_version),
            ("node_count", 6, count as u64),
            ("record_size", 5, record_size),
        ];
        let others = json!({"database_type": self.kind, "description": {"en": "made by a test"}, "languages": ["en"]});
        let others = others.as_object().unwrap();
        head(7, numbers.len() + others.len(), &mut bytes);
        for (key, kind, value) in numbers {
            encode(&json!(key), &mut bytes);
            number(kind, value, &mut bytes);
        }
        for (key, value) in others {
            encode(&json!(key), &mut bytes);
            encode(value, &mut bytes);
        }
        bytes
    }
}

/// Numbers are `uint32`, or `uint64` where that is too small.
fn encode(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::String(text) => {
            head(2, text.len(), bytes);
            bytes.extend_from_slice(text.as_bytes());
        }
        Value::Number(value) => {
            let value = value.as_u64().unwrap();
            number(if u32::try_from(value).is_ok() { 6 } else { 9 }, value, bytes);
        }
        Value::Bool(flag) => head(14, usize::from(*flag), bytes),
        Value::Object(members) => {
            head(7, members.len(), bytes);
            for (key, value) in members {
                encode(&Value::String(key.clone()), bytes);
                encode(value, bytes);
            }
        }
        Value::Array(items) => {
            head(11, items.len(), bytes);
            items.iter().for_each(|item| encode(item, bytes));
        }
        Value::Null => panic!("the format has no null"),
    }
}

fn number(kind: u8, value: u64, bytes: &mut Vec<u8>) {
    let long = value.to_be_bytes();
    let short = &long[value.leading_zeros() as usize / 8..];
    head(kind, short.len(), bytes);
    bytes.extend_from_slice(short);
}

/// The control byte, the extended type and the size.
fn head(kind: u8, size: usize, bytes: &mut Vec<u8>) {
    let (short, rest) = match size {
        0..29 => (size, Vec::new()),
        29..285 => (29, vec![(size - 29) as u8]),
        _ => (30, ((size - 285) as u16).to_be_bytes().to_vec()),
    };
    if kind > 7 {
        bytes.push(short as u8);
        bytes.push(kind - 7);
    } else {
        bytes.push(kind << 5 | short as u8);
    }
    bytes.extend_from_slice(&rest);
}

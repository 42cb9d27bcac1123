//! Rows as bytes: for each value a letter and the value, lengths before contents.

use crate::store::{Row, Value};

/// Rows of one width, one after the other.
pub(super) fn encode(rows: Vec<Row>) -> Vec<u8> {
    let mut out = Vec::new();
    for value in rows.into_iter().flat_map(Row::into_values) {
        match value {
            Value::Int(number) => {
                out.push(b'i');
                out.extend_from_slice(&number.to_be_bytes());
            }
            Value::Text(text) => part(&mut out, b't', text.as_bytes()),
            Value::Bytes(bytes) => part(&mut out, b'b', &bytes),
            // No column holds a number out of range.
            Value::Null | Value::OutOfRange(_) => out.push(b'n'),
        }
    }
    out
}

fn part(out: &mut Vec<u8>, letter: u8, content: &[u8]) {
    out.push(letter);
    out.extend_from_slice(&(content.len() as u64).to_be_bytes());
    out.extend_from_slice(content);
}

/// `count` rows of `width` values, and nothing more.
pub(super) fn decode(mut bytes: &[u8], width: usize, count: u32) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    for _ in 0..count {
        let values: Option<Vec<Value>> = (0..width).map(|_| value(&mut bytes)).collect();
        rows.push(Row::new(values?));
    }
    bytes.is_empty().then_some(rows)
}

fn value(bytes: &mut &[u8]) -> Option<Value> {
    match take(bytes, 1)? {
        b"n" => Some(Value::Null),
        b"i" => Some(Value::Int(i64::from_be_bytes(take(bytes, 8)?.try_into().ok()?))),
        b"t" => Some(Value::Text(String::from_utf8(content(bytes)?.to_vec()).ok()?)),
        b"b" => Some(Value::Bytes(content(bytes)?.to_vec())),
        _ => None,
    }
}

fn content<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u64::from_be_bytes(take(bytes, 8)?.try_into().ok()?);
    take(bytes, usize::try_from(length).ok()?)
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            ".{0,12}".prop_map(Value::Text),
            proptest::collection::vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
        ]
    }

    proptest! {
        #[test]
        fn rows_return_unchanged_and_whole(rows in proptest::collection::vec(proptest::collection::vec(any_value(), 3), 0..6)) {
            let rows: Vec<Row> = rows.into_iter().map(Row::new).collect();
            let count = u32::try_from(rows.len()).unwrap();
            let bytes = encode(rows.clone());
            prop_assert_eq!(decode(&bytes, 3, count), Some(rows));
            if !bytes.is_empty() {
                prop_assert_eq!(decode(&bytes[..bytes.len() - 1], 3, count), None);
                prop_assert_eq!(decode(&bytes, 3, count - 1), None);
            }
        }

        #[test]
        fn anything_else_is_refused_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _refused_or_not = decode(&bytes, 2, 3);
        }
    }
}

//! A state as bytes, for a file: settings and loose revocations as records, the tables of revocations as they lie in memory.
//!
//! ```text
//! u32 length, head (postcard): key of the order, records, lengths of the tables by kind
//! for each kind, for each table: names (16 bytes each), ends (u32 each), values (u64 each, of users and devices)
//! ```
//!
//! Numbers are little-endian. A million revocations are read in some milliseconds: what is written in order needs no sorting. Whoever
//! keeps the file knows whether it is genuine; here nothing but its shape is trusted to be wrong.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::Position;
use super::message::{Record, records};
use super::packed::{Leave, Name, Order, Packed};
use super::revocations::{Folded, Revocations};
use super::runs::Runs;
use super::state::FeedState;
use crate::clock::UnixMillis;

/// Bytes that are read or written at once.
const PIECE: usize = 64 * 1024;
const KINDS: usize = 6;

#[derive(Serialize, Deserialize)]
struct Head {
    order: u64,
    #[serde(with = "records")]
    records: Vec<Record>,
    tables: [Vec<u64>; KINDS],
}

impl FeedState {
    /// Writes all but the position.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let folded = self.revoked().folded();
        let tables = [
            lengths(&folded.tokens),
            lengths(&folded.sessions),
            lengths(&folded.users),
            lengths(&folded.devices),
            lengths(&folded.clients),
            lengths(&folded.keys),
        ];
        let head = Head { order: self.revoked().order().0, records: self.unfolded_records().collect(), tables };
        let head = postcard::to_stdvec(&head).map_err(io::Error::other)?;
        out.write_all(&u32::try_from(head.len()).map_err(io::Error::other)?.to_le_bytes())?;
        out.write_all(&head)?;
        write_marks(&folded.tokens, out)?;
        write_marks(&folded.sessions, out)?;
        write_times(&folded.users, out)?;
        write_times(&folded.devices, out)?;
        write_marks(&folded.clients, out)?;
        write_marks(&folded.keys, out)
    }

    /// Reads what [`FeedState::write_to`] has written, from a file that has `left` bytes left: nothing is allocated beyond that.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when it is no state; other kinds when it can't be read.
    pub fn read_from(position: Position, input: &mut impl Read, left: u64) -> io::Result<Self> {
        let length = u64::from(u32::from_le_bytes(read_array(input)?));
        let mut head = vec![0; usize::try_from(length).ok().filter(|_| length <= left).ok_or_else(invalid)?];
        input.read_exact(&mut head)?;
        let head: Head = match postcard::take_from_bytes(&head) {
            Ok((head, [])) => head,
            _ => return Err(invalid()),
        };
        let (order, mut tables) = (Order(head.order), head.tables.into_iter());
        let mut next = || Lengths { lengths: tables.next().unwrap_or_default(), left };
        let folded = Folded {
            tokens: read_marks(order, input, next())?,
            sessions: read_marks(order, input, next())?,
            users: read_times(order, input, next())?,
            devices: read_times(order, input, next())?,
            clients: read_marks(order, input, next())?,
            keys: read_marks(order, input, next())?,
        };
        let revoked = Revocations::under(order, folded);
        Self::from_parts(position, revoked, &head.records).map_err(|_| invalid())
    }
}

/// Entries of the tables of one kind, each fewer than the file has bytes.
struct Lengths {
    lengths: Vec<u64>,
    left: u64,
}

impl Lengths {
    fn checked(self, entry: usize) -> impl Iterator<Item = io::Result<usize>> {
        let most = self.left / entry as u64;
        self.lengths
            .into_iter()
            .map(move |length| usize::try_from(length).ok().filter(|_| length <= most).ok_or_else(invalid))
    }
}

fn lengths<V: Copy + Ord>(runs: &Runs<V>) -> Vec<u64> {
    runs.tables().iter().map(|table| table.len() as u64).collect()
}

fn write_marks(runs: &Runs<()>, out: &mut impl Write) -> io::Result<()> {
    runs.tables().iter().try_for_each(|table| {
        let (names, leaves, _) = table.columns();
        write_column(names, |name| *name, out)?;
        write_column(leaves, |leave| leave.0.to_le_bytes(), out)
    })
}

fn write_times(runs: &Runs<UnixMillis>, out: &mut impl Write) -> io::Result<()> {
    runs.tables().iter().try_for_each(|table| {
        let (names, leaves, values) = table.columns();
        write_column(names, |name| *name, out)?;
        write_column(leaves, |leave| leave.0.to_le_bytes(), out)?;
        write_column(values, |at| at.0.to_le_bytes(), out)
    })
}

fn read_marks(order: Order, input: &mut impl Read, lengths: Lengths) -> io::Result<Runs<()>> {
    let mut runs = Runs::default();
    for length in lengths.checked(size_of::<Name>() + size_of::<u32>()) {
        let length = length?;
        let names = read_column(input, length, |name: &Name| *name)?;
        let leaves = read_column(input, length, |bytes| Leave(u32::from_le_bytes(*bytes)))?;
        runs.push(Packed::from_columns(order, names, leaves, vec![(); length]).ok_or_else(invalid)?);
    }
    Ok(runs)
}

fn read_times(order: Order, input: &mut impl Read, lengths: Lengths) -> io::Result<Runs<UnixMillis>> {
    let mut runs = Runs::default();
    for length in lengths.checked(size_of::<Name>() + size_of::<u32>() + size_of::<u64>()) {
        let length = length?;
        let names = read_column(input, length, |name: &Name| *name)?;
        let leaves = read_column(input, length, |bytes| Leave(u32::from_le_bytes(*bytes)))?;
        let values = read_column(input, length, |bytes| UnixMillis(u64::from_le_bytes(*bytes)))?;
        runs.push(Packed::from_columns(order, names, leaves, values).ok_or_else(invalid)?);
    }
    Ok(runs)
}

fn write_column<T, const N: usize>(
    column: &[T],
    bytes: impl Fn(&T) -> [u8; N],
    out: &mut impl Write,
) -> io::Result<()> {
    let mut piece = Vec::with_capacity(PIECE);
    for items in column.chunks(PIECE / N) {
        piece.clear();
        items.iter().for_each(|item| piece.extend_from_slice(&bytes(item)));
        out.write_all(&piece)?;
    }
    Ok(())
}

fn read_column<T, const N: usize>(
    input: &mut impl Read,
    length: usize,
    item: impl Fn(&[u8; N]) -> T,
) -> io::Result<Vec<T>> {
    let mut column = Vec::with_capacity(length);
    let mut piece = vec![0; PIECE / N * N];
    let mut rest = length;
    while rest > 0 {
        let count = rest.min(PIECE / N);
        let bytes = piece.get_mut(..count * N).ok_or_else(invalid)?;
        input.read_exact(bytes)?;
        column.extend(bytes.as_chunks::<N>().0.iter().map(&item));
        rest -= count;
    }
    Ok(column)
}

fn read_array<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no state of a feed")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feed::{Change, Epoch, Kind, ManagedKind, RawChange, Revoked};
    use crate::ids::{PoolId, Sub};

    fn position() -> Position {
        Position::start(Epoch([3; 16]))
    }

    fn uuid(n: u128) -> String {
        uuid::Uuid::from_u128(n).to_string()
    }

    fn managed(kind: ManagedKind, name: &str) -> RawChange {
        let change = Change::Managed { kind, name: name.into(), document: name.as_bytes().repeat(100_000) };
        change.to_raw(UnixMillis(0)).unwrap()
    }

    /// Every kind of revocation, many of one, names that are no UUIDs, what a later version knows, and a web ACL with what it uses.
    fn state() -> FeedState {
        let revoked = |revoked: Revoked| Change::Revoked(revoked).to_raw(UnixMillis(1_500)).unwrap();
        let mut raws: Vec<RawChange> = (0..3_000).map(|n| revoked(Revoked::Session { origin_jti: uuid(n) })).collect();
        raws.extend([
            revoked(Revoked::Token { jti: uuid(1) }),
            revoked(Revoked::Token { jti: "a text".into() }),
            revoked(Revoked::User { sub: Sub::parse(uuid(2)).unwrap(), valid_after: UnixMillis(77) }),
            revoked(Revoked::Device { device_key: uuid(3), until: UnixMillis(88) }),
            revoked(Revoked::Key { kid: uuid(4) }),
            RawChange { kind: Kind(200), subject: "s".into(), body: vec![1], leave_at: None },
            managed(ManagedKind::WebAcl, "eu_a"),
            managed(ManagedKind::WebAclPart, "one"),
            managed(ManagedKind::WebAclPart, "two"),
        ]);
        let records: Vec<Record> = raws.iter().map(|raw| raw.encode().unwrap().into()).collect();
        FeedState::from_records(position(), &records).unwrap()
    }

    fn written(state: &FeedState) -> Vec<u8> {
        let mut bytes = Vec::new();
        state.write_to(&mut bytes).unwrap();
        bytes
    }

    fn read(mut bytes: &[u8]) -> io::Result<FeedState> {
        let left = bytes.len() as u64;
        FeedState::read_from(position(), &mut bytes, left)
    }

    #[test]
    fn what_was_written_is_read_back_with_what_is_not_folded() {
        let mut state = state();
        assert_eq!(read(&written(&state)).unwrap(), state);
        let web_acl = read(&written(&state)).unwrap().web_acl(&PoolId::parse("eu_a").unwrap()).unwrap().unwrap();
        assert_eq!((web_acl.web_acl.len(), web_acl.parts.len()), (400_000, 2));
        let raw = Change::Revoked(Revoked::Session { origin_jti: uuid(9_999) }).to_raw(UnixMillis(5)).unwrap();
        let record: Record = raw.encode().unwrap().into();
        let after = position().after(&record);
        let (epoch, digest) = (after.epoch, after.digest);
        let delta = crate::feed::Delta {
            feed: crate::feed::FeedName::Global,
            epoch,
            first: 1,
            prev: position().digest,
            records: vec![record],
            digest,
        };
        let checked = state.check(&delta).unwrap();
        state.apply(checked);
        assert_eq!(state.revoked().unfolded().count(), 2);
        let again = read(&written(&state)).unwrap();
        assert!(again.revoked().session(&uuid(9_999)) && again.revoked().token("a text"));
        assert_eq!(again.revoked(), state.revoked());
    }

    #[test]
    fn what_is_cut_off_is_no_state() {
        let bytes = written(&state());
        for length in [0, 3, 4, 100, bytes.len() / 2, bytes.len() - 1] {
            assert!(read(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_length_beyond_the_file_is_refused_before_anything_is_allocated() {
        let tables = [vec![u64::MAX / 32], vec![], vec![], vec![], vec![], vec![]];
        let head = postcard::to_stdvec(&Head { order: 1, records: vec![], tables }).unwrap();
        let bytes = [&(head.len() as u32).to_le_bytes(), head.as_slice()].concat();
        assert_eq!(read(&bytes).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(&u32::MAX.to_le_bytes()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    proptest! {
        #[test]
        fn noise_makes_no_panic(at: usize, bytes in proptest::collection::vec(any::<u8>(), 1..40)) {
            let mut noisy = written(&state());
            let at = at % (noisy.len() - bytes.len());
            noisy[at..at + bytes.len()].copy_from_slice(&bytes);
            let _ = read(&noisy);
            let _ = read(&bytes);
        }
    }
}

//! Pages of every list, and the tokens that lead from one to the next: one place.
//!
//! A token holds the key of the last row of its page, and the next page begins after that key. So rows that come or go in between
//! make no other row come twice, and none that stays is left out; the row itself need not be there any more.
//!
//! Tokens are authentic, not secret: they hold what the page before showed to the same caller. HMAC-SHA256 by a key of the pool (of
//! the deployment for the list of pools) binds them to pool, operation and whatever else selects the rows. A MAC and no sealing,
//! since the pool's sealing key is good for a bounded number of values, and lists are asked for at will.
//!
//! The names of members differ by operation (`NextToken`, `PaginationToken`; `Limit`, `MaxResults`); the operations know them.

use std::time::Duration;

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::jose::{base64url_decode, base64url_encode};
use ring::hmac;

use super::Call;
use crate::envelope::PoolKey;

/// Rows of a page, at most and by default (Cognito: QueryLimit, QueryLimitType, PoolQueryLimitType).
const LARGEST: usize = 60;
/// How long a token leads on.
const LIFE: Duration = Duration::from_secs(3_600);
/// Rows of a page of AWS WAF's lists (PaginationLimit).
pub const LARGEST_OF_WAF: usize = 100;
/// Longer ones were not made here: a key has at most two texts of at most 256 characters.
const LONGEST_TOKEN: usize = 8_192;
const MAC_BYTES: usize = 32;

/// One list, as one request asks for it.
pub struct Listing {
    marker: Marker,
    now: UnixMillis,
    request_id: String,
    limit: usize,
}

/// Rows to show, and the token of the next page if there is one.
#[derive(Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub token: Option<String>,
}

/// A token that is forged, of another list, or older than an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidToken;

impl Listing {
    /// `selection`: what beside the pool selects the rows (a group, a filter). `limit`: as asked for; none and 0 are the most.
    pub fn new(call: &Call, key: &PoolKey, selection: &[&str], limit: Option<i32>) -> Self {
        Self::of_at_most(LARGEST, call, key, selection, limit)
    }

    /// The same with pages of another size.
    pub fn of_at_most(largest: usize, call: &Call, key: &PoolKey, selection: &[&str], limit: Option<i32>) -> Self {
        let limit = limit.and_then(|asked| usize::try_from(asked).ok()).filter(|asked| *asked > 0);
        Self {
            marker: Marker::new(key, call.operation, selection),
            now: call.now,
            request_id: call.origin.request_id.clone(),
            limit: limit.unwrap_or(largest).min(largest),
        }
    }

    /// The key after which the page begins; `None` for the first page. For services that have their own words for a token that is none.
    pub fn key<const PARTS: usize>(&self, token: Option<&str>) -> Result<Option<[String; PARTS]>, InvalidToken> {
        let Some(token) = token else { return Ok(None) };
        let key = self.marker.read(token, self.now).and_then(|key| key.try_into().ok());
        key.map(Some).ok_or(InvalidToken)
    }

    /// The same in Cognito's words.
    ///
    /// # Errors
    /// `InvalidParameterException` for a token that is forged, of another list, or older than an hour.
    pub fn after<const PARTS: usize>(&self, token: Option<&str>) -> Result<Option<[String; PARTS]>, Fault> {
        self.key(token).map_err(|InvalidToken| self.invalid(token))
    }

    /// The refusal of a token, in Cognito's words.
    pub fn invalid(&self, token: Option<&str>) -> Fault {
        // Cognito repeats the token; it is as long as the caller likes, so a beginning will do.
        let shown: String = token.unwrap_or_default().chars().filter(char::is_ascii_graphic).take(64).collect();
        Fault::invalid_parameter(format!("Paging marker {shown} is invalid for request {}", self.request_id))
    }

    /// How many rows to read: one more than the page shows, which tells whether there is a next one.
    pub fn to_read(&self) -> u64 {
        self.limit as u64 + 1
    }

    /// Rows of a page.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The token of a page that ends at this key, for lists that do not read one range.
    pub fn token<const PARTS: usize>(&self, key: &[String; PARTS]) -> String {
        self.marker.write(key, self.now)
    }

    /// Cuts what was read to the page. `key`: the texts by which the query sorts, in its order.
    pub fn page<T, const PARTS: usize>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> [String; PARTS]) -> Page<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let token = rows.last().filter(|_| more).map(|last| self.marker.write(&key(last), self.now));
        Page { rows, token }
    }
}

/// Writes and reads tokens of one list: `base64url(mac ‖ json [seconds, [part, …]])`.
struct Marker {
    key: hmac::Key,
    /// What tokens are bound to, each part with its length.
    bound: Vec<u8>,
}

impl Marker {
    fn new(key: &PoolKey, operation: &str, selection: &[&str]) -> Self {
        let mut bound = Vec::with_capacity(64);
        for part in [key.scope(), operation].iter().chain(selection) {
            bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bound.extend_from_slice(part.as_bytes());
        }
        Self { key: key.hmac_key("continuation tokens"), bound }
    }

    fn write(&self, key: &[String], now: UnixMillis) -> String {
        // A number and texts always serialise; an empty body would be refused when it comes back.
        let body = serde_json::to_vec(&(now.0 / 1_000, key)).unwrap_or_default();
        let mut token = self.mac(&body).as_ref().to_vec();
        token.extend_from_slice(&body);
        base64url_encode(token)
    }

    fn read(&self, token: &str, now: UnixMillis) -> Option<Vec<String>> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let bytes = base64url_decode(token).ok()?;
        let (mac, body) = bytes.split_at_checked(MAC_BYTES)?;
        hmac::verify(&self.key, &self.message(body), mac).ok()?;
        let (made, key): (u64, Vec<String>) = serde_json::from_slice(body).ok()?;
        (now.0 / 1_000 <= made.saturating_add(LIFE.as_secs())).then_some(key)
    }

    fn mac(&self, body: &[u8]) -> hmac::Tag {
        hmac::sign(&self.key, &self.message(body))
    }

    fn message(&self, body: &[u8]) -> Vec<u8> {
        let mut message = (self.bound.len() as u64).to_be_bytes().to_vec();
        message.extend_from_slice(&self.bound);
        message.extend_from_slice(body);
        message
    }
}

#[cfg(test)]
mod tests {
    use common::secret::SecretString;
    use proptest::prelude::*;

    use super::*;
    use crate::envelope::RootKey;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn key(pool: &str, root: &str) -> PoolKey {
        let root = RootKey::from_text(&SecretString::new(root.repeat(32))).unwrap();
        let pool = common::ids::PoolId::parse(pool).unwrap();
        root.new_pool_key(&pool).unwrap().0
    }

    fn listing(marker: Marker, limit: usize) -> Listing {
        Listing { marker, now: NOW, request_id: "r".into(), limit }
    }

    #[test]
    fn a_token_belongs_to_one_list_of_one_pool() {
        let home = key("eu_a", "07");
        let marker = Marker::new(&home, "ListUsers", &["email ^= \"a\""]);
        let token = marker.write(&["x".into(), "y".into()], NOW);
        assert_eq!(marker.read(&token, NOW), Some(vec!["x".to_owned(), "y".to_owned()]));
        let others = [
            Marker::new(&home, "ListUsers", &["email ^= \"b\""]),
            Marker::new(&home, "ListUsers", &[]),
            Marker::new(&home, "ListUsers", &["email ^= \"a\"", ""]),
            Marker::new(&home, "ListUsersInGroup", &["email ^= \"a\""]),
            Marker::new(&key("eu_a", "07"), "ListUsers", &["email ^= \"a\""]),
            Marker::new(&key("eu_b", "07"), "ListUsers", &["email ^= \"a\""]),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_eq!(other.read(&token, NOW), None, "{at}");
        }
    }

    #[test]
    fn a_token_ends_after_an_hour() {
        let marker = Marker::new(&key("eu_a", "07"), "ListGroups", &[]);
        let token = marker.write(&["g".into()], NOW);
        assert!(marker.read(&token, NOW.plus(LIFE)).is_some());
        assert!(marker.read(&token, NOW.plus(LIFE + Duration::from_secs(1))).is_none());
        assert!(marker.read(&token, UnixMillis(0)).is_some(), "the clock went back");
    }

    #[test]
    fn what_is_no_token_is_refused_in_cognitos_words() {
        let list = listing(Marker::new(&key("eu_a", "07"), "ListGroups", &[]), 1);
        let two_parts = list.marker.write(&["a".into(), "b".into()], NOW);
        let long = "A".repeat(LONGEST_TOKEN + 1);
        for token in ["", "x", "AAAA", "ü", "not base64!", long.as_str(), two_parts.as_str()] {
            let fault = list.after::<1>(Some(token)).unwrap_err();
            assert_eq!(fault.exception.name(), "InvalidParameterException");
            assert!(fault.message.starts_with("Paging marker ") && fault.message.ends_with("is invalid for request r"));
            assert!(fault.message.len() < 200);
        }
        assert_eq!(list.after::<1>(None).unwrap(), None);
    }

    #[test]
    fn pages_over_rows_that_come_and_go() {
        let mut rows: Vec<u32> = (0..50).map(|n| n * 10).collect();
        let list = listing(Marker::new(&key("eu_a", "07"), "ListGroups", &[]), 7);
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let after: Option<[String; 1]> = list.after(token.as_deref()).unwrap();
            let after: i64 = after.map_or(-1, |[key]| key.parse().unwrap());
            let read = rows.iter().copied().filter(|n| i64::from(*n) > after).take(list.to_read() as usize).collect();
            let page = list.page(read, |n| [n.to_string()]);
            seen.extend(page.rows.iter().copied());
            let last = *seen.last().unwrap();
            rows.retain(|n| *n != last); // the row that the token names goes
            rows.insert(0, last / 10 % 3); // and others come
            rows.sort_unstable();
            token = page.token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..50).map(|n| n * 10).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn keys_come_back_as_they_were(parts in proptest::collection::vec(any::<String>(), 0..3)) {
            let marker = Marker::new(&key("eu_a", "07"), "ListUsers", &[]);
            let token = marker.write(&parts, NOW);
            prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(marker.read(&token, NOW), Some(parts));
        }

        #[test]
        fn a_changed_token_is_refused(at in 0_usize..60, flip in 1_u8..=255) {
            let marker = Marker::new(&key("eu_a", "07"), "ListUsers", &[]);
            let mut bytes = base64url_decode(&marker.write(&["0b6e5b4e".into()], NOW)).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            prop_assert_eq!(marker.read(&base64url_encode(bytes), NOW), None);
        }
    }
}

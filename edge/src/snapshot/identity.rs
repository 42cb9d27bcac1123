//! A verified token and the names under which it can be revoked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use common::clock::UnixMillis;
use common::verify::Verified;
use http::{HeaderName, HeaderValue};

use crate::snapshot::deaths::Fingerprint;

/// What a good token says. Immutable: it is shared by every request that brings the same token.
#[derive(Debug)]
pub struct Identity {
    pub token: Verified,
    pub names: RevocableNames,
    /// The millisecond in which it was made, or the start of that second (see [`common::verify::not_before`]).
    pub minted: UnixMillis,
    /// Which routes' rules it has passed.
    pub admissions: Admissions,
    /// What policies have said of it.
    pub rulings: Rulings,
    /// What routes add to requests for it.
    pub headers: RenderedHeaders,
}

/// The routes whose rule a token has passed, as far as their numbers are below 64. A rule asks what is written in the token, so its answer does
/// not change; and an identity lives no longer than the route table and the trust under which it was verified, so a number means one rule.
#[derive(Debug, Default)]
pub struct Admissions(AtomicU64);

impl Admissions {
    pub fn has(&self, route: usize) -> bool {
        self.0.load(Ordering::Relaxed) & bit(route) != 0
    }

    pub fn add(&self, route: usize) {
        if !self.has(route) {
            self.0.fetch_or(bit(route), Ordering::Relaxed);
        }
    }
}

/// None for routes that come after the 64th: they are asked each time.
fn bit(route: usize) -> u64 {
    u32::try_from(route).ok().and_then(|route| 1_u64.checked_shl(route)).unwrap_or(0)
}

/// Verdicts of policies that depend on the token alone, by the number of their slice ([`crate::snapshot::authorization::Slice`]). What was
/// said of [`Admissions`] holds here too: who is in which group, and which policies there are, comes with the route table.
#[derive(Debug, Default)]
pub struct Rulings {
    permits: AtomicU64,
    more: OnceLock<Box<MorePermits>>,
    /// The first denial: whoever is told no goes on asking the same.
    denial: OnceLock<(usize, Arc<str>)>,
}

/// Permits of the slices from the 64th on.
type MorePermits = [AtomicU64; 7];

impl Rulings {
    pub fn permits(&self, slice: usize) -> bool {
        self.word(slice).is_some_and(|word| word.load(Ordering::Relaxed) & bit(slice % 64) != 0)
    }

    /// Keeps a permit, for the first 512 slices.
    pub fn permit(&self, slice: usize) {
        if slice >= 64 {
            self.more.get_or_init(Box::default);
        }
        if let Some(word) = self.word(slice) {
            word.fetch_or(bit(slice % 64), Ordering::Relaxed);
        }
    }

    /// Why this slice denied it.
    pub fn denial(&self, slice: usize) -> Option<&Arc<str>> {
        self.denial.get().filter(|(denied, _)| *denied == slice).map(|(_, detail)| detail)
    }

    /// Keeps a denial, if it is the first.
    pub fn deny(&self, slice: usize, detail: Arc<str>) {
        let _ = self.denial.set((slice, detail)); // another one stands there already
    }

    fn word(&self, slice: usize) -> Option<&AtomicU64> {
        match slice / 64 {
            0 => Some(&self.permits),
            word => self.more.get()?.get(word - 1),
        }
    }
}

/// Headers of a token by route, for the first routes that asked; what was said of [`Admissions`] holds here too.
#[derive(Debug, Default)]
pub struct RenderedHeaders([OnceLock<(usize, Headers)>; KEPT_ROUTES]);

type Headers = Box<[(HeaderName, HeaderValue)]>;

const KEPT_ROUTES: usize = 2;
/// Names and values of one route that are kept; longer ones are rendered for each request, so that the cache's bound holds.
const KEPT_BYTES: usize = 256;

impl RenderedHeaders {
    /// Hands each header of a route to `take`: the kept ones, or what `render` makes, kept if there is room.
    pub fn with(&self, route: usize, render: impl FnOnce() -> Headers, take: impl FnMut(&(HeaderName, HeaderValue))) {
        if let Some((_, kept)) = self.0.iter().filter_map(OnceLock::get).find(|(number, _)| *number == route) {
            return kept.iter().for_each(take);
        }
        let rendered = render();
        rendered.iter().for_each(take);
        let bytes: usize = rendered.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if bytes <= KEPT_BYTES {
            let mut place = Some((route, rendered));
            // Whoever is late by a hair may leave a route twice; both are the same.
            for slot in &self.0 {
                let Some(headers) = place.take() else { return };
                place = slot.set(headers).err();
            }
        }
    }
}

/// Hashed once, when the token is first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocableNames {
    pub token: Option<Fingerprint>,
    pub session: Option<Fingerprint>,
    pub user: Fingerprint,
    pub device: Option<Fingerprint>,
    pub client: Fingerprint,
    pub key: Fingerprint,
}

impl Identity {
    pub fn new(token: Verified) -> Self {
        let names = RevocableNames {
            token: token.jti.as_deref().map(Fingerprint::of),
            session: token.origin_jti.as_deref().map(Fingerprint::of),
            user: Fingerprint::of(&token.sub),
            device: token.device_key.as_deref().map(Fingerprint::of),
            client: Fingerprint::of(&token.client_id),
            key: Fingerprint::of(&token.kid),
        };
        let minted = token.mint.unwrap_or(UnixMillis::from_seconds(token.iat.seconds()));
        Self {
            token,
            names,
            minted,
            admissions: Admissions::default(),
            rulings: Rulings::default(),
            headers: RenderedHeaders::default(),
        }
    }

    /// Bytes on the heap, roughly.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.token.weight() + KEPT_ROUTES * KEPT_BYTES + size_of::<MorePermits>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> Headers {
        Box::new([(HeaderName::from_static("x-user-id"), HeaderValue::from_str(value).unwrap())])
    }

    fn ask(kept: &RenderedHeaders, route: usize, rendered: Option<&str>) -> String {
        let mut found = String::new();
        let render = || headers(rendered.expect("it is kept"));
        kept.with(route, render, |(_, value)| found.push_str(value.to_str().unwrap()));
        found
    }

    #[test]
    fn the_first_routes_are_rendered_once_and_others_each_time() {
        let kept = RenderedHeaders::default();
        for route in 0..KEPT_ROUTES {
            assert_eq!(ask(&kept, route, Some("a")), "a");
            assert_eq!(ask(&kept, route, None), "a");
        }
        assert_eq!(ask(&kept, KEPT_ROUTES, Some("b")), "b");
        assert_eq!(ask(&kept, KEPT_ROUTES, Some("c")), "c");
    }

    #[test]
    fn a_ruling_is_for_one_slice() {
        let rulings = Rulings::default();
        for slice in [0, 5, 63, 64, 100, 511] {
            assert!(!rulings.permits(slice), "{slice}");
            rulings.permit(slice);
            assert!(rulings.permits(slice), "{slice}");
        }
        for other in [1, 62, 65, 510, 512, usize::MAX] {
            assert!(!rulings.permits(other), "{other}");
        }
        rulings.permit(512);
        assert!(!rulings.permits(512), "asked each time");
        rulings.deny(3, "first".into());
        rulings.deny(4, "second".into());
        assert_eq!(rulings.denial(3).map(|detail| &**detail), Some("first"));
        assert_eq!(rulings.denial(4), None);
    }

    #[test]
    fn an_admission_is_for_one_route() {
        let admissions = Admissions::default();
        for route in [0, 3, 63, 64, 65, usize::MAX] {
            assert!(!admissions.has(route));
            admissions.add(route);
            assert_eq!(admissions.has(route), route < 64, "{route}");
        }
        assert!(!admissions.has(1) && admissions.has(0));
    }

    #[test]
    fn long_headers_are_not_kept() {
        let (kept, long) = (RenderedHeaders::default(), "x".repeat(KEPT_BYTES));
        assert_eq!(ask(&kept, 1, Some(&long)), long);
        assert_eq!(ask(&kept, 1, Some("short")), "short");
        assert_eq!(ask(&kept, 1, None), "short");
    }
}

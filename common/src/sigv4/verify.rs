//! Verifying, for the issuer's signed operations.

use crate::clock::UnixMillis;
use crate::secret::SecretString;
use crate::sigv4::authorization::Authorization;
use crate::sigv4::error::{Incomplete, ScopeFault, Sigv4Error};
use crate::sigv4::key::{SigningKey, string_to_sign};
use crate::sigv4::text::canonical_request;
use crate::sigv4::{MAX_SKEW, Request, Scope, TERMINATOR, date};

/// The scopes that this server answers for.
#[derive(Clone, Copy, Debug)]
pub struct Accept<'a> {
    pub region: &'a str,
    /// Signing names, such as `cognito-idp`. The first one is named to those who used another.
    pub services: &'a [&'a str],
}

/// A well-formed signature in a right scope and time, made by whoever says to hold the key: unproven.
#[derive(Clone, Debug)]
pub struct Claimed<'a> {
    request: Request<'a>,
    authorization: Authorization<'a>,
    amz_date: &'a str,
    signed_at: UnixMillis,
}

/// Proof that the holder of the key signed this request and this body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified<'a> {
    pub access_key_id: &'a str,
    pub service: &'a str,
    pub signed_at: UnixMillis,
    /// The (signed, but not itself verified) `X-Amz-Security-Token`, which temporary credentials carry.
    pub session_token: Option<&'a str>,
    /// The names of the fields that the signature covers.
    pub signed_headers: Vec<&'a str>,
    /// Unique to this request and second: the key for a cache of seen signatures.
    pub signature: [u8; 32],
}

/// All steps at once, for callers whose `lookup` of the secret by access key id needs no waiting.
pub fn verify<'a>(
    request: &Request<'a>,
    body_sha256: &[u8; 32],
    lookup: impl FnOnce(&str) -> Option<SecretString>,
    accept: &Accept<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, Sigv4Error> {
    let claimed = Claimed::parse(request, accept, now)?;
    let secret = lookup(claimed.access_key_id()).ok_or(Sigv4Error::UnknownKey)?;
    claimed.verify(&secret, body_sha256)
}

impl<'a> Claimed<'a> {
    /// Checks all that needs no secret. An unknown key is then [`Sigv4Error::UnknownKey`].
    pub fn parse(request: &Request<'a>, accept: &Accept<'_>, now: UnixMillis) -> Result<Self, Sigv4Error> {
        let header = one(request, "authorization")?.ok_or(Sigv4Error::Missing)?;
        let authorization = Authorization::parse(header).map_err(Sigv4Error::Incomplete)?;
        let amz_date = one(request, "x-amz-date")?.ok_or(Sigv4Error::Incomplete(Incomplete::Date))?;
        let amz_date = std::str::from_utf8(amz_date).unwrap_or_default();
        let signed_at = date::parse(amz_date).ok_or(Sigv4Error::Incomplete(Incomplete::DateForm))?;
        check_scope(&authorization, amz_date, accept).map_err(Sigv4Error::Scope)?;
        check_coverage(request, &authorization.signed_headers)?;
        check_time(signed_at, now)?;
        Ok(Self { request: *request, authorization, amz_date, signed_at })
    }

    /// Whose secret to look up.
    pub fn access_key_id(&self) -> &'a str {
        self.authorization.access_key_id
    }

    /// `body_sha256` is [`body_sha256`](crate::sigv4::body_sha256) of the body as received, never a header.
    pub fn verify(self, secret: &SecretString, body_sha256: &[u8; 32]) -> Result<Verified<'a>, Sigv4Error> {
        let Authorization { access_key_id, date, region, service, signed_headers, signature, .. } = self.authorization;
        let scope = Scope { region, service };
        let text = canonical_request(&self.request, &signed_headers, body_sha256);
        let string_to_sign = string_to_sign(self.amz_date, date, scope, &text);
        if !SigningKey::derive(secret, date, scope).matches(&string_to_sign, &signature) {
            return Err(Sigv4Error::Mismatch);
        }
        let session_token = one(&self.request, "x-amz-security-token")?.and_then(|t| std::str::from_utf8(t).ok());
        Ok(Verified { access_key_id, service, signed_at: self.signed_at, session_token, signed_headers, signature })
    }
}

fn check_scope(claimed: &Authorization<'_>, amz_date: &str, accept: &Accept<'_>) -> Result<(), ScopeFault> {
    if claimed.terminator != TERMINATOR {
        return Err(ScopeFault::Terminator { got: claimed.terminator.to_owned() });
    }
    if claimed.region != accept.region {
        return Err(ScopeFault::Region { got: claimed.region.to_owned() });
    }
    if !accept.services.contains(&claimed.service) {
        return Err(ScopeFault::Service { expected: accept.services.first().copied().unwrap_or_default().to_owned() });
    }
    let header = amz_date.get(..8).unwrap_or_default();
    if claimed.date != header {
        return Err(ScopeFault::Date { scope: claimed.date.to_owned(), header: header.to_owned() });
    }
    Ok(())
}

/// What could change the meaning of the request must be signed, be there, and be there once.
fn check_coverage(request: &Request<'_>, signed: &[&str]) -> Result<(), Sigv4Error> {
    let unsigned = |name: &str| Err(Sigv4Error::Unsigned { name: name.to_owned() });
    for name in ["host", "x-amz-date"] {
        if !signed.contains(&name) {
            return unsigned(name);
        }
    }
    // A name without a header would let an intermediary add one with an empty value.
    if let Some(absent) = signed.iter().find(|name| request.values(name).next().is_none()) {
        return unsigned(absent);
    }
    for (name, _) in request.headers.iter().filter(|(name, _)| is_meaningful(name)) {
        if !signed.iter().any(|s| s.eq_ignore_ascii_case(name)) {
            return unsigned(&name.to_ascii_lowercase());
        }
        one(request, name)?;
    }
    Ok(())
}

/// CloudFront adds `x-amz-cf-id` to what the client signed.
fn is_meaningful(name: &str) -> bool {
    let amz = name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"));
    (amz && !name.eq_ignore_ascii_case("x-amz-cf-id"))
        || name.eq_ignore_ascii_case("host")
        || name.eq_ignore_ascii_case("content-type")
}

fn check_time(signed_at: UnixMillis, now: UnixMillis) -> Result<(), Sigv4Error> {
    if now.since(signed_at) > MAX_SKEW {
        return Err(Sigv4Error::Expired { signed_at, now });
    }
    if signed_at.since(now) > MAX_SKEW {
        return Err(Sigv4Error::NotYetCurrent { signed_at, now });
    }
    Ok(())
}

/// The only value of a field, if it came.
fn one<'a>(request: &Request<'a>, name: &str) -> Result<Option<&'a [u8]>, Sigv4Error> {
    let mut values = request.values(name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Sigv4Error::Incomplete(Incomplete::Repeated)),
    }
}

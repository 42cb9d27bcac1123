//! Tokens about which their issuer is asked. An answer is believed for a while; without one the gate says whom to ask.

use std::sync::Arc;

use common::reject::Reject;
use common::verify::{is_opaque_token, looks_like_jws};

use crate::facts::Bearer;
use crate::gates::token::{Halt, Sender, known};
use crate::snapshot::Snapshot;
use crate::snapshot::introspection::{Answer, Introspection};
use crate::snapshot::issuer::Issuer;
use crate::snapshot::route::TokenRule;

/// An introspecting issuer that a route names, and where it stands.
pub(super) struct Asked<'s> {
    position: usize,
    issuer: &'s Arc<Issuer>,
    introspection: &'s Introspection,
}

/// Whom to ask about a token that is no JWS: the route's first introspecting issuer.
pub(super) fn of_opaque<'s>(token: &str, rule: &TokenRule, snapshot: &'s Snapshot) -> Option<Asked<'s>> {
    let mut asked = rule.issuers.iter().filter_map(|&position| asked(position, snapshot));
    asked.next().filter(|_| !looks_like_jws(token))
}

/// Whom to ask about a JWT of this issuer: itself, if it is one to be asked.
pub(super) fn of_jwt<'s>(issuer: &Arc<Issuer>, rule: &TokenRule, snapshot: &'s Snapshot) -> Option<Asked<'s>> {
    issuer.introspection.as_ref()?;
    let mut asked = rule.issuers.iter().filter_map(|&position| asked(position, snapshot));
    asked.find(|asked| Arc::ptr_eq(asked.issuer, issuer))
}

fn asked(position: usize, snapshot: &Snapshot) -> Option<Asked<'_>> {
    let issuer = snapshot.issuers.get(position)?;
    let introspection = issuer.introspection.as_deref()?;
    Some(Asked { position, issuer, introspection })
}

/// By the answer that was just brought, or one that still counts.
pub(super) fn admit(sender: Sender<'_, '_>, asked: Asked<'_>, told: Option<&Answer>) -> Result<Bearer, Halt> {
    if !is_opaque_token(sender.credentials.token) {
        return Err(Reject::Malformed.into());
    }
    match told.cloned().or_else(|| asked.introspection.answers.get(sender.digest, sender.request.now)) {
        Some(Answer::Active(identity)) => Ok(known(sender, asked.issuer, identity)?),
        Some(Answer::Refused(reject)) => Err(reject.into()),
        None => Err(Halt::Introspect(asked.position)),
    }
}

//! The gate of rate limits: whether requests with this key came too often.
//!
//! Limits by what the request itself shows are asked before its token is looked at, so that they bound what guessing and verifying cost; those by claims
//! when the token has been found good, since nothing else is worth counting by. A request that one limit refuses is counted by none: what others have
//! counted is given back. (nginx and Kong count only what passes all; Envoy and HAProxy count on, so that a client over one limit uses up its others.)
//! What is refused for other reasons later, by the token gate or the upstream, stays counted.

pub mod config;
mod key;

use common::reject::Reject;

pub use self::key::told as told_key;
use crate::facts::{Facts, Limited, Standing};
use crate::gates::{Outcome, RequestView};
use crate::rates::{Digester, Limits, Verdict};
use crate::snapshot::limit::{Limit, Missing, Stage};

/// Asks the limits of this stage, in their order.
pub fn check(request: RequestView<'_>, facts: &mut Facts, limits: &Limits, stage: Stage) -> Outcome {
    let Some(of_route) = &request.route.limits else { return Outcome::Continue };
    if stage == Stage::Request && facts.limited.asked_at.replace(request.moment).is_some() {
        return Outcome::Continue; // the gates are asked again about the same request
    }
    for (number, limit) in (0_u8..).zip(&of_route.limits) {
        if limit.stage != stage || !limit.is_for(request.canonical.method) {
            continue;
        }
        let Some(key) = key::of(request, facts, limit, &digester(limits, limit)) else {
            limit.meter.skipped.inc();
            if let Err(reject) = without_key(limit, number, &mut facts.limited) {
                give_back(request, facts, limits);
                return Outcome::Reject(reject);
            }
            continue;
        };
        let verdict = if limit.shared {
            limits.sharing.admit(&limits.table, request.moment, &limit.quota, key)
        } else {
            limits.table.admit(request.moment, &limit.quota, key)
        };
        if let Err(reject) = note(limit, number, verdict, &mut facts.limited) {
            give_back(request, facts, limits);
            return Outcome::Reject(reject);
        }
    }
    Outcome::Continue
}

fn without_key(limit: &Limit, number: u8, limited: &mut Limited) -> Result<(), Reject> {
    match (limit.missing, limit.dry_run) {
        (Missing::Skip, _) => Ok(()),
        (Missing::Refuse, true) => {
            limited.would_refuse.get_or_insert(number);
            Ok(())
        }
        (Missing::Refuse, false) => {
            limited.refused_by = Some(number);
            Err(Reject::RateKeyMissing)
        }
    }
}

/// Keeps what a limit has said, for the answer, the log, and whoever takes it back.
fn note(limit: &Limit, number: u8, verdict: Verdict, limited: &mut Limited) -> Result<(), Reject> {
    let Verdict { admits, remaining, wait, .. } = verdict;
    let standing = Standing { limit: number, remaining, wait };
    match (admits, limit.dry_run) {
        (true, dry_run) => {
            limit.meter.admitted.inc();
            limited.counted |= bit(number);
            if !dry_run && limited.tightest.is_none_or(|tightest| standing.leaves_less_than(&tightest)) {
                limited.tightest = Some(standing);
            }
            Ok(())
        }
        (false, true) => {
            limit.meter.would_refuse.inc();
            limited.would_refuse.get_or_insert(number);
            Ok(())
        }
        (false, false) => {
            limit.meter.refused.inc();
            limited.refused_by = Some(number);
            limited.tightest = Some(standing);
            Err(Reject::RateLimited)
        }
    }
}

/// The request is refused, so the limits that have counted it forget it. Their keys are made again: refusals are few, and requests keep nothing for it.
fn give_back(request: RequestView<'_>, facts: &mut Facts, limits: &Limits) {
    let counted = std::mem::take(&mut facts.limited.counted);
    let of_route = request.route.limits.iter().flat_map(|of_route| &of_route.limits);
    for (_, limit) in (0_u8..).zip(of_route).filter(|(number, _)| counted & bit(*number) != 0) {
        let at = match limit.stage {
            Stage::Request => facts.limited.asked_at.unwrap_or(request.moment),
            Stage::Identity => request.moment,
        };
        match key::of(request, facts, limit, &digester(limits, limit)) {
            Some(key) if limit.shared => limits.sharing.give_back(&limits.table, at, &limit.quota, key),
            Some(key) => limits.table.give_back(at, &limit.quota, key),
            None => {}
        }
    }
}

/// Edges that count together make their keys with one secret.
fn digester(limits: &Limits, limit: &Limit) -> Digester {
    if limit.shared { limits.shared_digester() } else { limits.digester }
}

fn bit(number: u8) -> u32 {
    1_u32.checked_shl(u32::from(number)).unwrap_or(0)
}

#[cfg(test)]
mod tests;

//! `[[upstream]]` and `[[route]]`, put together from what the modules read.

use std::path::Path;
use std::sync::Arc;

use common::canonical::{IdentityHeaders, Policy};
use common::claims::TokenUse;

use crate::config::Upstreams;
use crate::config::issuers::POOL_PREFIX;
use crate::config::sign_in;
use crate::gates::acl::config::Acls;
use crate::gates::limits::config::OfRoute;
use crate::gates::policy::config::Library;
use crate::gates::proof::config::ProofSettings;
use crate::observe::Metrics;
use crate::snapshot::limit::Part;
use crate::snapshot::picture::ConfiguredIssuer;
use crate::snapshot::route::{CertificateRule, HostPattern, PathPattern, Route, RouteTable, TokenRule};
use crate::snapshot::sign_in::SignIn;
use crate::{attest, cors, forward, gates, resource, routes};
use common::settings::{Section, SettingError};

/// Settings of a route that the design names and this version does not have. Leaving them out of account would open what the
/// operator meant to close.
const NOT_YET: [&str; 1] = ["step_up"];

pub fn upstreams(sections: Vec<Section>, folder: &Path, metrics: &Metrics) -> Result<Upstreams, SettingError> {
    let mut upstreams = Upstreams::new();
    for section in sections {
        let place = section.place("name");
        let upstream = forward::upstream::read(section, folder, |name| metrics.upstream(name))?;
        if upstreams.iter().any(|other| other.name == upstream.name) {
            return Err(SettingError::new(place, format!("there are two upstreams called \"{}\"", upstream.name)));
        }
        upstreams.push(upstream);
    }
    Ok(upstreams)
}

/// What routes may refer to outside their own section.
pub struct Surroundings<'s> {
    pub upstreams: Upstreams,
    pub policies: &'s mut Library,
    pub acls: &'s Acls,
    pub proofs: &'s ProofSettings,
    pub sign_ins: &'s [Arc<SignIn>],
    pub has_feed: bool,
    /// The TLS listener asks clients for certificates.
    pub asks_certificates: bool,
    pub metrics: &'s Metrics,
}

/// The table of all routes. Pools that routes name join `issuers`, without keys until the feed brings them.
pub fn table(
    sections: Vec<Section>,
    issuers: &mut Vec<ConfiguredIssuer>,
    mut around: Surroundings<'_>,
) -> Result<RouteTable, SettingError> {
    let mut table = Vec::new();
    for section in sections {
        table.push(route(section, issuers, &mut around)?);
    }
    if table.is_empty() {
        return Err(SettingError::new("route", "is missing: there must be at least one [[route]]"));
    }
    routes::order(&mut table);
    for (number, route) in table.iter_mut().enumerate() {
        route.number = number;
    }
    let sign_ins = sign_in::places(&table)?;
    let stated = sign_ins.iter().filter_map(|at| Some(at.sign_in.identity.as_ref()?.name.as_str()));
    let added = table.iter().flat_map(|route| route.headers.iter().map(|header| header.name.as_str())).chain(stated);
    let identity = forward::own_names(added).map_err(|error| SettingError::new("route", error.to_string()))?;
    check_limits(&table, &identity)?;
    let heads = Policy { identity, ..Policy::default() };
    let resources = resource::config::all(&table)?;
    let asks = table.iter().any(|route| route.acl.as_ref().is_some_and(|rule| rule.asks));
    let routes = table.into_iter().map(Arc::new).collect();
    Ok(RouteTable { routes, upstreams: around.upstreams, heads, resources, sign_ins, asks, ..RouteTable::default() })
}

fn route(
    mut section: Section,
    issuers: &mut Vec<ConfiguredIssuer>,
    around: &mut Surroundings<'_>,
) -> Result<Route, SettingError> {
    for key in NOT_YET {
        if section.has(key) {
            return Err(section.error(key, "is not supported yet"));
        }
    }
    let matched = section.section("match")?.ok_or_else(|| section.missing("match"))?;
    let matched = routes::config::matcher(matched)?;
    let upstream = section.required_text("upstream")?;
    let Some(upstream) = around.upstreams.iter().find(|known| *known.name == *upstream) else {
        return Err(section.error("upstream", format!("no upstream is called \"{upstream}\"")));
    };
    let certificate = match section.section("client_certificate")? {
        None => CertificateRule::default(),
        Some(rule) => gates::certificate::config::rule(rule, around.asks_certificates)?,
    };
    let acl = match section.text("acl")? {
        None => None,
        Some(name) => match around.acls.get(&name) {
            Some(acl) => Some(Arc::clone(acl)),
            None => return Err(section.error("acl", format!("no web ACL is called \"{name}\""))),
        },
    };
    let mut token = section.section("token")?;
    let asked = token.as_mut().map(gates::policy::config::asked).transpose()?.flatten();
    let token = match token {
        None => None,
        Some(rule) => {
            let place = rule.place("use");
            let issuer = |name: &str| position(issuers, around.has_feed, name);
            let rule = gates::token::config::rule(rule, around.proofs, issuer)?;
            check_use(&rule, issuers).map_err(|problem| SettingError::new(place, problem))?;
            Some(rule)
        }
    };
    if token.as_ref().is_some_and(|rule| rule.proof.certificate_bound) && !around.asks_certificates {
        let problem = "needs `client_ca` in [listen] tls: no client is asked for a certificate";
        return Err(section.error("token.certificate_bound", problem));
    }
    let sign_in = match section.text("sign_in")? {
        None => None,
        Some(name) => {
            let found = around.sign_ins.iter().find(|sign_in| *sign_in.name == *name);
            let found = found.ok_or_else(|| section.error("sign_in", format!("no sign-in is called \"{name}\"")))?;
            sign_in::check(found, &matched.host, token.as_ref(), issuers)
                .map_err(|problem| section.error("sign_in", problem))?;
            Some(Arc::clone(found))
        }
    };
    let default = gates::session::config::default_rule(token.as_ref().is_some_and(|rule| names_pool(rule, issuers)));
    let revocation = match section.section("revocation")? {
        None => default,
        Some(rule) => gates::session::config::rule(rule, default)?,
    };
    let resource = match (section.section("resource")?, &token) {
        (None, _) => None,
        (Some(resource), Some(rule)) => Some(Arc::new(resource::config::resource(resource, rule)?)),
        (Some(_), None) => {
            return Err(section.error("resource", "needs `token`: an open route is no protected resource"));
        }
    };
    let headers = match section.section("headers")? {
        None => Vec::new(),
        Some(headers) => forward::config::added_headers(headers)?,
    };
    let mut flow = forward::flow::read(&mut section)?;
    let attest = attest::config::read(&mut section, around.has_feed, &mut flow)?;
    if attest && sign_in.is_some() {
        return Err(section.error("sign_in", "does not go with `attest`: the issuer's own pages sign people in"));
    }
    let name = name(&upstream.name, &matched.host, &matched.path);
    let (has_token, has_feed) = (token.is_some(), around.has_feed);
    let of_route = OfRoute { name: &name, methods: &matched.methods, has_token, has_feed };
    let limits = section.sections("limits")?;
    let limits = gates::limits::config::limits(limits, of_route, |limit| around.metrics.limit_meter(&name, limit))?;
    let cors = section.section("cors")?.map(|rule| cors::config::rule(rule, &matched.methods)).transpose()?;
    section.finish()?;
    let authorization = match asked {
        None => None,
        Some(asked) => {
            Some(around.policies.compile(&asked, &name, &matched.methods, around.metrics.policy_meter(&name))?)
        }
    };
    Ok(Route {
        number: 0,
        meter: around.metrics.meter(&name),
        name: name.into(),
        host: matched.host,
        path: matched.path,
        methods: matched.methods,
        certificate,
        limits,
        upstream: Arc::clone(upstream),
        acl,
        token,
        sign_in,
        authorization,
        revocation,
        resource,
        headers,
        flow,
        cors,
        attest,
    })
}

/// Where the issuer of that name stands; a pool is added when it is named first.
fn position(issuers: &mut Vec<ConfiguredIssuer>, has_feed: bool, name: &str) -> Option<usize> {
    if let Some(position) = issuers.iter().position(|issuer| issuer.name == name) {
        return Some(position);
    }
    let pool = name.strip_prefix(POOL_PREFIX)?;
    if !has_feed || common::ids::PoolId::parse(pool).is_err() {
        return None;
    }
    issuers.push(ConfiguredIssuer::awaited(name));
    Some(issuers.len() - 1)
}

/// Most profiles know access tokens alone, one ID tokens alone: such a route would refuse every token of theirs.
fn check_use(rule: &TokenRule, issuers: &[ConfiguredIssuer]) -> Result<(), String> {
    if rule.token_use == TokenUse::Access {
        let reads_no_access =
            |issuer: &&ConfiguredIssuer| issuer.profile().is_some_and(|profile| !profile.reads_access_tokens());
        return match rule.issuers.iter().filter_map(|&at| issuers.get(at)).find(reads_no_access) {
            Some(ConfiguredIssuer { name, .. }) => {
                Err(format!("\"id\" must be said for the issuer \"{name}\", of whose tokens ID tokens alone are read"))
            }
            None => Ok(()),
        };
    }
    let reads_no_id = |issuer: &&ConfiguredIssuer| issuer.profile().is_some_and(|profile| !profile.reads_id_tokens());
    match rule.issuers.iter().filter_map(|&at| issuers.get(at)).find(reads_no_id) {
        Some(ConfiguredIssuer { name, .. }) => {
            Err(format!("\"id\" is not for the issuer \"{name}\", of whose tokens access tokens alone are read"))
        }
        None => Ok(()),
    }
}

/// What no client may say, so that it is taken out of requests, is nothing to count them by.
fn check_limits(table: &[Route], own: &IdentityHeaders) -> Result<(), SettingError> {
    let limits = table.iter().flat_map(|route| &route.limits).flat_map(|of_route| &of_route.limits);
    for limit in limits {
        for part in &limit.key {
            if let Part::Header(name) = part
                && own.is_alias(name.as_str().as_bytes())
            {
                let problem = format!(
                    "\"{}\" counts by \"{part}\", which clients can't say for themselves; the client's address is \"address\"",
                    limit.name
                );
                return Err(SettingError::new("route.limits", problem));
            }
        }
    }
    Ok(())
}

fn names_pool(rule: &TokenRule, issuers: &[ConfiguredIssuer]) -> bool {
    rule.issuers.iter().filter_map(|&at| issuers.get(at)).any(|issuer| issuer.name.starts_with(POOL_PREFIX))
}

fn name(upstream: &str, host: &HostPattern, path: &PathPattern) -> String {
    let host = match host {
        HostPattern::Any => String::new(),
        HostPattern::Exact(host) => host.clone(),
        HostPattern::Suffix(suffix) => format!("*{suffix}"),
    };
    match path {
        PathPattern::Exact(path) => format!("{upstream} {host}{path}"),
        PathPattern::Prefix(prefix) => format!("{upstream} {host}{prefix}*"),
    }
}

//! Clean traffic: requests as honest clients send them, which no web ACL should refuse.
//!
//! Each generator is one file and one class of a report. All are made from a seed, so that a run can be repeated, and another seed makes other
//! requests of the same kinds. Two classes are reported apart from the rest, since not everybody wants them passed: HTML that an editor of a
//! site may write (`markup`), and source code in tickets and comments (`code`).

mod apis;
mod aws;
mod beacons;
mod browsing;
mod clients;
mod code;
mod code_samples;
mod cognito;
mod draft;
mod encoded;
mod files;
mod filters;
mod forms;
mod graphql;
mod json;
mod languages;
mod markup;
mod oauth;
mod payments;
mod people;
mod prose;
mod random;
mod rest;
mod search;
mod tokens;
mod uploads;
mod webhooks;
mod words;
mod xml;

use crate::corpus::Entry;
use draft::Draft;
use random::Random;

/// Requests of a class in a usual run.
const EACH: u64 = 300;

/// A kind of honest request.
struct Class {
    name: &'static str,
    /// What it is, for the documentation of a report.
    about: &'static str,
    make: fn(&mut Random) -> Draft,
}

const CLASSES: [Class; 22] = [
    Class {
        name: "json",
        about: "nested JSON, Unicode, numbers, Markdown, prose with SQL's words",
        make: json::request,
    },
    Class { name: "forms", about: "sign-up, contact, checkout, search and settings forms", make: forms::request },
    Class { name: "uploads", about: "multipart uploads with file names of all sorts", make: uploads::request },
    Class { name: "graphql", about: "queries, mutations, persisted queries, batches", make: graphql::request },
    Class {
        name: "tokens",
        about: "base64: JWTs in cookies and headers, cursors, images in JSON",
        make: tokens::request,
    },
    Class { name: "oauth", about: "OAuth 2.0 and OpenID Connect, URLs in query values", make: oauth::request },
    Class {
        name: "people",
        about: "O'Brien and D'Angelo, addresses, telephone numbers, passwords",
        make: people::request,
    },
    Class { name: "search", about: "what people type into search boxes", make: search::request },
    Class {
        name: "languages",
        about: "texts in Cyrillic, Greek, Arabic, Hebrew, CJK, emoji",
        make: languages::request,
    },
    Class { name: "beacons", about: "analytics, error reports, CSP reports", make: beacons::request },
    Class { name: "xml", about: "SAML, SOAP, feeds", make: xml::request },
    Class { name: "files", about: "paths of files in the parameters of an API", make: files::request },
    Class { name: "rest", about: "UUIDs, ULIDs, pages, sorting, versions, prices", make: rest::request },
    Class {
        name: "filters",
        about: "filter expressions, OData, JSON:API, Elasticsearch, JMESPath",
        make: filters::request,
    },
    Class { name: "cognito", about: "the calls of Amazon Cognito's API", make: cognito::request },
    Class { name: "aws", about: "other AWS calls, S3 keys, signed URLs", make: aws::request },
    Class { name: "browsing", about: "pages and their parts, long cookies, referrers", make: browsing::request },
    Class {
        name: "encoded",
        about: "percent-encoded values, plus signs, encoded twice by honest clients",
        make: encoded::request,
    },
    Class { name: "webhooks", about: "what GitHub, Stripe, Slack and Twilio send", make: webhooks::request },
    Class { name: "apis", about: "chat, calendar, maps, mobile synchronisation, metrics", make: apis::request },
    Class { name: "markup", about: "HTML and CSS in the fields of a content management system", make: markup::request },
    Class { name: "code", about: "source code, logs and shell commands in tickets and comments", make: code::request },
];

/// Classes that a report adds up by themselves.
pub const APART: [&str; 2] = ["markup", "code"];

/// Every class by name, with what it is.
pub fn classes() -> Vec<(&'static str, &'static str)> {
    CLASSES.iter().map(|class| (class.name, class.about)).collect()
}

/// All clean traffic of a seed.
pub fn traffic(seed: u64) -> Vec<Entry> {
    CLASSES.iter().flat_map(|class| (1..=EACH).map(move |number| entry(class, seed, number))).collect()
}

/// A request depends on its class and number alone: a change of one generator changes nothing elsewhere.
fn entry(class: &Class, seed: u64, number: u64) -> Entry {
    let mut random = Random::of(&[seed.to_be_bytes().as_slice(), class.name.as_bytes(), &number.to_be_bytes()]);
    (class.make)(&mut random).entry(class.name, number, &mut random)
}

#[cfg(test)]
mod tests;

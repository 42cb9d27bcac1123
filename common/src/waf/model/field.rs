//! Which part of a request a statement inspects, and in which form.

use crate::waf::Transform;

/// A part of the request and what is done to it before it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    pub field: Field,
    /// Applied to the whole query before it is taken apart; only for arguments of the query.
    pub pre: Vec<PreParse>,
    /// In the order in which they are applied.
    pub transforms: Vec<Transform>,
}

/// AWS WAFv2 `FieldToMatch`, and [`Field::Claim`] and [`Field::Inputs`], which AWS does not have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// By its name in lower case. Several fields of one name are inspected each.
    SingleHeader(String),
    Headers(HeaderFilter),
    /// The names of all headers in the order in which they came, lower case, joined by colons.
    HeaderOrder(Oversize),
    Cookies(CookieFilter),
    /// By its name in lower case, compared without regard to case.
    SingleQueryArgument(String),
    AllQueryArguments,
    QueryString,
    UriPath,
    /// Never there: a fragment is not sent to servers, and an edge drops it.
    UriFragment(Fallback),
    Method,
    Body(Oversize),
    JsonBody {
        paths: JsonPaths,
        scope: Scope,
        invalid: BodyFallback,
        oversize: Oversize,
    },
    Ja3(Fallback),
    Ja4(Fallback),
    /// A claim of the request's verified token: its name, or a JSON pointer into the claims. A list has several values.
    Claim(String),
    /// Every name and value that comes in these places, each by itself, decoded once as its place has it. AWS does not have it.
    Inputs {
        /// In this order, each once.
        places: Vec<Place>,
        oversize: Oversize,
    },
}

/// Where clients put what programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    Query,
    /// By its content type: form, multipart, JSON, XML, or one text.
    Body,
    Cookies,
    /// The whole path is one value.
    Path,
    /// The values of all fields but cookies and those that are no text for programs: lengths, dates, tokens, what the client accepts.
    Headers,
}

/// What a statement says of a request that lacks what it needs to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fallback {
    Match,
    NoMatch,
}

/// What a statement says of a part that is longer than what is inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Oversize {
    /// Goes by what can be inspected.
    Continue,
    Match,
    NoMatch,
}

/// What of a named part is inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    All,
    Key,
    Value,
}

/// Which names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameFilter {
    All,
    Only(Vec<String>),
    Except(Vec<String>),
}

/// Names in lower case: header names have no case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeaderFilter {
    pub names: NameFilter,
    pub scope: Scope,
    pub oversize: Oversize,
}

/// Names as they are written: those of cookies have case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CookieFilter {
    pub names: NameFilter,
    pub scope: Scope,
    pub oversize: Oversize,
}

/// Which parts of a JSON body.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JsonPaths {
    All,
    /// JSON pointers (RFC 6901).
    Only(Vec<String>),
}

/// What a statement says of a body that is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BodyFallback {
    Match,
    NoMatch,
    /// As [`Field::Body`] would.
    AsString,
    /// What could be read up to the first error.
    UpToError,
}

/// What is done to a query before it is taken apart (`PreParseTextTransformation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PreParse {
    None,
    UrlDecode,
    UrlDecodeUni,
    /// Arguments of one name become one, joined by commas.
    CombineDuplicates,
    SemicolonsToAmpersands,
}

impl NameFilter {
    pub fn takes(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|one| one == name),
            Self::Except(names) => !names.iter().any(|one| one == name),
        }
    }
}

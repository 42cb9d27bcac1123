//! What rules do.

/// The action of a rule that matches.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Ends the evaluation; the headers go upstream.
    Allow(Vec<InsertedHeader>),
    /// Ends the evaluation with a refusal: 403, unless the response says otherwise.
    Block(Option<BlockResponse>),
    /// Goes on; the headers go upstream if the request does.
    Count(Vec<InsertedHeader>),
    /// As [`Action::Count`] with a token that counts, else 405 and a puzzle.
    Captcha(Vec<InsertedHeader>),
    /// As [`Action::Count`] with a token that counts, else 202 and a challenge.
    Challenge(Vec<InsertedHeader>),
}

impl Action {
    /// As logs and samples write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Allow(_) => "ALLOW",
            Self::Block(_) => "BLOCK",
            Self::Count(_) => "COUNT",
            Self::Captcha(_) => "CAPTCHA",
            Self::Challenge(_) => "CHALLENGE",
        }
    }
}

/// A rule acts by itself, or refers to rules that do.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleAction {
    Own(Action),
    Group(GroupAction),
}

/// What becomes of the result of a group (`OverrideAction`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupAction {
    /// The group's rules do what they say.
    None,
    /// What would have ended the evaluation is counted.
    Count,
}

/// A header that goes upstream. Its name gets the prefix `x-amzn-waf-` there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsertedHeader {
    pub name: String,
    pub value: String,
}

/// What a blocked client gets instead of 403.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockResponse {
    /// 200 to 599.
    pub status: u16,
    /// A key of the web ACL's or the group's bodies.
    pub body: Option<String>,
    pub headers: Vec<InsertedHeader>,
}

/// A body of custom responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseBody {
    pub content_type: ContentType,
    pub content: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    Plain,
    Html,
    Json,
}

impl ContentType {
    pub fn mime(self) -> &'static str {
        match self {
            Self::Plain => "text/plain",
            Self::Html => "text/html",
            Self::Json => "application/json",
        }
    }
}

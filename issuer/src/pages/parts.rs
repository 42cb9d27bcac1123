//! What pages are made of.

use crate::clients::Client;
use crate::html::Safe;

/// A text field with its label.
pub struct Field<'a> {
    pub label: &'static str,
    pub name: &'a str,
    /// `text`, `password`, …
    pub kind: &'static str,
    /// For password managers and one-time codes (HTML's autofill names).
    pub autocomplete: &'static str,
    pub value: &'a str,
}

impl Field<'_> {
    pub fn markup(&self, with_focus: bool) -> Safe {
        let text = |markup: &'static str, value: &str| Safe::constant(markup).and(Safe::text(value));
        text("<label for=\"", self.name)
            .and(Safe::constant("\">"))
            .and(Safe::text(self.label))
            .and(text("</label><input id=\"", self.name))
            .and(text("\" name=\"", self.name))
            .and(text("\" type=\"", self.kind))
            .and(text("\" autocomplete=\"", self.autocomplete))
            .and(text("\" value=\"", self.value))
            .and(Safe::constant("\" required"))
            .and(Safe::constant(if with_focus { " autofocus>" } else { ">" }))
    }
}

/// A form that goes to a path with the request's query.
pub fn form(path: &'static str, query: &str, content: Safe, button: &'static str) -> Safe {
    Safe::constant("<form method=\"post\" action=\"/")
        .and(Safe::constant(path))
        .and(Safe::constant("?"))
        .and(Safe::text(query))
        .and(Safe::constant("\">"))
        .and(content)
        .and(Safe::constant("<button>"))
        .and(Safe::constant(button))
        .and(Safe::constant("</button></form>"))
}

/// What went wrong.
pub fn alert(text: Option<&str>) -> Safe {
    match text {
        Some(text) => {
            Safe::constant("<p class=\"error\" role=\"alert\">").and(Safe::text(text)).and(Safe::constant("</p>"))
        }
        None => Safe::default(),
    }
}

pub fn paragraph(text: &str) -> Safe {
    Safe::constant("<p>").and(Safe::text(text)).and(Safe::constant("</p>"))
}

/// Where an app says what it does with what it learns (OpenID Connect Dynamic Client Registration 1.0 §2). Its logo would be content of others.
pub fn about(client: &Client) -> Safe {
    let about = &client.settings.oauth.about;
    let links = [
        ("Website of the app", &about.client_uri),
        ("Privacy policy", &about.policy_uri),
        ("Terms of service", &about.tos_uri),
        ("Logo", &about.logo_uri),
    ];
    let items = links.into_iter().filter_map(|(name, uri)| uri.as_ref().map(|uri| (name, uri)));
    let items = items.fold(Safe::default(), |all, (name, uri)| {
        all.and(Safe::constant("<li><a rel=\"noreferrer\" href=\""))
            .and(Safe::text(uri))
            .and(Safe::constant("\">"))
            .and(Safe::constant(name))
            .and(Safe::constant("</a></li>"))
    });
    match items.as_str() {
        "" => Safe::default(),
        _ => Safe::constant("<ul>").and(items).and(Safe::constant("</ul>")),
    }
}

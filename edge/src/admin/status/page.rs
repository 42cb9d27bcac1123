//! The document: what an operator wants to know first stands first.

use std::time::Duration;

use super::html::Html;
use super::{sections, units};
use crate::admin::overview::Overview;

pub fn document(overview: &Overview, style: &'static str) -> String {
    let mut html = Html::default();
    html.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">")
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
        .raw("<meta name=\"color-scheme\" content=\"light dark\"><title>")
        .raw(state(overview).1)
        .raw(" · Tollgate edge</title><style>")
        .raw(style)
        .raw("</style></head><body>");
    header(&mut html, overview);
    html.raw("<main>");
    notices(&mut html, overview);
    figures(&mut html, overview);
    sections::routes(&mut html, overview);
    sections::refusals(&mut html, overview);
    sections::issuers(&mut html, overview);
    sections::keys(&mut html, overview);
    sections::feed(&mut html, overview);
    sections::upstreams(&mut html, overview);
    sections::certificates(&mut html, overview);
    sections::databases(&mut html, overview);
    sections::process(&mut html, overview);
    html.raw("</main><footer>As of ").text(&units::moment(overview.now));
    html.raw(". Counts are since the start. The same for machines: <a href=\"/status.json\">status.json</a>, ");
    html.raw("<a href=\"/metrics\">metrics</a>, <a href=\"/readyz\">readyz</a>.</footer></body></html>\n");
    html.finish()
}

/// Class and words.
fn state(overview: &Overview) -> (&'static str, &'static str) {
    match (overview.draining, overview.ready) {
        (true, _) => ("warn", "Draining"),
        (false, true) => ("good", "Ready"),
        (false, false) => ("bad", "Not ready"),
    }
}

fn header(html: &mut Html, overview: &Overview) {
    let (class, words) = state(overview);
    html.raw("<header><h1>Tollgate edge</h1><p class=\"state ")
        .raw(class)
        .raw("\">")
        .raw(words)
        .raw("</p><p class=\"facts\">Version ");
    html.text(overview.version);
    if let Some(commit) = overview.commit {
        html.raw(" (<code>").text(commit).raw("</code>)");
    }
    html.raw(" · up ").text(&units::span(overview.now.since(overview.started)));
    html.raw(" · configuration ").text(&units::count(overview.configuration.generation));
    html.raw(", since ").text(&units::moment(overview.configuration.loaded_at)).raw("</p></header>");
}

/// What wants an operator's eyes; nothing on a good day.
fn notices(html: &mut Html, overview: &Overview) {
    if !overview.reasons.is_empty() {
        html.raw("<div class=\"notice bad\" role=\"status\"><h2>Not ready</h2><ul>");
        for reason in &overview.reasons {
            html.raw("<li>").text(reason).raw("</li>");
        }
        html.raw("</ul></div>");
    }
    let more: Vec<&String> = overview.warnings.iter().filter(|warning| !overview.reasons.contains(warning)).collect();
    if !more.is_empty() {
        html.raw("<div class=\"notice warn\" role=\"status\"><h2>Look at this</h2><ul>");
        for warning in more {
            html.raw("<li>").text(warning).raw("</li>");
        }
        html.raw("</ul></div>");
    }
    if let Some(failure) = &overview.configuration.failure {
        html.raw("<div class=\"notice bad\" role=\"status\"><h2>The last reload was refused</h2><p><code>")
            .text(&failure.error);
        html.raw("</code></p><p>").text(&units::moment(failure.at)).raw(". Configuration ");
        html.text(&units::count(overview.configuration.generation)).raw(" goes on serving.</p></div>");
    }
    if !overview.configuration.restart.is_empty() {
        html.raw("<div class=\"notice warn\" role=\"status\"><h2>Settings wait for a restart</h2><p><code>");
        html.text(&overview.configuration.restart.join(", ")).raw("</code></p></div>");
    }
}

fn figures(html: &mut Html, overview: &Overview) {
    let traffic = &overview.traffic;
    let connections = u64::try_from(traffic.connections).unwrap_or(0);
    html.raw("<dl class=\"figures\">");
    figure(html, "Requests", "", &units::count(traffic.requests));
    figure(html, "Refused", "", &units::count(traffic.refused));
    figure(html, "Answered by 5xx", if traffic.failed > 0 { "bad" } else { "" }, &units::count(traffic.failed));
    figure(html, "In flight", "", &units::count(u64::try_from(traffic.in_flight).unwrap_or(u64::MAX)));
    figure(html, "Connections", "", &units::count(connections));
    if let Some(oldest) =
        overview.feed.iter().flat_map(|feed| &feed.feeds).map(|feed| feed.age_seconds).reduce(f64::max)
    {
        figure(html, "Oldest feed", "", &units::span(Duration::from_secs_f64(oldest)));
    }
    html.raw("</dl>");
}

fn figure(html: &mut Html, name: &'static str, class: &'static str, value: &str) {
    html.raw("<div><dt>").raw(name).raw("</dt><dd class=\"").raw(class).raw("\">").text(value).raw("</dd></div>");
}

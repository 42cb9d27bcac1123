//! Spans as an OTLP document in its JSON form (OTLP 1.x, "JSON Protobuf Encoding"): ids in hex, enums as numbers, 64-bit numbers as text.
//!
//! Written by hand, since it is one page: the official exporter brings a second async machinery, protobuf and 30 crates for it.

use serde_json::{Value as Json, json};

use super::context::hex;
use super::span::{Span, Value};

/// SPAN_KIND_SERVER and STATUS_CODE_ERROR of trace.proto.
const SERVER: u8 = 2;
const ERROR: u8 = 2;
/// Flags of a span: SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK and SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
const SAMPLED: u32 = 1;

/// Whose spans they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`: this process among those of one name.
    pub instance: String,
}

/// The body of an `ExportTraceServiceRequest`.
pub fn document(resource: &Resource, spans: &[Span]) -> Vec<u8> {
    let attributes = json!([
        attribute("service.name", &Value::Text(resource.service.clone())),
        attribute("service.version", &Value::Text(env!("CARGO_PKG_VERSION").to_owned())),
        attribute("service.instance.id", &Value::Text(resource.instance.clone())),
    ]);
    let spans: Vec<Json> = spans.iter().map(span).collect();
    let document = json!({"resourceSpans": [{
        "resource": {"attributes": attributes},
        "scopeSpans": [{
            "scope": {"name": "tollgate.edge", "version": env!("CARGO_PKG_VERSION")},
            "spans": spans,
        }],
    }]});
    document.to_string().into_bytes()
}

fn span(span: &Span) -> Json {
    let start = u128::from(span.start.0) * 1_000_000;
    let remote = if span.trace.parent.is_some() { IS_REMOTE } else { 0 };
    let mut json = json!({
        "traceId": hex(&span.trace.id),
        "spanId": hex(&span.trace.span),
        "flags": SAMPLED | HAS_IS_REMOTE | remote,
        "name": span.name,
        "kind": SERVER,
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": (start + span.spent.as_nanos()).to_string(),
        "attributes": span.attributes.iter().map(|(key, value)| attribute(key, value)).collect::<Vec<_>>(),
        "status": if span.failed { json!({"code": ERROR}) } else { json!({}) },
    });
    if let Some(fields) = json.as_object_mut() {
        if let Some(parent) = &span.trace.parent {
            fields.insert("parentSpanId".to_owned(), hex(parent).into());
        }
        if let Some(state) = &span.state {
            fields.insert("traceState".to_owned(), state.as_str().into());
        }
    }
    json
}

fn attribute(key: &str, value: &Value) -> Json {
    let value = match value {
        Value::Text(text) => json!({"stringValue": text}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
    };
    json!({"key": key, "value": value})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::trace::Trace;
    use common::clock::UnixMillis;
    use std::time::Duration;

    #[test]
    fn a_document_is_what_collectors_read() {
        let trace = Trace { id: [1; 16], span: [2; 8], parent: Some([3; 8]), sampled: true };
        let mut span = Span::new(trace, "GET a /a".to_owned(), UnixMillis(1_500), Duration::from_micros(20));
        span.text("http.route", "a /a");
        span.number("http.response.status_code", 200);
        span.state = Some("k=v".to_owned());
        let resource = Resource { service: "edge".to_owned(), instance: "i".to_owned() };
        let document: Json = serde_json::from_slice(&document(&resource, &[span])).unwrap();
        let told = &document["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        let expected = json!({
            "traceId": "01010101010101010101010101010101", "spanId": "0202020202020202", "parentSpanId": "0303030303030303",
            "traceState": "k=v", "flags": 0x301, "name": "GET a /a", "kind": 2,
            "startTimeUnixNano": "1500000000", "endTimeUnixNano": "1500020000",
            "attributes": [
                {"key": "http.route", "value": {"stringValue": "a /a"}},
                {"key": "http.response.status_code", "value": {"intValue": "200"}},
            ],
            "status": {},
        });
        assert_eq!(*told, expected);
        let service = &document["resourceSpans"][0]["resource"]["attributes"][0];
        assert_eq!(*service, json!({"key": "service.name", "value": {"stringValue": "edge"}}));
    }
}

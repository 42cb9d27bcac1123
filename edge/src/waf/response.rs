//! What a blocked client gets.

use std::sync::Arc;

use common::waf::model::{BlockResponse, Bodies, ContentType, InsertedHeader};

/// A custom response; None stands for the edge's own refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<InsertedHeader>,
    pub body: Option<(ContentType, Arc<str>)>,
}

impl Response {
    pub fn of(response: Option<&BlockResponse>, bodies: &Bodies) -> Option<Arc<Self>> {
        let response = response?;
        let body = response.body.as_ref().and_then(|key| bodies.get(key));
        Some(Arc::new(Self {
            status: response.status,
            headers: response.headers.clone(),
            body: body.map(|body| (body.content_type, body.content.as_str().into())),
        }))
    }
}

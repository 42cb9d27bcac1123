//! Actions and what belongs to them.

use super::Invalid;
use super::node::Node;
use crate::waf::model::{Action, BlockResponse, Bodies, ContentType, GroupAction, InsertedHeader, ResponseBody};

/// All bodies of a web ACL or a group together, in bytes (AWS's quota).
const MAX_BODIES: usize = 50 * 1024;

/// What an excluded rule does.
pub const COUNT: Action = Action::Count(Vec::new());

pub fn default_action(node: Node<'_>) -> Result<Action, Invalid> {
    let action = action(node.clone().named("DEFAULT_ACTION"))?;
    match action {
        Action::Allow(_) | Action::Block(_) => Ok(action),
        _ => Err(node.invalid("must be Allow or Block")),
    }
}

pub fn action(node: Node<'_>) -> Result<Action, Invalid> {
    let (name, inner) = node.clone().union()?;
    match name {
        "Allow" => Ok(Action::Allow(request_handling(inner)?)),
        "Block" => Ok(Action::Block(custom_response(inner)?)),
        "Count" => Ok(Action::Count(request_handling(inner)?)),
        "Captcha" => Ok(Action::Captcha(request_handling(inner)?)),
        "Challenge" => Ok(Action::Challenge(request_handling(inner)?)),
        "Monetize" => Err(inner.invalid("there is no Monetize here: AWS has it for CloudFront only")),
        _ => Err(inner.invalid("is no action: there are Allow, Block, Count, Captcha and Challenge")),
    }
}

pub fn group_action(node: Node<'_>) -> Result<GroupAction, Invalid> {
    let (name, inner) = node.named("OVERRIDE_ACTION").union()?;
    match name {
        "None" => inner.nothing_in_it().map(|()| GroupAction::None),
        // AWS's model allows custom headers here and its service ignores them.
        "Count" => request_handling(inner).map(|_| GroupAction::Count),
        _ => Err(inner.invalid("must be None or Count")),
    }
}

fn request_handling(node: Node<'_>) -> Result<Vec<InsertedHeader>, Invalid> {
    let mut object = node.named("CUSTOM_REQUEST_HANDLING").object()?;
    let headers = match object.optional("CustomRequestHandling") {
        None => Vec::new(),
        Some(handling) => {
            let mut handling = handling.object()?;
            let headers = headers(&handling.required("InsertHeaders")?)?;
            handling.finish()?;
            headers
        }
    };
    object.finish()?;
    Ok(headers)
}

fn custom_response(node: Node<'_>) -> Result<Option<BlockResponse>, Invalid> {
    let mut object = node.named("CUSTOM_RESPONSE").object()?;
    let response = match object.optional("CustomResponse") {
        None => None,
        Some(response) => {
            let mut response = response.object()?;
            let status = response.required("ResponseCode")?.number(200..=599)?;
            let body = response.optional("CustomResponseBodyKey").map(|key| key.text_of(1..=128)).transpose()?;
            let headers = response.optional("ResponseHeaders").map(|list| headers(&list)).transpose()?;
            response.finish()?;
            Some(BlockResponse {
                status: u16::try_from(status).unwrap_or(403),
                body: body.map(str::to_owned),
                headers: headers.unwrap_or_default(),
            })
        }
    };
    object.finish()?;
    Ok(response)
}

fn headers(node: &Node<'_>) -> Result<Vec<InsertedHeader>, Invalid> {
    let mut headers: Vec<InsertedHeader> = Vec::new();
    for item in node.items(1..=10)? {
        let mut object = item.clone().object()?;
        let name = object.required("Name")?;
        let text = name.token(1..=64, |char| char.is_ascii_alphanumeric() || "._$-".contains(char))?;
        let value = object.required("Value")?.token(1..=255, |char| char == '\t' || (' '..='~').contains(&char))?;
        object.finish()?;
        if headers.iter().any(|header| header.name.eq_ignore_ascii_case(text)) {
            return Err(name.invalid("stands here twice"));
        }
        headers.push(InsertedHeader { name: text.to_owned(), value: value.to_owned() });
    }
    Ok(headers)
}

pub fn bodies(node: Node<'_>) -> Result<Bodies, Invalid> {
    let node = node.named("CUSTOM_RESPONSE_BODY");
    let mut bodies = Bodies::new();
    let mut bytes = 0;
    for (key, body) in node.entries()? {
        let mut object = body.clone().object()?;
        let content_type = object.required("ContentType")?.named("RESPONSE_CONTENT_TYPE").choice(&[
            ("TEXT_PLAIN", ContentType::Plain),
            ("TEXT_HTML", ContentType::Html),
            ("APPLICATION_JSON", ContentType::Json),
        ])?;
        let content = object.required("Content")?;
        let text = content.text_of(1..=10_240)?;
        if content_type == ContentType::Json && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            return Err(content.invalid("is no JSON"));
        }
        object.finish()?;
        bytes += text.len();
        bodies.insert(key.to_owned(), ResponseBody { content_type, content: text.to_owned() });
    }
    if bytes > MAX_BODIES {
        return Err(node.invalid(format!("has {bytes} bytes in all, more than {MAX_BODIES}")));
    }
    Ok(bodies)
}

/// The body that an action names must be there.
pub fn has_its_body(action: &Action, bodies: &Bodies, node: &Node<'_>) -> Result<(), Invalid> {
    match action {
        Action::Block(Some(BlockResponse { body: Some(key), .. })) if !bodies.contains_key(key) => {
            Err(node.invalid(format!("there is no custom response body {key:?}")))
        }
        _ => Ok(()),
    }
}

//! AWS WAFv2: TagResource, UntagResource, ListTagsForResource.

use cognito_model::Fault;
use cognito_model::waf::types as wire;
use ring::digest::{SHA256, digest};

use crate::aws_json::Call;
use crate::waf::book::{self, Outcome, Plan, TRIES};
use crate::waf::entities::{self, MAX_TAGS, checked_tags};
use crate::waf::error::WafError;
use crate::waf::model::Address;
use crate::waf::rows;

pub async fn tag(call: Call, input: wire::TagResourceRequest) -> Result<wire::TagResourceResponse, Fault> {
    let tags = checked_tags(input.tags)?;
    let address = tagged(&call, &input.resource_arn)?;
    for _ in 0..TRIES {
        let graph = book::graph(&call).await?;
        entities::get(&call, address).await?;
        let new = tags.keys();
        let mut all: Vec<String> =
            all_tags(&call, address).await?.into_iter().map(|tag| tag.key).chain(new.cloned()).collect();
        all.sort_unstable();
        all.dedup();
        if all.len() > MAX_TAGS {
            return Err(WafError::Limit(format!("There can be {MAX_TAGS} tags at most.")).into());
        }
        let mut plan = Plan::on(&graph, input.resource_arn.clone());
        plan.does(tags.iter().flat_map(|(name, value)| rows::tag(address.id, name, value)));
        if plan.commit(&call).await? == Outcome::Done {
            return Ok(wire::TagResourceResponse {});
        }
    }
    Err(WafError::Busy.into())
}

/// Names that are no tags of it are passed over.
pub async fn untag(call: Call, input: wire::UntagResourceRequest) -> Result<wire::UntagResourceResponse, Fault> {
    let address = tagged(&call, &input.resource_arn)?;
    if input.tag_keys.len() > 2 * MAX_TAGS {
        return Err(WafError::invalid("TAG_KEYS", input.tag_keys.len().to_string(), "are too many").into());
    }
    for _ in 0..TRIES {
        let graph = book::graph(&call).await?;
        entities::get(&call, address).await?;
        let mut plan = Plan::on(&graph, input.resource_arn.clone());
        plan.does(input.tag_keys.iter().map(|name| rows::untag(address.id, name)));
        if plan.commit(&call).await? == Outcome::Done {
            return Ok(wire::UntagResourceResponse {});
        }
    }
    Err(WafError::Busy.into())
}

/// In the order of their names' digests: a name may be longer than a marker.
pub async fn list(
    call: Call,
    input: wire::ListTagsForResourceRequest,
) -> Result<wire::ListTagsForResourceResponse, Fault> {
    let address = tagged(&call, &input.resource_arn)?;
    entities::get(&call, address).await?;
    let listing = entities::listing(&call, &[address.id], input.limit);
    let [after] = entities::key(&listing, input.next_marker.as_deref())?.unwrap_or_default();
    let mut tags: Vec<(String, wire::Tag)> =
        all_tags(&call, address).await?.into_iter().map(|tag| (place(&tag.key), tag)).collect();
    tags.retain(|(place, _)| *place > after);
    tags.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    let page = listing.page(tags, |(place, _)| [place.clone()]);
    let tag_list = page.rows.into_iter().map(|(_, tag)| tag).collect();
    let tags = wire::TagInfoForResource { resource_arn: Some(input.resource_arn), tag_list: Some(tag_list) };
    Ok(wire::ListTagsForResourceResponse { next_marker: page.token, tag_info_for_resource: Some(tags) })
}

async fn all_tags(call: &Call, address: Address<'_>) -> Result<Vec<wire::Tag>, Fault> {
    let mut tags = Vec::new();
    for row in call.services.store.read(rows::tags_of(address.id)).await? {
        tags.push(wire::Tag { key: row.text(0)?.to_owned(), value: row.text(1)?.to_owned() });
    }
    Ok(tags)
}

fn place(name: &str) -> String {
    digest(&SHA256, name.as_bytes()).as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn tagged<'a>(call: &Call, arn: &'a str) -> Result<Address<'a>, WafError> {
    Address::of_arn(arn, &call.services.deployment).ok_or_else(|| WafError::Nonexistent(format!("There is no {arn}.")))
}

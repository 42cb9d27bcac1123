//! AWS WAFv2: AssociateWebACL, DisassociateWebACL, GetWebACLForResource, ListResourcesForWebACL. The resources are user pools.

use cognito_model::Fault;
use cognito_model::waf::types as wire;
use common::ids::PoolId;

use crate::access::pool_arn;
use crate::aws_json::Call;
use crate::pools;
use crate::waf::book::{self, Outcome, Plan, TRIES};
use crate::waf::entities;
use crate::waf::error::WafError;
use crate::waf::model::Kind;
use crate::waf::resource::pool_of_arn;
use crate::waf::rows::{self, MAX_ASSOCIATIONS};

/// In the place of the one that the pool had.
pub async fn associate(
    call: Call,
    input: wire::AssociateWebACLRequest,
) -> Result<wire::AssociateWebACLResponse, Fault> {
    let pool = user_pool(&call, &input.resource_arn).await?;
    let address = entities::of_arn(&call, Kind::WebAcl, &input.web_acl_arn)?;
    for _ in 0..TRIES {
        let graph = book::graph(&call).await?;
        if graph.at(address).is_none() {
            return Err(entities::nonexistent(address).into());
        }
        if graph.pools.len() >= MAX_ASSOCIATIONS && !graph.pools.contains_key(&pool) {
            return Err(
                WafError::Limit(format!("{MAX_ASSOCIATIONS} user pools have web ACLs; there can't be more.")).into()
            );
        }
        let mut plan = Plan::on(&graph, input.resource_arn.clone());
        plan.does([rows::hold_pool(&pool)]);
        plan.does(rows::associate(&pool, Some(address.id), call.now));
        plan.after.pools.insert(pool.clone(), address.id.to_owned());
        match plan.commit(&call).await? {
            Outcome::Done => return Ok(wire::AssociateWebACLResponse {}),
            // It may be the pool that has gone.
            Outcome::Again => drop(user_pool(&call, &input.resource_arn).await?),
        }
    }
    Err(WafError::Busy.into())
}

/// Of a pool that has none, too: afterwards it has none.
pub async fn disassociate(
    call: Call,
    input: wire::DisassociateWebACLRequest,
) -> Result<wire::DisassociateWebACLResponse, Fault> {
    let pool = user_pool(&call, &input.resource_arn).await?;
    for _ in 0..TRIES {
        let graph = book::graph(&call).await?;
        let mut plan = Plan::on(&graph, input.resource_arn.clone());
        plan.does(rows::associate(&pool, None, call.now));
        plan.after.pools.remove(&pool);
        if plan.commit(&call).await? == Outcome::Done {
            return Ok(wire::DisassociateWebACLResponse {});
        }
    }
    Err(WafError::Busy.into())
}

pub async fn for_resource(
    call: Call,
    input: wire::GetWebACLForResourceRequest,
) -> Result<wire::GetWebACLForResourceResponse, Fault> {
    let pool = user_pool(&call, &input.resource_arn).await?;
    let Some(row) = call.services.store.one(rows::web_acl_of(&pool)).await? else {
        return Ok(wire::GetWebACLForResourceResponse::default());
    };
    let web_acl = book::entity(&call, row.text(0)?).await?.object()?;
    Ok(wire::GetWebACLForResourceResponse { web_acl: Some(web_acl) })
}

/// Where the request names no kind of resource it is about user pools: AWS would take it for load balancers, of which there are none here.
pub async fn resources(
    call: Call,
    input: wire::ListResourcesForWebACLRequest,
) -> Result<wire::ListResourcesForWebACLResponse, Fault> {
    let address = entities::of_arn(&call, Kind::WebAcl, &input.web_acl_arn)?;
    entities::get(&call, address).await?;
    let mut arns = Vec::new();
    if input.resource_type.is_none_or(|kind| kind == wire::ResourceType::CognitoUserPool) {
        for row in call.services.store.read(rows::pools_of(address.id).at_most(MAX_ASSOCIATIONS)).await? {
            let pool = PoolId::parse(row.text(0)?).map_err(Fault::internal)?;
            arns.push(pool_arn(&call.services.deployment, &pool));
        }
    }
    Ok(wire::ListResourcesForWebACLResponse { resource_arns: Some(arns) })
}

/// The pool that an ARN names, if there is one.
async fn user_pool(call: &Call, arn: &str) -> Result<PoolId, Fault> {
    let Some(pool) = pool_of_arn(arn, &call.services.deployment) else {
        let what = "a web ACL stands before user pools: arn:aws:cognito-idp:<region>:<account>:userpool/<id>";
        return Err(WafError::invalid("RESOURCE_ARN", arn, what).into());
    };
    match pools::find(&call.services.store, &pool).await {
        Ok(_) => Ok(pool),
        Err(pools::PoolError::Absent(_)) => Err(WafError::Nonexistent(format!("There is no user pool {pool}.")).into()),
        Err(error) => Err(error.into()),
    }
}

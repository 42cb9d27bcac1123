//! What a request is about, for the policies of admin keys. Looked at before the request is checked, and after its signature.

use cognito_model::Service;
use common::ids::PoolId;
use serde::Deserialize;

use super::model::{Address, Kind};
use crate::aws_json::Registered;
use crate::config::Deployment;

/// Longer ones are refused when the request is checked.
const LONGEST: usize = 2_048;

/// What a request names: a policy must allow each of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// ARNs; none for requests about no one of them, such as lists.
    pub resources: Vec<String>,
    /// The user pool among them.
    pub pool: Option<PoolId>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Peek {
    name: Option<String>,
    id: Option<String>,
    #[serde(rename = "ARN")]
    arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    tagged: Option<String>,
    resource_arn: Option<String>,
    #[serde(rename = "WebACLArn")]
    web_acl_arn: Option<String>,
    #[serde(rename = "WebAclArn")]
    sampled: Option<String>,
    #[serde(rename = "WebACLName")]
    web_acl_name: Option<String>,
    #[serde(rename = "WebACLId")]
    web_acl_id: Option<String>,
    logging_configuration: Option<Logging>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Logging {
    resource_arn: Option<String>,
}

/// What the body of a request to an operation of this feature names.
///
/// # Errors
/// A body that is not read, since a name comes twice or is no text; the operation would refuse it, too.
pub fn named(operation: &Registered, deployment: &Deployment, body: &[u8]) -> Result<Named, serde_json::Error> {
    if operation.service != Service::Waf {
        return Ok(Named::default());
    }
    let peek: Peek = serde_json::from_slice(body)?;
    let mut resources = Vec::new();
    if let (Some(kind), Some(name)) = (kind_of(operation.name), &peek.name) {
        // One that is to be made has no id yet.
        let id = peek.id.as_deref().unwrap_or("*");
        resources.push(Address { kind, name, id }.arn(deployment));
    }
    if let (Some(name), Some(id)) = (&peek.web_acl_name, &peek.web_acl_id) {
        resources.push(Address { kind: Kind::WebAcl, name, id }.arn(deployment));
    }
    let logging = peek.logging_configuration.unwrap_or_default().resource_arn;
    let members = [
        ("ARN", peek.arn),
        ("ResourceARN", peek.tagged),
        ("WebACLArn", peek.web_acl_arn),
        ("WebAclArn", peek.sampled),
        ("ResourceArn", peek.resource_arn),
        ("LoggingConfiguration", logging),
    ];
    resources.extend(members.into_iter().filter(|(member, _)| operation.takes(member)).filter_map(|(_, arn)| arn));
    resources.retain(|arn| arn.len() <= LONGEST);
    let pool = resources.iter().find_map(|arn| pool_of_arn(arn, deployment));
    Ok(Named { resources, pool })
}

/// The kind of which the operation names one by `Name`.
fn kind_of(operation: &str) -> Option<Kind> {
    let verbs = ["Create", "Get", "Update", "Delete"];
    let what = verbs.iter().find_map(|verb| operation.strip_prefix(verb))?;
    Kind::ALL.into_iter().find(|kind| kind.member() == what)
}

/// The pool that `arn:aws:cognito-idp:<region>:<account>:userpool/<id>` names.
pub fn pool_of_arn(arn: &str, deployment: &Deployment) -> Option<PoolId> {
    let rest = arn.strip_prefix("arn:aws:cognito-idp:")?.strip_prefix(deployment.region.as_str())?;
    let id = rest.strip_prefix(':')?.strip_prefix(deployment.account_id.as_str())?.strip_prefix(":userpool/")?;
    PoolId::parse(id).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::router::Operations;

    fn deployment() -> Deployment {
        Deployment {
            public_url: String::new(),
            region: "eu-1".into(),
            account_id: "000000000001".into(),
            domains: Default::default(),
        }
    }

    fn of(operation: &str, body: &Value) -> Named {
        let operations = Operations::collect();
        let operation = operations.of(Service::Waf, operation).unwrap();
        named(operation, &deployment(), body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn every_way_to_name_something() {
        let regional = "arn:aws:wafv2:eu-1:000000000001:regional";
        let pool = "arn:aws:cognito-idp:eu-1:000000000001:userpool/eu-1_A";
        let acl = format!("{regional}/webacl/n/i");
        let one = |operation: &str, body: Value, expected: &str| {
            assert_eq!(of(operation, &body).resources, [expected], "{operation}");
        };
        one("CreateIPSet", json!({"Name": "n"}), &format!("{regional}/ipset/n/*"));
        one("UpdateRegexPatternSet", json!({"Name": "n", "Id": "i"}), &format!("{regional}/regexpatternset/n/i"));
        one("GetWebACL", json!({"ARN": acl}), &acl);
        one("TagResource", json!({"ResourceARN": acl, "ResourceArn": "x"}), &acl);
        one("GetSampledRequests", json!({"WebAclArn": acl}), &acl);
        one("GetRateBasedStatementManagedKeys", json!({"WebACLName": "n", "WebACLId": "i"}), &acl);
        one("PutLoggingConfiguration", json!({"LoggingConfiguration": {"ResourceArn": acl}}), &acl);
        one("DisassociateWebACL", json!({"ResourceArn": pool}), pool);
        let both = of("AssociateWebACL", &json!({"WebACLArn": acl, "ResourceArn": pool}));
        assert_eq!((both.resources, both.pool), (vec![acl, pool.to_owned()], PoolId::parse("eu-1_A").ok()));
        assert_eq!(of("ListIPSets", &json!({"Scope": "REGIONAL"})), Named::default());
        assert_eq!(of("DescribeManagedRuleGroup", &json!({"Name": "n", "VendorName": "v"})), Named::default());
    }

    #[test]
    fn pools_of_this_deployment_only() {
        for other in [
            "arn:aws:cognito-idp:eu-2:000000000001:userpool/eu-1_A",
            "arn:aws:cognito-idp:eu-1:000000000002:userpool/eu-1_A",
            "arn:aws:cognito-idp:eu-1:000000000001:userpool/eu-1_A/x",
            "arn:aws:elasticloadbalancing:eu-1:000000000001:loadbalancer/app/x/y",
            "",
        ] {
            assert_eq!(pool_of_arn(other, &deployment()), None, "{other}");
        }
    }
}

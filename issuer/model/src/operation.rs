//! What is known of each operation before it runs.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::exception::Exception;
use crate::shape::Structure;
use crate::{identity, idp, waf};

/// The services behind `POST /`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// `cognito-idp`: user pools.
    Idp,
    /// `cognito-identity`: identity pools.
    Identity,
    /// `wafv2`: web ACLs.
    Waf,
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Auth {
    /// Anyone; the client's id, secret hash, session or tokens in the request decide. An access token may be an optional member.
    None,
    /// Whoever holds the access token in the required member `AccessToken`.
    AccessToken,
    /// An administrator who signs the request.
    SigV4,
    /// Either of: a signed request, or the client's id and secret in the request (`GetClientToken`, `GetDerivedToken`).
    SigV4OrClient,
}

/// The body of a successful answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The output as a JSON object.
    Json,
    /// Nothing at all: the model gives the operation no output.
    Empty,
}

/// An operation as data, for the table of all of them.
#[derive(Debug)]
pub struct OperationInfo {
    pub service: Service,
    pub name: &'static str,
    pub auth: Auth,
    /// What a request may hold.
    pub shape: &'static Structure,
    /// The exceptions that the model allows it; the protocol's own come on top.
    pub errors: &'static [Exception],
}

/// An operation as a type. The implementations are generated: `cognito_model::idp::op::SignUp`.
pub trait OperationModel {
    const SERVICE: Service;
    const NAME: &'static str;
    const AUTH: Auth;
    const REPLY: Reply;
    type Input: DeserializeOwned + Send + 'static;
    type Output: Serialize + Send + 'static;

    /// What the request may hold.
    fn shape() -> &'static Structure;
}

/// The output of an operation that has none: HTTP 200 with an empty body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NoOutput;

impl Service {
    pub const ALL: [Self; 3] = [Self::Idp, Self::Identity, Self::Waf];

    /// The part of `X-Amz-Target` before the dot.
    pub const fn target_prefix(self) -> &'static str {
        match self {
            Self::Idp => "AWSCognitoIdentityProviderService",
            Self::Identity => "AWSCognitoIdentityService",
            Self::Waf => "AWSWAF_20190729",
        }
    }

    /// The service name in a SigV4 credential scope.
    pub const fn signing_name(self) -> &'static str {
        match self {
            Self::Idp => "cognito-idp",
            Self::Identity => "cognito-identity",
            Self::Waf => "wafv2",
        }
    }

    /// The exception for a request that breaks a limit of the model.
    pub const fn violation(self) -> Exception {
        match self {
            Self::Idp => Exception::InvalidParameter,
            Self::Identity | Self::Waf => Exception::Validation,
        }
    }

    /// Its operations, by name.
    pub fn operations(self) -> &'static [OperationInfo] {
        match self {
            Self::Idp => idp::op::OPERATIONS,
            Self::Identity => identity::op::OPERATIONS,
            Self::Waf => waf::op::OPERATIONS,
        }
    }
}

impl OperationInfo {
    /// The operation that an `X-Amz-Target` names: `AWSCognitoIdentityProviderService.SignUp`.
    pub fn by_target(target: &str) -> Option<&'static Self> {
        let (prefix, name) = target.split_once('.')?;
        let service = Service::ALL.into_iter().find(|service| service.target_prefix() == prefix)?;
        let operations = service.operations();
        let at = operations.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
        operations.get(at)
    }
}

/// One operation, with its types rubbed out.
#[cfg(test)]
pub struct Decoder {
    pub name: &'static str,
    pub service: Service,
    pub shape: fn() -> &'static Structure,
    pub decode: fn(&[u8]) -> Result<(), crate::fault::Fault>,
    /// Whether the Rust type takes the value, without the checks of the table.
    pub fits_type: fn(serde_json::Value) -> bool,
}

/// Declares a service's operations: a type each, and `OPERATIONS`.
macro_rules! operations {
    ($service:ident $($name:ident ($auth:ident, $reply:ident, $shape:path) $input:ty => $output:ty [$($error:ident),*])+) => {
        /// Every operation of the service, by name.
        pub static OPERATIONS: &[$crate::operation::OperationInfo] = &[$($crate::operation::OperationInfo {
            service: $crate::operation::Service::$service,
            name: stringify!($name),
            auth: $crate::operation::Auth::$auth,
            shape: &$shape,
            errors: &[$($crate::exception::Exception::$error),*],
        },)+];

        /// Decodes a request of any operation and drops it: for tests over all of them.
        #[cfg(test)]
        pub static DECODERS: &[$crate::operation::Decoder] = &[$($crate::operation::Decoder {
            name: stringify!($name),
            service: $crate::operation::Service::$service,
            shape: || &$shape,
            decode: |body| $crate::decode::decode::<$name>(body).map(drop),
            fits_type: |value| serde_json::from_value::<$input>(value).is_ok(),
        },)+];

        $(
            #[doc = concat!("The operation `", stringify!($name), "`.")]
            #[derive(Clone, Copy, Debug, Default)]
            pub struct $name;

            impl $crate::operation::OperationModel for $name {
                const SERVICE: $crate::operation::Service = $crate::operation::Service::$service;
                const NAME: &'static str = stringify!($name);
                const AUTH: $crate::operation::Auth = $crate::operation::Auth::$auth;
                const REPLY: $crate::operation::Reply = $crate::operation::Reply::$reply;
                type Input = $input;
                type Output = $output;

                fn shape() -> &'static $crate::shape::Structure {
                    &$shape
                }
            }
        )+
    };
}

pub(crate) use operations;

#[cfg(test)]
mod tests {
    use super::*;

    fn count(service: Service, auth: Auth) -> usize {
        service.operations().iter().filter(|operation| operation.auth == auth).count()
    }

    #[test]
    fn as_many_as_the_models_have() {
        assert_eq!(Service::ALL.map(|service| service.operations().len()), [141, 23, 59]);
        let by_auth =
            |service| [Auth::None, Auth::AccessToken, Auth::SigV4, Auth::SigV4OrClient].map(|a| count(service, a));
        assert_eq!(by_auth(Service::Idp), [12, 22, 105, 2]);
        assert_eq!(by_auth(Service::Identity), [4, 0, 19, 0]);
        assert_eq!(by_auth(Service::Waf), [0, 0, 59, 0]);
    }

    #[test]
    fn every_target_is_found() {
        for service in Service::ALL {
            for operation in service.operations() {
                let target = format!("{}.{}", service.target_prefix(), operation.name);
                let found = OperationInfo::by_target(&target).unwrap();
                assert_eq!((found.name, found.service), (operation.name, service));
                let invalid = [Exception::InvalidParameter, Exception::WAFInvalidParameter];
                assert!(invalid.iter().any(|exception| found.errors.contains(exception)), "{target}");
            }
        }
        for target in [
            "",
            ".",
            "SignUp",
            "AWSCognitoIdentityProviderService.",
            "AWSCognitoIdentityProviderService.signup",
            "AWSCognitoIdentityService.SignUp",
            "AWSCognitoIdentityProviderService.SignUp.x",
        ] {
            assert!(OperationInfo::by_target(target).is_none(), "{target}");
        }
    }

    #[test]
    fn descriptors() {
        assert_eq!((idp::op::SignUp::NAME, idp::op::SignUp::AUTH), ("SignUp", Auth::None));
        assert_eq!(idp::op::GetUser::AUTH, Auth::AccessToken);
        assert_eq!(idp::op::AssociateSoftwareToken::AUTH, Auth::None);
        assert_eq!(idp::op::AdminCreateUser::AUTH, Auth::SigV4);
        assert_eq!(idp::op::GetClientToken::AUTH, Auth::SigV4OrClient);
        assert_eq!((idp::op::DeleteUser::REPLY, idp::op::ConfirmSignUp::REPLY), (Reply::Empty, Reply::Json));
        assert_eq!(identity::op::GetId::AUTH, Auth::None);
    }
}

//! Cognito's request categories, and which operation counts in which.

/// Declares the categories: variant, name in the settings, requests a second.
macro_rules! categories {
    ($($(#[$doc:meta])* $category:ident $setting:literal $rate:literal,)*) => {
        /// A group of operations that share a rate (Cognito developer guide, "Amazon Cognito user pools API operation categories and
        /// request rate quotas").
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Category {
            $($(#[$doc])* $category,)*
        }

        impl Category {
            pub const ALL: &[Self] = &[$(Self::$category,)*];

            /// Cognito's name, which the answers' headers have too.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$category => stringify!($category),)* }
            }

            /// The key in `[quotas]`.
            pub const fn setting(self) -> &'static str {
                match self { $(Self::$category => $setting,)* }
            }

            /// Cognito's default, in requests a second.
            pub const fn default_rate(self) -> u32 {
                match self { $(Self::$category => $rate,)* }
            }
        }
    };
}

categories! {
    UserAuthentication "user_authentication" 120,
    UserCreation "user_creation" 50,
    /// Sign-ins by way of identity providers: no operation of `POST /` belongs to it.
    UserFederation "user_federation" 25,
    UserAccountRecovery "user_account_recovery" 30,
    UserRead "user_read" 120,
    UserUpdate "user_update" 25,
    UserToken "user_token" 120,
    UserResourceRead "user_resource_read" 50,
    UserResourceUpdate "user_resource_update" 25,
    UserList "user_list" 30,
    UserPoolRead "user_pool_read" 15,
    UserPoolUpdate "user_pool_update" 15,
    UserPoolResourceRead "user_pool_resource_read" 20,
    UserPoolResourceUpdate "user_pool_resource_update" 15,
    UserPoolClientRead "user_pool_client_read" 15,
    UserPoolClientUpdate "user_pool_client_update" 15,
    ClientAuthentication "client_authentication" 150,
}

/// What an operation takes from: its category's rate, or, for answers to challenges, a bucket beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Share {
    Of(Category),
    /// Three times `UserAuthentication`: one sign-in may take several challenges.
    ChallengeAnswers,
}

impl Share {
    /// The category whose setting gives the rate.
    pub const fn category(self) -> Category {
        match self {
            Self::Of(category) => category,
            Self::ChallengeAnswers => Category::UserAuthentication,
        }
    }

    /// How many of it a second, where the category has `rate`.
    pub const fn rate(self, rate: u32) -> u32 {
        match self {
            Self::Of(_) => rate,
            Self::ChallengeAnswers => rate.saturating_mul(3),
        }
    }

    /// The policy's name in headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Of(category) => category.name(),
            Self::ChallengeAnswers => "RespondToAuthChallenge",
        }
    }
}

/// The operations of `cognito-idp`, each once. Those that came after Cognito's table was read go by what they do.
pub const OPERATIONS: &[(Share, &[&str])] = &[
    (Share::Of(Category::UserAuthentication), &["AdminInitiateAuth", "InitiateAuth"]),
    (Share::ChallengeAnswers, &["AdminRespondToAuthChallenge", "RespondToAuthChallenge"]),
    (Share::Of(Category::UserCreation), &["AdminConfirmSignUp", "AdminCreateUser", "ConfirmSignUp", "SignUp"]),
    (
        Share::Of(Category::UserAccountRecovery),
        &[
            "AdminResetUserPassword",
            "AdminSetUserPassword",
            "ChangePassword",
            "ConfirmForgotPassword",
            "ForgotPassword",
        ],
    ),
    (Share::Of(Category::UserRead), &["AdminGetUser", "AdminGetUserAuthFactors", "GetUser", "GetUserAuthFactors"]),
    (
        Share::Of(Category::UserUpdate),
        &[
            "AdminAddUserToGroup",
            "AdminDeleteUser",
            "AdminDeleteUserAttributes",
            "AdminDisableProviderForUser",
            "AdminDisableUser",
            "AdminEnableUser",
            "AdminLinkProviderForUser",
            "AdminRemoveUserFromGroup",
            "AdminUpdateUserAttributes",
            "DeleteUser",
            "DeleteUserAttributes",
            "UpdateUserAttributes",
            "VerifyUserAttribute",
        ],
    ),
    (
        Share::Of(Category::UserToken),
        &[
            "AdminRevokeUserSession",
            "AdminUserGlobalSignOut",
            "GetDerivedToken",
            "GetTokensFromRefreshToken",
            "GlobalSignOut",
            "RevokeToken",
            "RevokeUserSession",
        ],
    ),
    (Share::Of(Category::ClientAuthentication), &["GetClientToken"]),
    (
        Share::Of(Category::UserResourceRead),
        &[
            "AdminGetDevice",
            "AdminListDevices",
            "AdminListGroupsForUser",
            "AdminListUserAuthEvents",
            "AdminListUserSessions",
            "GetDevice",
            "GetUserAttributeVerificationCode",
            "ListDevices",
            "ListUserSessions",
            "ListWebAuthnCredentials",
            "ResendConfirmationCode",
        ],
    ),
    (
        Share::Of(Category::UserResourceUpdate),
        &[
            "AdminDeleteSoftwareToken",
            "AdminForgetDevice",
            "AdminSetUserMFAPreference",
            "AdminSetUserSettings",
            "AdminUpdateAuthEventFeedback",
            "AdminUpdateDeviceStatus",
            "AssociateSoftwareToken",
            "CompleteWebAuthnRegistration",
            "ConfirmDevice",
            "DeleteWebAuthnCredential",
            "ForgetDevice",
            "SetUserMFAPreference",
            "SetUserSettings",
            "StartWebAuthnRegistration",
            "UpdateAuthEventFeedback",
            "UpdateDeviceStatus",
            "VerifySoftwareToken",
        ],
    ),
    (Share::Of(Category::UserList), &["ListUsers", "ListUsersInGroup"]),
    (
        Share::Of(Category::UserPoolRead),
        &["DescribeUserPool", "GetProvisionedLimit", "ListUserPoolReplicas", "ListUserPools"],
    ),
    (
        Share::Of(Category::UserPoolUpdate),
        &[
            "CreateUserPool",
            "CreateUserPoolReplica",
            "DeleteUserPool",
            "DeleteUserPoolReplica",
            "UpdateProvisionedLimit",
            "UpdateUserPool",
            "UpdateUserPoolReplica",
        ],
    ),
    (
        Share::Of(Category::UserPoolResourceRead),
        &[
            "DescribeIdentityProvider",
            "DescribeManagedLoginBranding",
            "DescribeManagedLoginBrandingByClient",
            "DescribeResourceServer",
            "DescribeRiskConfiguration",
            "DescribeTerms",
            "DescribeTermsByClient",
            "DescribeUserImportJob",
            "DescribeUserPoolDomain",
            "GetCSVHeader",
            "GetGroup",
            "GetIdentityProviderByIdentifier",
            "GetLogDeliveryConfiguration",
            "GetSigningCertificate",
            "GetUICustomization",
            "GetUserPoolMfaConfig",
            "GetUserPoolSessionConfiguration",
            "ListGroups",
            "ListIdentityProviders",
            "ListResourceServers",
            "ListTagsForResource",
            "ListTerms",
            "ListUserImportJobs",
        ],
    ),
    (
        Share::Of(Category::UserPoolResourceUpdate),
        &[
            "AddCustomAttributes",
            "CreateGroup",
            "CreateIdentityProvider",
            "CreateManagedLoginBranding",
            "CreateResourceServer",
            "CreateTerms",
            "CreateUserImportJob",
            "CreateUserPoolDomain",
            "DeleteGroup",
            "DeleteIdentityProvider",
            "DeleteManagedLoginBranding",
            "DeleteResourceServer",
            "DeleteTerms",
            "DeleteUserPoolDomain",
            "SetLogDeliveryConfiguration",
            "SetRiskConfiguration",
            "SetUICustomization",
            "SetUserPoolMfaConfig",
            "SetUserPoolSessionConfiguration",
            "StartUserImportJob",
            "StopUserImportJob",
            "TagResource",
            "UntagResource",
            "UpdateGroup",
            "UpdateIdentityProvider",
            "UpdateManagedLoginBranding",
            "UpdateResourceServer",
            "UpdateTerms",
            "UpdateUserPoolDomain",
        ],
    ),
    (
        Share::Of(Category::UserPoolClientRead),
        &[
            "DescribeUserPoolClient",
            "GetUserPoolClientSessionConfiguration",
            "ListUserPoolClientSecrets",
            "ListUserPoolClients",
        ],
    ),
    (
        Share::Of(Category::UserPoolClientUpdate),
        &[
            "AddUserPoolClientSecret",
            "CreateUserPoolClient",
            "DeleteUserPoolClient",
            "DeleteUserPoolClientSecret",
            "SetUserPoolClientSessionConfiguration",
            "UpdateUserPoolClient",
        ],
    ),
];

/// Requests to OAuth endpoints, by CloudTrail's name where it has one: each takes from what its twin in the API takes from.
pub const ENDPOINTS: &[(Share, &[&str])] = &[
    (Share::Of(Category::UserAuthentication), &["Login_POST"]),
    (Share::ChallengeAnswers, &["Consent_POST", "MfaOption_POST", "MfaSetup_POST", "Mfa_POST", "NewPassword_POST"]),
    (Share::Of(Category::UserToken), &["DeviceAuthorization_POST", "Par_POST", "Revoke_POST", "Token_POST"]),
    (Share::Of(Category::ClientAuthentication), &["Token_POST client_credentials"]),
    (
        Share::Of(Category::UserRead),
        &[
            "Authorize_GET",
            "Consent_GET",
            "Device_GET",
            "Device_POST",
            "Introspect_POST",
            "Login_GET",
            "Logout_GET",
            "MfaOption_GET",
            "MfaSetup_GET",
            "Mfa_GET",
            "NewPassword_GET",
            "UserInfo_GET",
        ],
    ),
    (Share::Of(Category::UserPoolClientRead), &["Register_GET"]),
    (Share::Of(Category::UserPoolClientUpdate), &["Register_DELETE", "Register_POST", "Register_PUT"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_model::Service;

    #[test]
    fn every_operation_of_user_pools_has_one_category() {
        let mut listed: Vec<&str> = OPERATIONS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        listed.sort_unstable();
        let known: Vec<&str> = Service::Idp.operations().iter().map(|operation| operation.name).collect();
        assert_eq!(listed, known);
        assert_eq!(known.len(), 141);
        let endpoints = ENDPOINTS.iter().flat_map(|(_, names)| names.iter());
        assert!(endpoints.into_iter().all(|name| !known.contains(name)), "an endpoint is no operation");
    }

    #[test]
    fn settings_are_the_names_in_small_letters() {
        for category in Category::ALL {
            let letters = category.setting().replace('_', "");
            assert_eq!(letters, category.name().to_ascii_lowercase());
            assert!(category.default_rate() > 0);
        }
        assert_eq!(Category::ALL.len(), 17);
    }
}

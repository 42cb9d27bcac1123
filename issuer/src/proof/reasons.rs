//! Why an exception of Cognito's model can't be raised here. Each line is a fact of the code: who changes that changes the line.

use cognito_model::{Auth, Exception, OperationInfo};

/// The reason, the exceptions, and the operations; none: all that have the exception.
type Reason = (&'static str, &'static [Exception], &'static [&'static str]);

const REASONS: &[Reason] = &[
    (
        "triggers do not exist yet",
        &[Exception::UnexpectedLambda, Exception::UserLambdaValidation, Exception::InvalidLambdaResponse],
        &[],
    ),
    (
        "text messages have no sender, so no role of one is asked",
        &[Exception::InvalidSmsRoleAccessPolicy, Exception::InvalidSmsRoleTrustRelationship],
        &[],
    ),
    (
        "mail is sent by SMTP, so no role or identity of Amazon SES is asked",
        &[Exception::InvalidEmailRoleAccessPolicy],
        &[],
    ),
    (
        "messages are queued with the change and sent later: what becomes of them is in their status",
        &[Exception::CodeDeliveryFailure],
        &[],
    ),
    ("no pool is a secondary replica: every operation is enabled", &[Exception::OperationNotEnabled], &[]),
    (
        "every feature is there in every tier",
        &[Exception::FeatureUnavailableInTier, Exception::TierChangeNotAllowed],
        &[],
    ),
    ("threat protection does not exist yet", &[Exception::UserPoolAddOnNotEnabled], &[]),
    (
        "tokens end with their app client and their user pool: such a token is NotAuthorizedException",
        &[Exception::ResourceNotFound],
        BY_TOKEN,
    ),
    (
        "a reset ends all tokens, and who must reset the password gets none: such a token is NotAuthorizedException",
        &[Exception::PasswordResetRequired],
        BY_TOKEN,
    ),
    (
        "only who is confirmed gets tokens, and nothing takes a confirmation back",
        &[Exception::UserNotConfirmed],
        BY_TOKEN,
    ),
    (
        "devices that are there are shown, changed and forgotten whatever the pool's DeviceConfiguration is now",
        &[Exception::InvalidUserPoolConfiguration],
        &[
            "AdminForgetDevice",
            "AdminGetDevice",
            "AdminListDevices",
            "AdminUpdateDeviceStatus",
            "ForgetDevice",
            "GetDevice",
            "ListDevices",
            "UpdateDeviceStatus",
        ],
    ),
    (
        "settings of a pool are checked when they are set: none that is stored keeps a sign-in from going on",
        &[Exception::InvalidUserPoolConfiguration],
        &[
            "AdminInitiateAuth",
            "AdminRespondToAuthChallenge",
            "InitiateAuth",
            "RespondToAuthChallenge",
            "VerifySoftwareToken",
        ],
    ),
    (
        "an import job holds up no change of the pool",
        &[Exception::UserImportInProgress],
        &["AddCustomAttributes", "DeleteUserPool", "UpdateUserPool"],
    ),
    (
        "it asks for no state that could be missing",
        &[Exception::PreconditionNotMet],
        &["AdminCreateUser", "CreateUserImportJob"],
    ),
    (
        "a flow that the app client does not have is InvalidParameterException, as with Cognito",
        &[Exception::UnsupportedOperation],
        &["AdminInitiateAuth", "InitiateAuth"],
    ),
    (
        "who lacks a factor that is asked for gets the challenge MFA_SETUP",
        &[Exception::MFAMethodNotFound],
        &["AdminInitiateAuth", "AdminRespondToAuthChallenge", "RespondToAuthChallenge"],
    ),
    (
        "too many tries are LimitExceededException",
        &[Exception::TooManyFailedAttempts],
        &["ConfirmForgotPassword", "ConfirmSignUp"],
    ),
    (
        "an administrator needs no code, so there are no tries to count",
        &[Exception::TooManyFailedAttempts, Exception::LimitExceeded],
        &["AdminConfirmSignUp"],
    ),
    ("what administrators ask for is not counted by user", &[Exception::LimitExceeded], &["AdminResetUserPassword"]),
    (
        "there may be any number of them: AWS's quotas of resources do not exist here",
        &[Exception::LimitExceeded],
        &["CreateGroup", "CreateTerms", "CreateUserPool", "CreateUserPoolClient", "CreateUserPoolDomain"],
    ),
    (
        "nothing that has a limit is added",
        &[Exception::LimitExceeded],
        &[
            "DeleteUserPoolClientSecret",
            "DeleteWebAuthnCredential",
            "ListUserPoolClientSecrets",
            "ListWebAuthnCredentials",
            "StartWebAuthnRegistration",
        ],
    ),
    (
        "it goes by no earlier state: a creation finds its name taken or free, and a deletion what there is or nothing",
        &[Exception::ConcurrentModification],
        &[
            "CreateManagedLoginBranding",
            "CreateTerms",
            "CreateUserPoolDomain",
            "DeleteIdentityProvider",
            "DeleteManagedLoginBranding",
            "DeleteTerms",
            "DeleteUserPoolClient",
            "DeleteUserPoolDomain",
        ],
    ),
    (
        "each call gives a seed, and the last one counts",
        &[Exception::ConcurrentModification],
        &["AssociateSoftwareToken"],
    ),
    ("it reads tags and sets none", &[Exception::UserPoolTagging], &["DescribeUserPool"]),
    (
        "what goes wrong inside is InternalErrorException, as in all other operations",
        &[Exception::InternalServer],
        &["AddUserPoolClientSecret", "DeleteUserPoolClientSecret", "ListUserPoolClientSecrets"],
    ),
    (
        "a domain that is not there is an empty description, as with Cognito",
        &[Exception::ResourceNotFound],
        &["DescribeUserPoolDomain"],
    ),
    (
        "what is no category of requests is InvalidParameterException",
        &[Exception::ResourceNotFound],
        &["GetProvisionedLimit", "UpdateProvisionedLimit"],
    ),
    ("it takes no code", &[Exception::CodeMismatch, Exception::ExpiredCode], &["UpdateUserAttributes"]),
    (
        "a wrong code is EnableSoftwareTokenMFAException, as with Cognito",
        &[Exception::CodeMismatch],
        &["VerifySoftwareToken"],
    ),
    (
        "it takes no user name and no password",
        &[Exception::UsernameExists, Exception::InvalidPassword],
        &["ConfirmDevice"],
    ),
    (
        "a sign-in ends with its user, and with any change of what it has proven: its session is NotAuthorizedException",
        &[Exception::UserNotFound, Exception::SoftwareTokenMFANotFound],
        &["AdminRespondToAuthChallenge", "RespondToAuthChallenge"],
    ),
    (
        "refresh tokens end with their user: NotAuthorizedException",
        &[Exception::UserNotFound],
        &["GetTokensFromRefreshToken"],
    ),
    (
        "without the token of a notification nothing is told, not even who there is: NotAuthorizedException",
        &[Exception::UserNotFound],
        &["UpdateAuthEventFeedback"],
    ),
    (
        "a verified address is enough, also of a user who is not confirmed: the new password confirms",
        &[Exception::UserNotConfirmed],
        &["ConfirmForgotPassword"],
    ),
    (
        "administrators set second factors of users in every state",
        &[Exception::UserNotConfirmed, Exception::PasswordResetRequired],
        &["AdminDeleteSoftwareToken", "AdminSetUserMFAPreference"],
    ),
    ("sign-ups are counted by [quotas]: TooManyRequestsException", &[Exception::LimitExceeded], &["SignUp"]),
    ("a link that goes takes no alias", &[Exception::AliasExists], &["AdminDisableProviderForUser"]),
];

/// Operations by access token, and those that take one.
const BY_TOKEN: &[&str] = &["*"];

/// The reason of an operation and an exception that nothing raises.
pub(super) fn of(operation: &OperationInfo, error: Exception, is_there: bool) -> String {
    if !is_there {
        return "the operation does not exist yet".to_owned();
    }
    if operation.auth == Auth::SigV4 && error == Exception::NotAuthorized {
        return "who may not sign the request gets AWS's own AccessDeniedException, and it refuses nothing else by NotAuthorizedException"
            .to_owned();
    }
    let of_operation = |operations: &[&str]| match operations {
        [] => true,
        ["*"] => operation.shape.members.iter().any(|member| member.name == "AccessToken"),
        some => some.contains(&operation.name),
    };
    let known =
        REASONS.iter().find(|(_, exceptions, operations)| exceptions.contains(&error) && of_operation(operations));
    known.map_or("not shown yet", |(reason, ..)| reason).to_owned()
}

/// A reason for what no operation has says nothing.
#[test]
fn each_reason_is_of_an_operation() {
    for (reason, exceptions, names) in REASONS {
        let known = cognito_model::Service::Idp.operations();
        let has = |operation: &OperationInfo| exceptions.iter().any(|error| operation.errors.contains(error));
        for name in names.iter().filter(|name| **name != "*") {
            assert!(known.iter().any(|operation| operation.name == *name && has(operation)), "{reason}: {name}");
        }
    }
}

//! The calls of Amazon Cognito's API, as SDKs, Amplify and the command line send them: `POST /` with `X-Amz-Target`.

use serde_json::{Value, json};

use super::draft::{Client, Draft};
use super::prose;
use super::random::Random;

pub fn request(random: &mut Random) -> Draft {
    let pool = "us-east-1_AbCdEf123";
    let client = random.alphanumeric(26).to_lowercase();
    let (name, email, password) = (prose::full_name(random), prose::email(random), prose::password(random));
    let (operation, input): (&str, Value) = match random.below(24) {
        0 | 1 => (
            "InitiateAuth",
            json!({
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": client,
                "AuthParameters": { "USERNAME": email, "PASSWORD": password, "SECRET_HASH": random.base64(32) },
            }),
        ),
        2 | 3 => (
            "InitiateAuth",
            json!({
                "AuthFlow": "USER_SRP_AUTH",
                "ClientId": client,
                "AuthParameters": { "USERNAME": email, "SRP_A": random.hex(768) },
                "UserContextData": { "EncodedData": random.base64(300) },
            }),
        ),
        4 | 5 => (
            "RespondToAuthChallenge",
            json!({
                "ChallengeName": "PASSWORD_VERIFIER",
                "ClientId": client,
                "Session": random.base64(600),
                "ChallengeResponses": {
                    "USERNAME": random.uuid(),
                    "PASSWORD_CLAIM_SECRET_BLOCK": random.base64(1000),
                    "PASSWORD_CLAIM_SIGNATURE": random.base64(32),
                    "TIMESTAMP": "Tue Mar 3 10:15:30 UTC 2026",
                },
            }),
        ),
        6 => (
            "RespondToAuthChallenge",
            json!({
                "ChallengeName": "SOFTWARE_TOKEN_MFA",
                "ClientId": client,
                "Session": random.base64(600),
                "ChallengeResponses": { "USERNAME": email, "SOFTWARE_TOKEN_MFA_CODE": random.digits(6) },
            }),
        ),
        7 | 8 => (
            "SignUp",
            json!({
                "ClientId": client,
                "Username": email,
                "Password": password,
                "UserAttributes": [
                    { "Name": "email", "Value": email },
                    { "Name": "name", "Value": name },
                    { "Name": "address", "Value": "12 O'Connell St; Cork" },
                    { "Name": "custom:note", "Value": prose::sentence(random) },
                ],
                "ClientMetadata": { "from": "web & app" },
            }),
        ),
        9 => ("ConfirmSignUp", json!({ "ClientId": client, "Username": email, "ConfirmationCode": random.digits(6) })),
        10 => ("ForgotPassword", json!({ "ClientId": client, "Username": email })),
        11 => (
            "ConfirmForgotPassword",
            json!({
                "ClientId": client,
                "Username": email,
                "ConfirmationCode": random.digits(6),
                "Password": password,
            }),
        ),
        12 => ("GetUser", json!({ "AccessToken": super::tokens::jwt(random) })),
        13 => (
            "UpdateUserAttributes",
            json!({
                "AccessToken": super::tokens::jwt(random),
                "UserAttributes": [
                    { "Name": "family_name", "Value": name },
                    { "Name": "picture", "Value": "https://cdn.example.com/u/1.png?size=64&v=2" },
                    { "Name": "zoneinfo", "Value": "Europe/Berlin" },
                ],
            }),
        ),
        14 => (
            "AdminCreateUser",
            json!({
                "UserPoolId": pool,
                "Username": email,
                "TemporaryPassword": password,
                "MessageAction": "SUPPRESS",
                "UserAttributes": [{ "Name": "email_verified", "Value": "true" }],
            }),
        ),
        15 => (
            "ListUsers",
            json!({
                "UserPoolId": pool,
                "Filter": random.pick(
                    &["status = \"Enabled\"", "email ^= \"anna\"", "name = \"D'Angelo\"", "username = \"o'brien\""]
                ),
                "Limit": 60,
                "PaginationToken": random.base64(200),
            }),
        ),
        16 => (
            "CreateUserPool",
            json!({
                "PoolName": "shop's users",
                "Policies": { "PasswordPolicy": { "MinimumLength": 8, "RequireSymbols": true } },
                "AutoVerifiedAttributes": ["email"],
                "EmailVerificationMessage": "Your code is <b>{####}</b>, it's valid for 24 h.",
                "EmailVerificationSubject": "Welcome & hello",
                "Schema": [{
                    "Name": "note",
                    "AttributeDataType": "String",
                    "StringAttributeConstraints": { "MinLength": "0", "MaxLength": "2048" },
                }],
                "LambdaConfig": { "PreSignUp": "arn:aws:lambda:us-east-1:123456789012:function:pre-sign-up" },
            }),
        ),
        17 => (
            "CreateUserPoolClient",
            json!({
                "UserPoolId": pool,
                "ClientName": "web",
                "CallbackURLs": ["https://app.example.com/callback", "http://localhost:3000/", "myapp://callback/"],
                "AllowedOAuthScopes": ["openid", "orders/read"],
                "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
                "TokenValidityUnits": { "AccessToken": "minutes" },
            }),
        ),
        18 => (
            "AdminSetUserPassword",
            json!({ "UserPoolId": pool, "Username": email, "Password": password, "Permanent": true }),
        ),
        19 => (
            "ChangePassword",
            json!({
                "AccessToken": super::tokens::jwt(random),
                "PreviousPassword": password,
                "ProposedPassword": prose::password(random),
            }),
        ),
        20 => (
            "CreateGroup",
            json!({
                "UserPoolId": pool,
                "GroupName": random.pick(&["r&d", "staff", "admins/eu", "sales+support"]),
                "Description": prose::sentence(random),
                "RoleArn": "arn:aws:iam::123456789012:role/staff",
            }),
        ),
        21 => (
            "CreateIdentityProvider",
            json!({
                "UserPoolId": pool,
                "ProviderName": "Corp",
                "ProviderType": "SAML",
                "ProviderDetails": { "MetadataURL": "https://idp.example.org/metadata.xml?x=1" },
                "AttributeMapping": { "email": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress" },
            }),
        ),
        22 => return identity(random),
        _ => ("GlobalSignOut", json!({ "AccessToken": super::tokens::jwt(random) })),
    };
    call(&format!("AWSCognitoIdentityProviderService.{operation}"), "cognito-idp.us-east-1.amazonaws.com", &input)
}

fn identity(random: &mut Random) -> Draft {
    let id = format!("us-east-1:{}", random.uuid());
    let input = json!({
        "IdentityId": id,
        "Logins": { "cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123": super::tokens::jwt(random) },
    });
    call("AWSCognitoIdentityService.GetCredentialsForIdentity", "cognito-identity.us-east-1.amazonaws.com", &input)
}

fn call(target: &str, host: &'static str, input: &Value) -> Draft {
    Draft::post("/")
        .by(Client::Sdk)
        .host(host)
        .field("X-Amz-Target", target)
        .text("application/x-amz-json-1.1", input.to_string())
}

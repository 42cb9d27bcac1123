//! The limits of the model that matter most, written down once more by hand: a model that changes them changes this table.

use crate::generated::identity::tables::values as identity;
use crate::generated::idp::tables::values as idp;
use crate::shape::{Bounds, Kind, Privacy, Shape, TextRule};

const PRINTABLE: &str = r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+";
const SCOPE: &str = r"[\x21\x23-\x5B\x5D-\x7E]+";

fn bounds(shape: &Shape) -> Bounds {
    match &shape.kind {
        Kind::Text { length, .. } | Kind::List { length, .. } | Kind::Map { length, .. } => *length,
        Kind::Integer(bounds) | Kind::Long(bounds) | Kind::Blob(bounds) => *bounds,
        Kind::Boolean | Kind::Timestamp | Kind::Document | Kind::Structure(_) => Bounds::NONE,
    }
}

fn pattern(shape: &Shape) -> Option<&'static str> {
    match &shape.kind {
        Kind::Text { rule: TextRule::Pattern(pattern), .. } => Some(pattern.text()),
        _ => None,
    }
}

#[test]
fn texts() {
    let (between, at_most) = (Bounds::between, Bounds::at_most);
    let table = [
        (&idp::USER_POOL_ID_TYPE, between(1, 55), Some(r"[\w-]+_[0-9a-zA-Z]+")),
        (&idp::CLIENT_ID_TYPE, between(1, 128), Some(r"[\w+]+")),
        (&idp::CLIENT_SECRET_TYPE, between(24, 64), Some(r"[\w+]+")),
        (&idp::USERNAME_TYPE, between(1, 128), Some(PRINTABLE)),
        (&idp::PASSWORD_TYPE, at_most(256), Some(r"[\S]+")),
        (&idp::ATTRIBUTE_NAME_TYPE, between(1, 32), Some(r"[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r ]+")),
        (&idp::ATTRIBUTE_VALUE_TYPE, at_most(2048), None),
        (&idp::CUSTOM_ATTRIBUTE_NAME_TYPE, between(1, 20), Some(PRINTABLE)),
        (&idp::CONFIRMATION_CODE_TYPE, between(1, 2048), Some(r"[\S]+")),
        (&idp::SESSION_TYPE, between(20, 4096), None),
        (&idp::SOFTWARE_TOKEN_MFA_USER_CODE_TYPE, between(6, 6), Some("[0-9]+")),
        (&idp::TOKEN_MODEL_TYPE, Bounds::NONE, Some(r"[A-Za-z0-9-_=.]+")),
        (&idp::GET_DERIVED_TOKEN_TOKEN_MODEL_TYPE, between(0, 131_072), Some(r"[A-Za-z0-9-_+/=.]+")),
        (&idp::SECRET_HASH_TYPE, between(1, 128), Some(r"[\w+=/]+")),
        (&idp::DEVICE_KEY_TYPE, between(1, 55), Some(r"[\w-]+_[0-9a-f-]+")),
        (&idp::GROUP_NAME_TYPE, between(1, 128), Some(PRINTABLE)),
        (&idp::SCOPE_TYPE, between(1, 256), Some(SCOPE)),
        (&idp::RESOURCE_SERVER_IDENTIFIER_TYPE, between(1, 256), Some(SCOPE)),
        (&idp::RESOURCE_SERVER_SCOPE_NAME_TYPE, between(1, 256), Some(r"[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]+")),
        (&idp::REDIRECT_URL_TYPE, between(1, 1024), Some(PRINTABLE)),
        // Corrected: custom domains have dots.
        (&idp::DOMAIN_TYPE, between(1, 63), Some(r"^[a-z0-9](?:[a-z0-9\-\.]{0,61}[a-z0-9])?$")),
        (&idp::PROVIDER_NAME_TYPE_V2, between(1, 32), Some(r"[^_\p{Z}][\p{L}\p{M}\p{S}\p{N}\p{P}][^_\p{Z}]+")),
        (&idp::CSS_TYPE, between(0, 131_072), None),
        (&idp::USER_FILTER_TYPE, at_most(256), None),
        (&idp::SMS_VERIFICATION_MESSAGE_TYPE, between(6, 140), Some(r".*\{####\}.*")),
        (&identity::IDENTITY_POOL_ID, between(1, 55), Some(r"[\w-]+:[0-9a-f-]+")),
        (&identity::IDENTITY_ID, between(1, 55), Some(r"[\w-]+:[0-9a-f-]+")),
        (&identity::IDENTITY_PROVIDER_TOKEN, between(1, 50_000), None),
    ];
    for (at, (shape, expected, rule)) in table.into_iter().enumerate() {
        assert_eq!((bounds(shape), pattern(shape)), (expected, rule), "row {at}");
    }
}

#[test]
fn numbers_and_sizes() {
    let (between, at_most) = (Bounds::between, Bounds::at_most);
    let table = [
        (&idp::PRECEDENCE_TYPE, Bounds::at_least(0)),
        (&idp::QUERY_LIMIT_TYPE, between(0, 60)),
        (&idp::POOL_QUERY_LIMIT_TYPE, between(1, 60)),
        (&idp::LIST_RESOURCE_SERVERS_LIMIT_TYPE, between(1, 50)),
        (&idp::WEBAUTHN_CREDENTIALS_QUERY_LIMIT_TYPE, between(0, 20)),
        (&idp::ACCESS_TOKEN_VALIDITY_TYPE, between(1, 86_400)),
        (&idp::ID_TOKEN_VALIDITY_TYPE, between(1, 86_400)),
        (&idp::REFRESH_TOKEN_VALIDITY_TYPE, between(0, 315_360_000)),
        (&idp::AUTH_SESSION_VALIDITY_TYPE, between(3, 15)),
        (&idp::RETRY_GRACE_PERIOD_SECONDS_TYPE, between(0, 60)),
        (&idp::PASSWORD_POLICY_MIN_LENGTH_TYPE, between(6, 99)),
        (&idp::PASSWORD_HISTORY_SIZE_TYPE, between(0, 24)),
        (&idp::TEMPORARY_PASSWORD_VALIDITY_DAYS_TYPE, between(0, 365)),
        (&idp::MAX_SESSIONS_PER_USER_TYPE, between(1, 100)),
        (&idp::SSO_SESSION_MAX_VALIDITY_MINUTES_TYPE, between(0, 129_600)),
        (&idp::CUSTOM_ATTRIBUTES_LIST_TYPE, between(1, 25)),
        (&idp::SCHEMA_ATTRIBUTES_LIST_TYPE, between(1, 50)),
        (&idp::SCOPE_LIST_TYPE, at_most(50)),
        (&idp::RESOURCE_SERVER_SCOPE_LIST_TYPE, at_most(100)),
        (&idp::CALLBACK_URLS_LIST_TYPE, between(0, 100)),
        (&idp::LOGOUT_URLS_LIST_TYPE, between(0, 100)),
        (&idp::IDP_IDENTIFIERS_LIST_TYPE, between(0, 50)),
        (&idp::ALLOWED_FIRST_AUTH_FACTORS_LIST_TYPE, between(1, 5)),
        (&idp::ASSET_LIST_TYPE, between(0, 40)),
        (&idp::ASSET_BYTES_TYPE, at_most(1_000_000)),
        (&idp::IMAGE_FILE_TYPE, between(0, 131_072)),
        (&idp::LINKS_TYPE, between(1, 13)),
        (&identity::LOGINS_MAP, at_most(10)),
        (&identity::MAPPING_RULES_LIST, between(1, 400)),
    ];
    for (at, (shape, expected)) in table.into_iter().enumerate() {
        assert_eq!(bounds(shape), expected, "row {at}");
    }
}

#[test]
fn what_error_texts_must_not_repeat() {
    let hidden = [
        &idp::PASSWORD_TYPE,
        &idp::SECRET_HASH_TYPE,
        &idp::SESSION_TYPE,
        &idp::TOKEN_MODEL_TYPE,
        &idp::AUTH_PARAMETERS_TYPE,
        &idp::CHALLENGE_RESPONSES_TYPE,
        &idp::USERNAME_TYPE,
        &idp::ATTRIBUTE_VALUE_TYPE,
        &identity::IDENTITY_PROVIDER_TOKEN,
    ];
    assert!(hidden.iter().all(|shape| shape.privacy == Privacy::Hidden));
    assert_eq!(idp::USER_POOL_ID_TYPE.privacy, Privacy::Shown);
}

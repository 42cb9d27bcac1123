//! A registration: the options that a browser gets, and the check of what it answers (Web Authentication §5.4, §7.1; pure).

use common::clock::UnixMillis;
use common::jose::{base64url_decode, base64url_encode};
use common::secret::constant_time_eq;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attestation::Attested;
use super::client_data::ClientData;
use super::cose::ALGORITHMS;
use super::error::PasskeyError;
use super::model::{Passkey, friendly_name};
use super::relying_party;
use crate::codes;
use crate::users::User;

/// Texts of an answer that are shown again: characters, and how many there are.
const LONGEST_TRANSPORT: usize = 32;
const MOST_TRANSPORTS: usize = 10;

/// PublicKeyCredentialCreationOptionsJSON. `known`: the user's passkeys, so that no authenticator makes a second one.
pub fn options(user: &User, relying_party: &str, challenge: &str, verification: bool, known: &[String]) -> Value {
    let parameters: Vec<Value> =
        ALGORITHMS.iter().map(|algorithm| json!({ "type": "public-key", "alg": algorithm })).collect();
    let excluded: Vec<Value> = known.iter().map(|id| json!({ "type": "public-key", "id": id })).collect();
    json!({
        "rp": { "id": relying_party, "name": relying_party },
        "user": {
            "id": base64url_encode(user.sub.as_str().as_bytes()),
            "name": user.username,
            "displayName": user.username,
        },
        "challenge": challenge,
        "pubKeyCredParams": parameters,
        "timeout": 60_000,
        "excludeCredentials": excluded,
        "authenticatorSelection": {
            "requireResidentKey": true,
            "residentKey": "required",
            "userVerification": if verification { "required" } else { "preferred" },
        },
    })
}

/// RegistrationResponseJSON, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: String,
    raw_id: String,
    #[serde(rename = "type")]
    kind: String,
    response: Response,
    #[serde(default)]
    authenticator_attachment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    attestation_object: String,
    #[serde(default)]
    transports: Option<Vec<String>>,
}

/// What an answer is held to.
pub struct Expected<'a> {
    pub user: &'a User,
    pub relying_party: &'a str,
    /// Digest of the challenge that was given out.
    pub challenge: [u8; 32],
    pub verification: bool,
}

/// The passkey that an answer registers, in the order of §7.1.
pub fn verify(credential: Value, expected: &Expected<'_>, now: UnixMillis) -> Result<Passkey, PasskeyError> {
    let malformed = PasskeyError::Malformed("Credential is no answer to a registration.");
    let answer: Answer = serde_json::from_value(credential).map_err(|_| malformed.clone())?;
    let decoded = |text: &str| base64url_decode(text.trim_end_matches('=')).map_err(|_| malformed.clone());
    if answer.kind != "public-key" || answer.id.trim_end_matches('=') != answer.raw_id.trim_end_matches('=') {
        return Err(malformed);
    }
    let client = ClientData::of_creation(&decoded(&answer.response.client_data_json)?)?;
    if !constant_time_eq(&codes::token_digest(&client.challenge), &expected.challenge) {
        return Err(PasskeyError::NoChallenge);
    }
    if client.cross_origin || !relying_party::allows(expected.relying_party, &client.origin) {
        return Err(PasskeyError::Origin(client.origin));
    }
    let attested = Attested::read(&decoded(&answer.response.attestation_object)?)?;
    if attested.rp_id_hash.as_slice() != digest(&SHA256, expected.relying_party.as_bytes()).as_ref() {
        return Err(PasskeyError::RelyingParty);
    }
    if !attested.user_present() {
        return Err(PasskeyError::NotSupported("The authenticator did not see its user."));
    }
    if expected.verification && !attested.user_verified() {
        return Err(PasskeyError::NotSupported("The authenticator did not verify its user."));
    }
    let id = base64url_encode(&attested.id);
    if id != answer.raw_id.trim_end_matches('=') {
        return Err(malformed);
    }
    let attachment = answer.authenticator_attachment.filter(|kind| kind == "platform" || kind == "cross-platform");
    Ok(Passkey {
        pool: expected.user.pool.clone(),
        sub: expected.user.sub.clone(),
        credential: id,
        sign_count: attested.sign_count,
        flags: attested.kept_flags(),
        name: friendly_name(attested.aaguid, attachment.as_deref()),
        relying_party: expected.relying_party.to_owned(),
        transports: transports(answer.response.transports)?,
        attachment,
        created: now,
        public_key: attested.public_key,
    })
}

fn transports(given: Option<Vec<String>>) -> Result<Vec<String>, PasskeyError> {
    let given = given.unwrap_or_default();
    let is_one = |name: &String| {
        (1..=LONGEST_TRANSPORT).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    };
    if given.len() <= MOST_TRANSPORTS && given.iter().all(is_one) {
        Ok(given)
    } else {
        Err(PasskeyError::Malformed("Credential: transports can't be read."))
    }
}

#[cfg(test)]
mod tests {
    use super::super::virtual_authenticator::Authenticator;
    use super::*;

    const NOW: UnixMillis = UnixMillis(5);

    fn verified(answer: Value, verification: bool) -> Result<Passkey, PasskeyError> {
        let challenge = codes::token_digest("Y2hhbGxlbmdl");
        let user = User::sample();
        let relying_party = "example.com";
        verify(answer, &Expected { user: &user, relying_party, challenge, verification }, NOW)
    }

    fn answer(of: &Authenticator) -> Value {
        of.register("example.com", "https://app.example.com", "Y2hhbGxlbmdl")
    }

    #[test]
    fn a_registration_passes() {
        let authenticator = Authenticator::default();
        let passkey = verified(answer(&authenticator), true).unwrap();
        assert_eq!(passkey.credential, base64url_encode(&authenticator.id));
        assert_eq!((passkey.name.as_str(), passkey.created), ("Passkey", NOW));
        assert_eq!(passkey.transports, ["internal", "hybrid"]);
        assert_eq!(passkey.attachment.as_deref(), Some("platform"));
    }

    #[test]
    fn what_is_wrong_with_a_registration_is_said() {
        let good = Authenticator::default();
        let other = |rp: &str, origin: &str, challenge: &str| verified(good.register(rp, origin, challenge), false);
        let origin = "https://example.com";
        assert_eq!(other("example.com", origin, "b3RoZXI"), Err(PasskeyError::NoChallenge));
        let evil = "https://evil.org";
        assert_eq!(other("example.com", evil, "Y2hhbGxlbmdl"), Err(PasskeyError::Origin(evil.into())));
        assert_eq!(other("evil.org", origin, "Y2hhbGxlbmdl"), Err(PasskeyError::RelyingParty));
        let unverified = Authenticator { flags: 0x41, ..Authenticator::default() };
        assert!(verified(answer(&unverified), false).is_ok());
        assert!(matches!(verified(answer(&unverified), true), Err(PasskeyError::NotSupported(_))));
        let absent = Authenticator { flags: 0x44, ..Authenticator::default() };
        assert!(matches!(verified(answer(&absent), false), Err(PasskeyError::NotSupported(_))));
        let without = Authenticator { flags: 0x05, ..Authenticator::default() };
        assert!(matches!(verified(answer(&without), false), Err(PasskeyError::Malformed(_))));
    }

    #[test]
    fn what_no_browser_sends_is_malformed() {
        let good = answer(&Authenticator::default());
        for (pointer, value) in [
            ("/type", json!("password")),
            ("/id", json!("b3RoZXI")),
            ("/response", json!(null)),
            ("/response/clientDataJSON", json!("e30")),
            ("/response/clientDataJSON", json!("!")),
            ("/response/attestationObject", json!("oA")),
            ("/response/transports", json!(["<b>"])),
            ("/response/transports", json!(vec!["usb"; 11])),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert!(matches!(verified(bad, false), Err(PasskeyError::Malformed(_))), "{pointer}");
        }
        let mut both = good;
        both["id"] = json!("b3RoZXI");
        both["rawId"] = json!("b3RoZXI");
        assert!(matches!(verified(both, false), Err(PasskeyError::Malformed(_))), "another id than the data's");
        assert!(matches!(verified(json!("text"), false), Err(PasskeyError::Malformed(_))));
    }

    #[test]
    fn options_have_what_browsers_ask_for() {
        let options = options(&User::sample(), "example.com", "c", false, &["known".into()]);
        assert_eq!(options["user"]["id"], base64url_encode(User::sample().sub.as_str().as_bytes()));
        assert_eq!(options["excludeCredentials"], json!([{ "type": "public-key", "id": "known" }]));
        assert_eq!(options["authenticatorSelection"]["userVerification"], "preferred");
        let algorithms: Vec<i64> =
            options["pubKeyCredParams"].as_array().unwrap().iter().map(|p| p["alg"].as_i64().unwrap()).collect();
        assert_eq!(algorithms, [-7, -257, -8]);
    }
}

//! A device, its key, and how Cognito shows it.

use cognito_model::Timestamp;
use cognito_model::idp::types::{AttributeType, DeviceType, NewDeviceMetadataType};
use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};
use uuid::Uuid;

use super::rules::Ground;

/// `<region>_<uuid>`: 1–55 characters (Cognito: DeviceKeyType). Public: access tokens name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKey(String);

const LONGEST_KEY: usize = 55;
/// What is left of it for the region, beside `_` and a UUID.
const LONGEST_REGION: usize = LONGEST_KEY - 37;

impl DeviceKey {
    pub(super) fn new(pool: &PoolId, id: Uuid) -> Self {
        let region: String = pool.region().chars().take(LONGEST_REGION).collect();
        Self(format!("{region}_{}", id.hyphenated()))
    }

    /// `None` for what no device is called.
    pub fn parse(text: &str) -> Option<Self> {
        let (region, id) = text.rsplit_once('_')?;
        let in_region = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let in_id = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c) || c == '-';
        let good = text.len() <= LONGEST_KEY && !region.is_empty() && !id.is_empty();
        (good && region.chars().all(in_region) && id.chars().all(in_id)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A new key, and the key of its group; both go into what the device computes.
#[derive(Clone, Debug)]
pub struct Offer {
    pub key: DeviceKey,
    pub group_key: String,
}

impl Offer {
    /// `NewDeviceMetadata` of an authentication result.
    pub fn describe(&self) -> NewDeviceMetadataType {
        NewDeviceMetadataType {
            device_group_key: Some(self.group_key.clone()),
            device_key: Some(self.key.as_str().to_owned()),
        }
    }
}

/// A device that a user has confirmed.
#[derive(Clone, Debug)]
pub struct Device {
    pub pool: PoolId,
    pub sub: Sub,
    pub key: DeviceKey,
    /// As it was when the device computed its verifier.
    pub group_key: String,
    pub name: Option<String>,
    /// Enveloped. Without one the device cannot be proven, so it never stands for a factor.
    pub sealed_verifier: Option<Vec<u8>>,
    pub remembered: bool,
    /// What trust in it rests on; `None`: there is none.
    pub trust: Option<Ground>,
    /// Where the user was when they signed in with it last.
    pub last_address: String,
    pub authenticated: UnixMillis,
    pub created: UnixMillis,
    pub modified: UnixMillis,
    /// Grows with every change of the row.
    pub version: u64,
}

/// Who reads about a device.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    pub account_id: &'a str,
    pub username: &'a str,
}

impl Device {
    /// With everything that Cognito's GetDevice, AdminGetDevice and AdminListDevices show.
    pub fn describe(&self, reader: Reader<'_>) -> DeviceType {
        let owner = format!("{}.{}", reader.username, self.pool);
        let (region, account) = (self.pool.region(), reader.account_id);
        let arn = format!("arn:aws:cognito-idp:{region}:{account}:owner/{owner}/device/{}", self.key.as_str());
        let status = if self.remembered { "remembered" } else { "not_remembered" };
        let mut attributes = self.known_to_all();
        // Before `last_ip_used`, as Cognito has them.
        let last = attributes.pop();
        attributes.extend([attribute("dev:device_arn", arn), attribute("dev:device_owner", owner)]);
        attributes.extend(last);
        attributes.extend([
            attribute("dev:device_remembered_status", status.to_owned()),
            attribute("dev:device_sdk", "aws-sdk".to_owned()),
        ]);
        self.with(attributes)
    }

    /// With what Cognito's ListDevices shows.
    pub fn describe_shortly(&self) -> DeviceType {
        self.with(self.known_to_all())
    }

    fn known_to_all(&self) -> Vec<AttributeType> {
        let status = std::iter::once(attribute("device_status", "valid".to_owned()));
        let name = self.name.iter().map(|name| attribute("device_name", name.clone()));
        let address = std::iter::once(attribute("last_ip_used", self.last_address.clone()));
        status.chain(name).chain(address).collect()
    }

    fn with(&self, attributes: Vec<AttributeType>) -> DeviceType {
        DeviceType {
            device_attributes: Some(attributes),
            device_create_date: Some(Timestamp::from(self.created)),
            device_key: Some(self.key.as_str().to_owned()),
            // Cognito has whole seconds here.
            device_last_authenticated_date: Some(Timestamp::from(UnixMillis::from_seconds(
                self.authenticated.seconds(),
            ))),
            device_last_modified_date: Some(Timestamp::from(self.modified)),
        }
    }
}

fn attribute(name: &str, value: String) -> AttributeType {
    AttributeType { name: name.to_owned(), value: Some(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_cognitos_form() {
        let id = Uuid::parse_str("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f").unwrap();
        let short = DeviceKey::new(&PoolId::parse("eu-west-1_AbCdEf123").unwrap(), id);
        assert_eq!(short.as_str(), "eu-west-1_0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f");
        let long = DeviceKey::new(&PoolId::parse(format!("{}_AbCdEf123", "r".repeat(32))).unwrap(), id);
        assert_eq!(long.as_str().len(), LONGEST_KEY);
        for key in [short.as_str(), long.as_str(), "a_b_0", "us-west-2_abcd-1234"] {
            assert_eq!(DeviceKey::parse(key).unwrap().as_str(), key);
        }
        let too_long = format!("r_{}", "0".repeat(LONGEST_KEY - 1));
        for nonsense in ["", "_", "r_", "_0", "r", "r_0\0", "r_G", "r r_0", "ü_0", &too_long] {
            assert_eq!(DeviceKey::parse(nonsense), None, "{nonsense:?}");
        }
    }
}

//! For tests only: an authenticator in software, and the browser before it.

use ciborium::Value as Cbor;
use common::jose::base64url_encode;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// Bytes of the COSE_Key that it makes.
pub const EC_KEY_BYTES: usize = 77;

pub struct Authenticator {
    pub id: Vec<u8>,
    pub flags: u8,
    pub extensions: Vec<u8>,
}

impl Default for Authenticator {
    fn default() -> Self {
        Self { id: vec![9; 32], flags: 0x45, extensions: Vec::new() }
    }
}

impl Authenticator {
    pub fn with_id(id: u8) -> Self {
        Self { id: vec![id; 32], ..Self::default() }
    }

    /// What `navigator.credentials.create` answers, as JSON.
    pub fn register(&self, relying_party: &str, origin: &str, challenge: &str) -> Value {
        let client =
            json!({ "type": "webauthn.create", "challenge": challenge, "origin": origin, "crossOrigin": false });
        let id = base64url_encode(&self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url_encode(client.to_string().as_bytes()),
                "attestationObject": base64url_encode(self.attestation(relying_party)),
                "transports": ["internal", "hybrid"],
            },
        })
    }

    pub fn attestation(&self, relying_party: &str) -> Vec<u8> {
        let mut data = digest(&SHA256, relying_party.as_bytes()).as_ref().to_vec();
        data.push(self.flags);
        data.extend([0; 4]);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        let key = [
            (1, 2.into()),
            (3, (-7).into()),
            (-1, 1.into()),
            (-2, Cbor::Bytes(vec![1; 32])),
            (-3, Cbor::Bytes(vec![2; 32])),
        ];
        let key = Cbor::Map(key.into_iter().map(|(label, value)| (Cbor::from(label), value)).collect());
        data.extend(encoded(&key));
        data.extend(&self.extensions);
        let text = |text: &str| Cbor::Text(text.into());
        let object = Cbor::Map(vec![
            (text("fmt"), text("none")),
            (text("attStmt"), Cbor::Map(Vec::new())),
            (text("authData"), Cbor::Bytes(data)),
        ]);
        encoded(&object)
    }
}

fn encoded(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

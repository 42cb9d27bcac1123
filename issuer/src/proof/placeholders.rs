//! What stands in the place of placeholders ([`super::examples`]): codes of messages, and what a user's devices make.

use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId};
use common::secret::SecretString;
use serde_json::{Map, Value};

use super::examples::{calls_in, fill};
use super::stage::Scene;
use crate::events::feedback;
use crate::factors::passkeys::virtual_authenticator::Authenticator;
use crate::passwords::secret_hash;
use crate::passwords::srp::test_client::Client;
use crate::passwords::srp::{Challenge, Identity};
use crate::{pools, users};

/// Placeholders of new passkeys: for which relying party, at which origin the browser was, and what the authenticator says of its user.
const PASSKEYS: [(&str, &str, &str, u8); 4] = [
    ("passkey", "example.com", "https://app.example.com", 0x45),
    ("passkey_of_another_origin", "example.com", "https://app.example.org", 0x45),
    ("passkey_of_another_party", "example.org", "https://app.example.com", 0x45),
    ("passkey_of_nobody", "example.com", "https://app.example.com", 0x44),
];
/// Of every SRP exchange.
const SRP_SECRET: [u8; 32] = [9; 32];

impl Scene {
    /// A request with what was kept in the place of its placeholders.
    pub(super) async fn filled(&self, request: &Value) -> Value {
        let mut kept = self.kept.clone();
        for address in calls_in(request, "code") {
            let code = self.world.messages_to(&address).await.pop().map(|message| message.code);
            kept.insert(format!("code:{address}"), code.into());
        }
        for name in calls_in(request, "totp") {
            let seed = kept.get(&name).and_then(Value::as_str).unwrap_or_default();
            kept.insert(format!("totp:{name}"), totp(seed, self.world.now()).into());
        }
        for (call, party, origin, flags) in PASSKEYS {
            for name in calls_in(request, call) {
                let challenge = kept.get(&name).and_then(Value::as_str).unwrap_or_default();
                let nth = kept.get("nth").and_then(Value::as_str).and_then(|nth| nth.parse().ok()).unwrap_or_default();
                let authenticator = Authenticator { flags, ..Authenticator::with_id(nth) };
                kept.insert(format!("{call}:{name}"), authenticator.register(party, origin, challenge));
            }
        }
        // It is much to compute.
        if request.to_string().contains("${srp_a}") {
            kept.insert("srp_a".to_owned(), Client::new(SRP_SECRET).srp_a().into());
        }
        for password in calls_in(request, "srp") {
            let time = srp_time(self.world.now());
            let signature = srp_signature(&kept, &password, &time);
            kept.insert("srp_time".to_owned(), time.into());
            kept.insert(format!("srp:{password}"), signature.into());
        }
        for event in calls_in(request, "feedback") {
            let id = kept.get(&event).and_then(Value::as_str).unwrap_or_default().to_owned();
            kept.insert(format!("feedback:{event}"), self.feedback_token(&id).await.into());
        }
        for user in calls_in(request, "hash") {
            let text = |name: &str| kept.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (client, secret) = (ClientId::parse(text("server")).unwrap(), SecretString::new(text("server_secret")));
            kept.insert(format!("hash:{user}"), secret_hash(&secret, &user, &client).into());
        }
        fill(request, &kept)
    }

    /// What a mail would bring `ada`, to say by it whether an event was theirs.
    async fn feedback_token(&self, event: &str) -> String {
        let services = &self.world.services;
        let id = PoolId::parse(self.world.pool.as_str()).unwrap();
        let pool = pools::find(&services.store, &id).await.unwrap();
        let key = services.pool_keys.key(&id).await.unwrap();
        let user = users::by_name(&services.store, &pool, "ada").await.unwrap().unwrap();
        feedback::token(&key, &user, event).expose().to_owned()
    }
}

/// PASSWORD_CLAIM_SIGNATURE to a PASSWORD_VERIFIER challenge whose parameters were kept.
fn srp_signature(kept: &Map<String, Value>, password: &str, time: &str) -> String {
    let text = |name: &str| kept.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (pool, user) = (PoolId::parse(text("pool")).unwrap(), text("srp_user"));
    let challenge = Challenge { salt: text("salt"), srp_b: text("srp_b"), secret_block: text("secret_block") };
    Client::new(SRP_SECRET).sign(Identity::of_user(&pool, &user), password.as_bytes(), &challenge, time)
}

/// TIMESTAMP as SDKs write it, on the day on which worlds begin.
fn srp_time(now: UnixMillis) -> String {
    let second = now.seconds() % 86_400;
    format!("Mon Sep 21 {:02}:{:02}:{:02} UTC 2026", second / 3_600, second / 60 % 60, second % 60)
}

/// The code of an authenticator app (RFC 6238) by a seed in base32.
fn totp(seed: &str, now: UnixMillis) -> String {
    let mut bits = String::new();
    for letter in seed.bytes() {
        let at = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap_or_default();
        bits.push_str(&format!("{at:05b}"));
    }
    let bytes =
        bits.as_bytes().chunks_exact(8).map(|byte| byte.iter().fold(0_u8, |sum, bit| (sum << 1) | (bit - b'0')));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes.collect::<Vec<u8>>());
    let tag = ring::hmac::sign(&key, &(now.seconds() / 30).to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let word = u32::from_be_bytes([tag[offset], tag[offset + 1], tag[offset + 2], tag[offset + 3]]) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

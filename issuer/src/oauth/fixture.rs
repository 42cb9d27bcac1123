//! For tests only: clients with keys of their own.

use common::ids::ClientId;
use common::jose::{Alg, SigningKey, base64url_encode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use serde_json::{Value, json};

use super::suite::machine;
use crate::clients;
use crate::clients::model::Settings;
use crate::clients::oauth::AuthMethod;
use crate::store::Batch;
use crate::world::World;

/// Holds a private key.
pub(super) struct Signer(SigningKey);

impl Signer {
    /// A fresh key; RSA's is always the same, since to make one takes long.
    pub(super) fn new(alg: Alg) -> Self {
        let random = SystemRandom::new();
        let ec = |kind| EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap().as_ref().to_vec();
        let pkcs8 = match alg {
            Alg::ES256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Alg::ES384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Alg::EdDSA => Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref().to_vec(),
            _ => include_bytes!("../../../common/vectors/keys/rsa-2048-a.pk8").to_vec(),
        };
        Self::of(alg, &pkcs8)
    }

    pub(super) fn of(alg: Alg, pkcs8: &[u8]) -> Self {
        Self(SigningKey::from_pkcs8(alg, pkcs8).unwrap())
    }

    pub(super) fn alg(&self) -> Alg {
        self.0.alg()
    }

    pub(super) fn kid(&self) -> String {
        self.0.kid().to_owned()
    }

    pub(super) fn jwk(&self) -> Value {
        serde_json::from_str(&self.0.public_jwk().to_json()).unwrap()
    }

    /// What a token for this key has in `cnf.jkt`.
    pub(super) fn thumbprint(&self) -> String {
        self.0.public_jwk().thumbprint()
    }

    /// Signs header and payload as they are.
    pub(super) fn sign(&self, header: &Value, payload: &str) -> String {
        let input = format!("{}.{}", base64url_encode(header.to_string()), base64url_encode(payload));
        format!("{input}.{}", base64url_encode(self.0.sign(input.as_bytes()).unwrap()))
    }
}

pub(super) fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

pub(super) fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

/// Changes a client's settings, also those that no operation sets.
pub(crate) async fn change(world: &World, client: &str, change: impl FnOnce(&mut Settings)) {
    let id = ClientId::parse(client).unwrap();
    let row = world.services.store.one(clients::rows::by_client_id(&id)).await.unwrap().unwrap();
    let read = clients::rows::client(&row).unwrap();
    let mut new = read.clone();
    change(&mut new.settings);
    new.modified = common::clock::UnixMillis(read.modified.0 + 1);
    let mut batch = Batch::new();
    batch.add(clients::rows::update(&read, &new));
    world.services.store.commit(batch).await.unwrap();
}

/// [`machine`], which proves itself by these keys alone.
pub(super) async fn keyed(world: &World, keys: &[&Signer]) -> String {
    let (id, _) = machine(world).await;
    let jwks = json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() });
    change(world, &id, |settings| {
        settings.oauth.auth_methods = vec![AuthMethod::PrivateKeyJwt];
        settings.oauth.jwks = Some(jwks);
    })
    .await;
    id
}

//! Client certificates over both engines (RFC 8705): by the word of who ended the client's TLS.

use std::net::IpAddr;

use common::jose::{Alg, Thumbprint};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType, string::Ia5String};
use serde_json::{Value, json};

use super::fixture::{Signer, change};
use super::suite::{Answer, Endpoints, claims, machine};
use crate::aws_json::Certificate;
use crate::clients::oauth::{AuthMethod, CertificateName};
use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, text};

on_both_engines!(
    a_client_proves_itself_by_the_name_in_its_certificate,
    a_client_proves_itself_by_the_key_of_its_certificate,
    tokens_are_bound_to_the_certificate,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

fn certificate(key: &KeyPair) -> Certificate {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "NL");
    name.push(DnType::OrganizationName, "Example, Ltd");
    name.push(DnType::CommonName, "machine");
    params.distinguished_name = name;
    let text = |text: &str| Ia5String::try_from(text).unwrap();
    params.subject_alt_names = vec![
        SanType::DnsName(text("machine.example.com")),
        SanType::URI(text("spiffe://example.com/machine")),
        SanType::Rfc822Name(text("machine@example.com")),
        SanType::IpAddress(IpAddr::from([192, 0, 2, 7])),
        SanType::IpAddress("2001:db8::7".parse().unwrap()),
    ];
    let der = params.self_signed(key).unwrap().der().to_vec();
    Certificate { digest: *Thumbprint::of(&der).as_bytes(), der: Some(der.into()) }
}

async fn ask(world: &World, id: &str, certificate: Option<&Certificate>) -> Answer {
    let endpoints = Endpoints::behind(world, &world.pool, certificate.cloned());
    endpoints.post("/oauth2/token", None, &format!("grant_type=client_credentials&client_id={id}")).await
}

async fn a_client_proves_itself_by_the_name_in_its_certificate(store: Store) {
    use CertificateName::{SanDns, SanEmail, SanIp, SanUri, SubjectDn};
    let world = World::new(store).await;
    let (id, secret) = machine(&world).await;
    let shown = certificate(&key());
    let cases = [
        (SubjectDn("CN=machine,O=Example\\, Ltd,C=NL".into()), true),
        (SubjectDn("cn=machine, o=Example\\2C Ltd, 2.5.4.6=NL".into()), true),
        (SubjectDn("C=NL,O=Example\\, Ltd,CN=machine".into()), false),
        (SubjectDn("CN=machine,O=Example\\, Ltd".into()), false),
        (SubjectDn("CN=Machine,O=Example\\, Ltd,C=NL".into()), false),
        (SubjectDn("CN=machine".into()), false),
        (SubjectDn(String::new()), false),
        (SanDns("machine.example.com".into()), true),
        (SanDns("MACHINE.example.com".into()), true),
        (SanDns("other.example.com".into()), false),
        (SanDns("*.example.com".into()), false),
        (SanDns("example.com".into()), false),
        (SanUri("spiffe://example.com/machine".into()), true),
        (SanUri("machine.example.com".into()), false),
        (SanEmail("machine@example.com".into()), true),
        (SanEmail("other@example.com".into()), false),
        (SanIp("192.0.2.7".into()), true),
        (SanIp("2001:DB8:0::7".into()), true),
        (SanIp("192.0.2.8".into()), false),
        (SanIp("machine.example.com".into()), false),
    ];
    for (name, proves) in cases {
        change(&world, &id, |settings| {
            settings.oauth.auth_methods = vec![AuthMethod::TlsClientAuth];
            settings.oauth.certificate = Some(name.clone());
        })
        .await;
        let answer = ask(&world, &id, Some(&shown)).await;
        assert_eq!(answer.status == 200, proves, "{name:?}: {}", answer.body);
        assert!(proves || answer.error() == (400, "invalid_client".into()), "{name:?}");
    }
    change(&world, &id, |settings| settings.oauth.certificate = Some(SanDns("machine.example.com".into()))).await;
    let digest_alone = Certificate { der: None, ..shown.clone() };
    let noise = Certificate { der: Some(b"noise".as_slice().into()), ..shown.clone() };
    let longer =
        Certificate { der: shown.der.as_ref().map(|der| [der, b"0".as_slice()].concat().into()), ..shown.clone() };
    for certificate in [None, Some(&digest_alone), Some(&noise), Some(&longer)] {
        let answer = ask(&world, &id, certificate).await;
        assert_eq!(answer.error(), (400, "invalid_client".into()), "{certificate:?}");
    }
    let endpoints = Endpoints::behind(&world, &world.pool, Some(shown.clone()));
    let by_secret = endpoints.post("/oauth2/token", Some((&id, &secret)), "grant_type=client_credentials").await;
    assert_eq!(by_secret.error(), (401, "invalid_client".into()), "it is not one of its ways");
    change(&world, &id, |settings| settings.oauth.auth_methods = Vec::new()).await;
    assert_eq!(
        ask(&world, &id, Some(&shown)).await.error(),
        (400, "invalid_client".into()),
        "nor is a certificate now"
    );
}

async fn a_client_proves_itself_by_the_key_of_its_certificate(store: Store) {
    let world = World::new(store).await;
    let (id, _) = machine(&world).await;
    let kinds: [(&rcgen::SignatureAlgorithm, Alg); 3] = [
        (&rcgen::PKCS_ECDSA_P256_SHA256, Alg::ES256),
        (&rcgen::PKCS_ECDSA_P384_SHA384, Alg::ES384),
        (&rcgen::PKCS_ED25519, Alg::EdDSA),
    ];
    let mut keys: Vec<_> = kinds.into_iter().map(|(kind, alg)| (KeyPair::generate_for(kind).unwrap(), alg)).collect();
    let rsa = include_bytes!("../../../common/vectors/keys/rsa-2048-a.pk8");
    keys.push((KeyPair::try_from(rsa.as_slice()).unwrap(), Alg::RS256));
    for (key, alg) in &keys {
        let jwk = Signer::of(*alg, &key.serialize_der()).jwk();
        let of = |keys: Vec<Value>| json!({ "keys": keys });
        let stranger = Signer::new(Alg::ES256).jwk();
        for (jwks, proves) in
            [(of(vec![stranger.clone(), jwk]), true), (of(vec![stranger]), false), (of(vec![]), false)]
        {
            change(&world, &id, |settings| {
                settings.oauth.auth_methods = vec![AuthMethod::SelfSignedTlsClientAuth];
                settings.oauth.jwks = Some(jwks.clone());
            })
            .await;
            let answer = ask(&world, &id, Some(&certificate(key))).await;
            assert_eq!(answer.status == 200, proves, "{alg} {jwks}: {}", answer.body);
        }
    }
    assert_eq!(ask(&world, &id, None).await.error(), (400, "invalid_client".into()));
}

async fn tokens_are_bound_to_the_certificate(store: Store) {
    let world = World::new(store).await;
    let (id, secret) = machine(&world).await;
    let shown = certificate(&key());
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let by_secret = async |certificate: Option<&Certificate>| {
        let endpoints = Endpoints::behind(&world, &world.pool, certificate.cloned());
        endpoints.post("/oauth2/token", None, &form).await
    };
    let unbound = by_secret(Some(&shown)).await;
    assert!(claims(&unbound.body["access_token"]).get("cnf").is_none(), "it did not ask for that");
    change(&world, &id, |settings| settings.oauth.certificate_bound = true).await;
    assert_eq!(by_secret(None).await.error(), (400, "invalid_request".into()));
    let digest_alone = Certificate { der: None, ..shown.clone() };
    for certificate in [&shown, &digest_alone] {
        let bound = by_secret(Some(certificate)).await;
        assert_eq!((bound.status, text(&bound.body["token_type"])), (200, "Bearer".into()));
        let x5t = Thumbprint::new(shown.digest).to_string();
        assert_eq!(claims(&bound.body["access_token"])["cnf"], json!({ "x5t#S256": x5t }));
    }
}

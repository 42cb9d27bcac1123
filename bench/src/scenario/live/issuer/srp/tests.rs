use serde::Deserialize;

use super::*;

/// Exchanges that pycognito took part in, with the server's secret: some of those that the issuer is tested with.
#[derive(Deserialize)]
struct Vector {
    why: String,
    pool_id: String,
    user_id_for_srp: String,
    password: String,
    salt: String,
    srp_a: String,
    b: String,
    /// 1 where the server took -g^b.
    negative: u8,
    srp_b: String,
    secret_block: String,
    timestamp: String,
    signature: String,
}

/// A server that knows the password.
struct Server {
    v: Element,
    b: U256,
    public: Element,
}

impl Server {
    fn new(x: &U256, b: U256, negative: bool) -> Self {
        let (v, blind) = (power_of_g(x), power_of_g(&b));
        let blind = if negative { blind.neg() } else { blind };
        Self { v, b, public: multiplier().mul(&v).add(&blind) }
    }

    /// Either of these is the right claim: (A v^u)^b, and its negative.
    fn claims(&self, client: &Element, parts: &[&[u8]]) -> [String; 2] {
        let u = scrambler(client, &self.public);
        let s = client.mul(&self.v.pow(&U256::from_be_slice(&u))).pow(&self.b);
        [s, s.neg()].map(|s| sign(&s, &u, parts).unwrap())
    }
}

#[test]
fn the_formulas_are_those_of_pycognito() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../../../../testdata/srp.json")).unwrap();
    assert!(vectors.len() >= 6);
    for vector in vectors {
        let (_, pool) = vector.pool_id.split_once('_').unwrap();
        let salt = number(&vector.salt).unwrap();
        let x = secret(pool, &vector.user_id_for_srp, &vector.password, &salt);
        let b = U256::from_str_radix_vartime(&vector.b, 16).unwrap();
        let server = Server::new(&x, b, vector.negative == 1);
        assert_eq!(bytes(&server.public), bytes(&number(&vector.srp_b).unwrap()), "{}", vector.why);
        let block = STANDARD.decode(&vector.secret_block).unwrap();
        let parts = [pool.as_bytes(), vector.user_id_for_srp.as_bytes(), &block, vector.timestamp.as_bytes()];
        let claims = server.claims(&number(&vector.srp_a).unwrap(), &parts);
        assert!(claims.contains(&vector.signature), "{}", vector.why);
    }
}

#[test]
fn claims_are_right_for_either_sign_and_wrong_for_another_password() {
    const SENT: &str = "Tue Nov 3 09:05:07 UTC 2026";
    let block = STANDARD.encode([7; 64]);
    for fill in 1..9_u8 {
        let user = format!("jürgen-{}", fill / 4);
        // Of odd length as well.
        let salt = format!("{}c3d4e5f60718293a4b5c6d7e8f9012", if fill < 4 { "f" } else { "a2" });
        let x = secret("AbCdEf123", &user, "Grüße 1!", &number(&salt).unwrap());
        let server = Server::new(&x, U256::from_be_slice(&[fill + 77; 32]), fill % 2 == 0);
        let srp_b = bytes(&server.public).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let challenge =
            Challenge { user: &user, salt: &salt, srp_b: srp_b.trim_start_matches('0'), secret_block: &block };
        let parts = ["AbCdEf123".as_bytes(), user.as_bytes(), &[7; 64], SENT.as_bytes()];
        let mut client = Client::new("eu-central-1_AbCdEf123", "Grüße 1!", [fill; 32]);
        let right = server.claims(&number(&client.srp_a()).unwrap(), &parts);
        for _again in 0..2 {
            assert!(right.contains(&client.claim(&challenge, SENT).unwrap()), "{fill}");
        }
        let mut other = Client::new("eu-central-1_AbCdEf123", "Grüße 2!", [fill; 32]);
        assert!(!right.contains(&other.claim(&challenge, SENT).unwrap()), "{fill}");
    }
}

#[test]
fn another_user_on_the_same_connection_is_computed_anew() {
    let block = STANDARD.encode([7; 64]);
    let challenge = |user| Challenge { user, salt: "a2", srp_b: "abc", secret_block: &block };
    let mut client = Client::new("eu_a", "Secret 1!", [3; 32]);
    let [jane, joan, again] = ["jane", "joan", "jane"].map(|user| client.claim(&challenge(user), "now").unwrap());
    assert_ne!(jane, joan);
    assert_eq!(jane, again);
}

#[test]
fn what_is_no_challenge_has_no_claim() {
    let good = Challenge { user: "jane", salt: "a2", srp_b: "abc", secret_block: "aaaa" };
    let mut client = Client::new("eu_a", "Secret 1!", [3; 32]);
    assert!(client.claim(&good, "now").is_some());
    let long = "f".repeat(800);
    let bad = [
        Challenge { srp_b: "", ..good },
        Challenge { srp_b: "xyz", ..good },
        Challenge { srp_b: &long, ..good },
        Challenge { salt: "", ..good },
        Challenge { secret_block: "*", ..good },
    ];
    for challenge in bad {
        assert_eq!(client.claim(&challenge, "now"), None, "{challenge:?}");
    }
}

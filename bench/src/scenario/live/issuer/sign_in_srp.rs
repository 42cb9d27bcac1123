//! Sign-ins by SRP, whose password never leaves the client: two requests each.

use bytes::Bytes;
use common::clock::{Clock, SystemClock};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use super::calls::Operation;
use super::srp::{Challenge, Client};
use super::{CONNECTIONS, Checked, Seen, measured};
use crate::finding::ScenarioFinding;
use crate::load::{Reply, Request, Requests, Turn};
use crate::scenario::BenchError;
use crate::scenario::live::deployment::Deployment;
use crate::scenario::live::{Bench, Live};

const OK: u16 = 200;
const CHALLENGE: &str = "PASSWORD_VERIFIER";

/// The scenario.
pub struct SignInSrp;

impl Live for SignInSrp {
    fn name(&self) -> &'static str {
        "sign_in_srp"
    }

    fn title(&self) -> &'static str {
        "Sign-in by SRP"
    }

    fn about(&self) -> &'static str {
        "The issuer of `tollgate up` on SQLite, its processor time and memory: InitiateAuth with USER_SRP_AUTH and RespondToAuthChallenge with PASSWORD_VERIFIER, in a closed loop of four connections, each with a user of its own. A sign-in is two requests: `cpu per sign in` and `sign ins per second` are of whole ones, every other figure is of single requests of both kinds, half and half. The generator does the client's arithmetic, on the other processor and between its requests, so latency and rate have some of that in them. An answer without a challenge, or without tokens at the end, counts as failed."
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let found = measured(self, bench, SignIns::of)?;
        let limits = ["issuer_rs256_sign", "sqlite_commit_cpu"].map(str::to_owned).to_vec();
        Ok(ScenarioFinding { headline: "cpu_per_sign_in_us".into(), limits, ..found })
    }
}

/// A user a place, each in the middle of a sign-in of its own.
struct SignIns {
    client_id: String,
    first: Operation,
    second: Operation,
    places: Vec<Place>,
    seen: Seen,
}

struct Place {
    client: Client,
    /// Body of every first request.
    begin: Bytes,
    /// Body of the second one.
    prove: Bytes,
    step: Step,
}

/// Where a sign-in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The first request is next, or under way.
    Begin,
    /// The second one is next. It is sent once, whatever comes of it: a challenge can't be answered twice.
    Prove,
    Proving,
}

/// The answer to the first request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    challenge_name: String,
    session: Option<String>,
    challenge_parameters: Parameters,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct Parameters {
    user_id_for_srp: String,
    salt: String,
    srp_b: String,
    secret_block: String,
}

impl SignIns {
    fn of(deployment: &Deployment) -> Result<Self, BenchError> {
        let users = deployment.regulars().iter().cycle().take(CONNECTIONS);
        let place = |user: &str| {
            let mut a = [0; 32];
            SystemRandom::new().fill(&mut a).map_err(|_| BenchError::Random)?;
            let client = Client::new(deployment.pool_id(), deployment.password(), a);
            Ok(Place::new(client, deployment.client_id(), user))
        };
        let places: Result<_, BenchError> = users.map(|session| place(&session.user)).collect();
        Ok(Self::new(deployment.client_id(), places?))
    }

    fn new(client_id: &str, places: Vec<Place>) -> Self {
        let (first, second) = (Operation::initiate_auth(), Operation::respond_to_auth_challenge());
        Self { client_id: client_id.to_owned(), first, second, places, seen: Seen::default() }
    }
}

impl Place {
    fn new(client: Client, client_id: &str, user: &str) -> Self {
        let begin = json!({
            "AuthFlow": "USER_SRP_AUTH",
            "ClientId": client_id,
            "AuthParameters": { "USERNAME": user, "SRP_A": client.srp_a() },
        });
        Self { client, begin: begin.to_string().into(), prove: Bytes::new(), step: Step::Begin }
    }

    /// The second request's body; `None` where the answer to the first has no challenge that can be answered.
    fn answer(&mut self, client_id: &str, body: &[u8], timestamp: &str) -> Option<Bytes> {
        let asked: Asked = serde_json::from_slice(body).ok()?;
        let Parameters { user_id_for_srp: user, salt, srp_b, secret_block } = &asked.challenge_parameters;
        if asked.challenge_name != CHALLENGE {
            return None;
        }
        let signature = self.client.claim(&Challenge { user, salt, srp_b, secret_block }, timestamp)?;
        let responses = json!({
            "USERNAME": user,
            "PASSWORD_CLAIM_SECRET_BLOCK": secret_block,
            "PASSWORD_CLAIM_SIGNATURE": signature,
            "TIMESTAMP": timestamp,
        });
        let input = json!({
            "ClientId": client_id,
            "ChallengeName": CHALLENGE,
            "Session": asked.session,
            "ChallengeResponses": responses,
        });
        Some(input.to_string().into())
    }
}

impl Requests for SignIns {
    fn request(&mut self, turn: Turn) -> Request<'_> {
        static NOTHING: Bytes = Bytes::new();
        match self.places.get_mut(turn.place) {
            Some(place) if place.step == Step::Prove => {
                place.step = Step::Proving;
                self.second.request(&place.prove)
            }
            Some(place) => {
                place.step = Step::Begin;
                self.first.request(&place.begin)
            }
            None => self.first.request(&NOTHING),
        }
    }

    fn reads_bodies(&self) -> bool {
        true
    }

    fn answered(&mut self, turn: Turn, reply: Reply<'_>) {
        let Some(place) = self.places.get_mut(turn.place) else { return };
        let proving = place.step == Step::Proving;
        place.step = Step::Begin;
        if reply.status != OK {
            return;
        }
        if proving {
            let signed_in = self.second.is_answered_by(reply.body);
            self.seen.sign_ins += u64::from(signed_in);
            self.seen.wrong += u64::from(!signed_in);
            return;
        }
        match place.answer(&self.client_id, reply.body, &timestamp()) {
            Some(body) => (place.prove, place.step) = (body, Step::Prove),
            None => self.seen.wrong += 1,
        }
    }
}

impl Checked for SignIns {
    fn take(&mut self) -> Seen {
        std::mem::take(&mut self.seen)
    }
}

/// Now, as Cognito's clients write it: `Tue Nov 3 01:02:03 UTC 2026`.
fn timestamp() -> String {
    let now = i64::try_from(SystemClock.now().seconds()).unwrap_or_default();
    written(OffsetDateTime::from_unix_timestamp(now).unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

fn written(at: OffsetDateTime) -> String {
    let form = format_description!(
        "[weekday repr:short] [month repr:short] [day padding:none] [hour]:[minute]:[second] UTC [year]"
    );
    at.format(form).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str = r#"{"ChallengeName":"PASSWORD_VERIFIER","Session":"s","ChallengeParameters":
        {"USER_ID_FOR_SRP":"jane","USERNAME":"jane","SALT":"a2","SRP_B":"abc","SECRET_BLOCK":"aaaa"}}"#;
    const TOKENS: &str = r#"{"AuthenticationResult":{}}"#;

    fn sign_ins() -> SignIns {
        let place = |user| Place::new(Client::new("eu_a", "Secret 1!", [3; 32]), "client", user);
        SignIns::new("client", vec![place("jane"), place("joan")])
    }

    /// Operation and body of the next request of a place.
    fn next(sign_ins: &mut SignIns, place: usize) -> (String, serde_json::Value) {
        let request = sign_ins.request(Turn { number: 0, place });
        let target = request.headers.get("x-amz-target").unwrap().to_str().unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        (operation, serde_json::from_slice(request.body).unwrap())
    }

    fn answer(sign_ins: &mut SignIns, place: usize, status: u16, body: &str) {
        sign_ins.answered(Turn { number: 0, place }, Reply { status, body: body.as_bytes() });
    }

    #[test]
    fn each_place_goes_its_own_way() {
        let mut all = sign_ins();
        assert_eq!(next(&mut all, 0).1["AuthParameters"]["USERNAME"], "jane");
        assert_eq!(next(&mut all, 1).1["AuthParameters"]["USERNAME"], "joan");
        answer(&mut all, 0, 200, ASKED);
        let (operation, proof) = next(&mut all, 0);
        assert_eq!((operation.as_str(), &proof["Session"]), ("RespondToAuthChallenge", &"s".into()));
        assert_eq!(proof["ChallengeResponses"]["USERNAME"], "jane");
        answer(&mut all, 1, 200, "{}");
        assert_eq!(next(&mut all, 1).0, "InitiateAuth");
        answer(&mut all, 0, 200, TOKENS);
        assert_eq!(next(&mut all, 0).0, "InitiateAuth");
        assert_eq!(all.take(), Seen { wrong: 1, sign_ins: 1 });
    }

    #[test]
    fn a_sign_in_that_fails_begins_anew_and_is_none() {
        let mut all = sign_ins();
        for (status, body) in [(400, "{}"), (200, "{}"), (200, ASKED)] {
            next(&mut all, 0);
            answer(&mut all, 0, 200, ASKED);
            assert_eq!(next(&mut all, 0).0, "RespondToAuthChallenge");
            answer(&mut all, 0, status, body);
            assert_eq!(next(&mut all, 0).0, "InitiateAuth");
        }
        // No answer at all: the proof is not sent again.
        answer(&mut all, 0, 200, ASKED);
        assert_eq!(next(&mut all, 0).0, "RespondToAuthChallenge");
        assert_eq!(next(&mut all, 0).0, "InitiateAuth");
        // A failure by its status is counted already.
        assert_eq!(all.take(), Seen { wrong: 2, sign_ins: 0 });
    }

    #[test]
    fn timestamps_are_those_of_cognitos_clients() {
        let at = |seconds| written(OffsetDateTime::from_unix_timestamp(seconds).unwrap());
        assert_eq!(at(1_793_696_707), "Tue Nov 3 09:05:07 UTC 2026");
        assert_eq!(at(1_709_251_199), "Thu Feb 29 23:59:59 UTC 2024");
    }
}

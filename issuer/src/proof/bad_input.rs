//! The generated bad-input run: every member of every operation, nested ones too, absent, of another type, too short, too long, off its pattern,
//! of no known value, null, twice, deep, strange; and what belongs to someone else. Nothing may panic, answer 5xx or out of form, or raise an
//! exception that the operation does not have.
//!
//! ```text
//! cargo test -p issuer --lib proof::bad_input -- --nocapture      a part, chosen by a seed
//! scripts/test --long bad_input                                    all of it
//! TOLLGATE_SEED=8 TOLLGATE_ONLY=SignUp cargo test …                another part; one operation
//! ```

use std::collections::BTreeMap;

use cognito_model::OperationInfo;
use cognito_model::spoil::{self, Spoilt, Verdict};

use super::examples::{self, Deployment, Example};
use super::place::Place;
use super::stage::{Engine, House, Stage};
use super::{judge, operations, setting, strangers};

/// Of so many requests a short run takes one.
const SHORT_ON_SQLITE: u64 = 16;
const SHORT_ON_POSTGRES: u64 = 160;

#[tokio::test]
async fn of_every_kind_on_sqlite() {
    run(Engine::Sqlite, SHORT_ON_SQLITE).await;
}

#[tokio::test]
async fn of_every_kind_on_postgres() {
    run(Engine::Postgres, SHORT_ON_POSTGRES).await;
}

async fn run(engine: Engine, short: u64) {
    let seed = setting("TOLLGATE_SEED").map_or(7, |seed| seed.parse().unwrap());
    let one_in = if setting("TOLLGATE_LONG").is_some() { 1 } else { short };
    let deployment = examples::deployment();
    let stage = House::new(engine).await.stage().await.after(&deployment.steps).await.unwrap();
    let mut run = Run { seed, one_in, requests: 0, counts: BTreeMap::new(), complaints: Vec::new() };
    let (examples, operations) = (examples::all(), operations());
    for operation in &operations {
        if let Some(example) = examples.get(operation.name) {
            run.operation(&stage, operation, example, &deployment).await;
        }
    }
    println!(
        "bad input on {engine:?}: {} requests to {} operations (seed {seed}, one in {one_in}), {} complaints: {:#?}",
        run.requests,
        operations.len(),
        run.complaints.len(),
        run.counts
    );
    let shown = run.complaints.iter().take(200).cloned().collect::<Vec<_>>().join("\n");
    assert!(run.complaints.is_empty(), "{} complaints, seed {seed}:\n{shown}", run.complaints.len());
}

struct Run {
    seed: u64,
    one_in: u64,
    requests: u32,
    /// By what was wrong with the request, and what became of it.
    counts: BTreeMap<(Verdict, String), u32>,
    complaints: Vec<String>,
}

impl Run {
    async fn operation(
        &mut self,
        stage: &Stage,
        operation: &'static OperationInfo,
        example: &Example,
        deployment: &Deployment,
    ) {
        let mut place = match Place::of(stage, operation, example).await {
            Ok(place) => place,
            Err(why) => return self.complaints.push(why),
        };
        let good = place.good.clone();
        let body = serde_json::to_vec(&good).unwrap();
        let good_one = Spoilt { what: "the example".to_owned(), verdict: Verdict::Ignored, body };
        self.send(&mut place, &good_one).await;
        for spoilt in self.chosen(operation, spoil::spoilt(operation.shape, &good)) {
            self.send(&mut place, &spoilt).await;
        }
        let kept = place.stage.kept.clone();
        let others = strangers::of(operation, &good, deployment, &kept).map(|(what, request)| Spoilt {
            what,
            verdict: Verdict::Orderly,
            body: request.to_string().into_bytes(),
        });
        for spoilt in self.chosen(operation, others.collect()) {
            self.send(&mut place, &spoilt).await;
        }
    }

    /// Every one of a long run, or those that the seed picks.
    fn chosen(&self, operation: &OperationInfo, all: Vec<Spoilt>) -> Vec<Spoilt> {
        let name = operation.name.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let picked = |nth: &u64| {
            // SplitMix64's finish: neighbours don't look alike.
            let mut mixed = self.seed.wrapping_add(name).wrapping_add(nth.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)).is_multiple_of(self.one_in)
        };
        (0..).zip(all).filter(|(nth, _)| picked(nth)).map(|(_, spoilt)| spoilt).collect()
    }

    async fn send(&mut self, place: &mut Place, spoilt: &Spoilt) {
        let (end, complaint) = match place.ask(spoilt.body.clone()).await {
            Ok(answer) if answer.status == 200 => {
                ("answered".to_owned(), judge::of_spoilt(place.operation, spoilt, &answer))
            }
            Ok(answer) => (answer.exception(), judge::of_spoilt(place.operation, spoilt, &answer)),
            Err(panic) => ("panic".to_owned(), Some(format!("panic: {panic}"))),
        };
        self.requests += 1;
        *self.counts.entry((spoilt.verdict, end)).or_default() += 1;
        if let Some(complaint) = complaint {
            let body = String::from_utf8_lossy(&spoilt.body).chars().take(300).collect::<String>();
            self.complaints.push(format!("{}: {}: {complaint} to {body}", place.operation.name, spoilt.what));
        }
    }
}

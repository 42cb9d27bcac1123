//! Every operation, asked well by someone who may not: by nobody, by a forged signature, by a key without the right; with another's, an expired, a
//! revoked or a forged token; and, where no caller is needed, without what proves the request.

use std::collections::{BTreeMap, BTreeSet};

use cognito_model::{Auth, Service};
use serde_json::{Value, json};

use super::examples::{self, Deployment, Example};
use super::ledger::Ledger;
use super::place::Place;
use super::stage::{Engine, House};
use super::{operations, strangers};

const LEDGER: Ledger = Ledger {
    file: "unauthorised.txt",
    head: "Operations that no test asks as someone who may not.
Written by TOLLGATE_BLESS=1 cargo test -p issuer --lib proof::unauthorised; may only shrink.
The request is the example of issuer/testdata/examples, good but for its caller: signed operations by nobody, by a forged signature and by a key
whose policy denies them; the others with another's, an expired, a revoked or a forged token, secret, session or code.",
};

/// Tokens of the deployment that open nothing.
const DEAD: [&str; 4] = ["dora_access", "revoked_access", "expired_access", "id"];

#[tokio::test]
async fn each_is_refused_or_listed() {
    let deployment = examples::deployment();
    let stage = House::new(Engine::Sqlite).await.stage().await.after(&deployment.steps).await.unwrap();
    let examples = examples::all();
    let (mut refused, mut wrong) = (BTreeSet::new(), Vec::new());
    for operation in operations() {
        let Some(example) = examples.get(operation.name) else { continue };
        let place = Place::of(&stage, operation, example).await.unwrap();
        let asked = match operation.auth {
            Auth::SigV4 => signed(&place).await,
            Auth::AccessToken => by_token(&place).await,
            Auth::None | Auth::SigV4OrClient => by_proof(place, example, &deployment).await,
        };
        match asked {
            Ok(0) => {}
            Ok(_) => drop(refused.insert(operation.name)),
            Err(why) => wrong.push(format!("{}: {why}", operation.name)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let without = Service::Idp.operations().iter().filter(|operation| !refused.contains(operation.name));
    let there: BTreeSet<&str> = operations().iter().map(|operation| operation.name).collect();
    let reason = |name: &str| if there.contains(name) { "not shown yet" } else { "the operation does not exist yet" };
    let without: BTreeMap<String, String> =
        without.map(|operation| (operation.name.to_owned(), reason(operation.name).to_owned())).collect();
    println!("{} of {} operations are refused to those who may not", refused.len(), Service::Idp.operations().len());
    if there.len() > 1 {
        LEDGER.check(&without);
    }
}

/// How many refusals there were; an error is an answer that is none, or another one than it should be.
type Refused = Result<u32, String>;

async fn signed(place: &Place) -> Refused {
    let body = json!(place.good).to_string().into_bytes();
    let name = place.operation.name;
    let mut count = 0;
    for (how, expected) in [
        ("nobody", "MissingAuthenticationTokenException"),
        ("forged", "InvalidSignatureException"),
        ("denied", "AccessDeniedException"),
    ] {
        let answer = match how {
            "nobody" => place.scene.ask_as(place.operation, None, body.clone()).await?,
            "forged" => place.scene.ask_as(place.operation, Some(place.scene.forged()), body.clone()).await?,
            _ => place.scene.ask_as(place.operation, Some(place.scene.denied()), body.clone()).await?,
        };
        if answer.exception() != expected || answer.status != 400 {
            return Err(format!("{name} answers {how}: {}", answer.text()));
        }
        count += 1;
    }
    Ok(count)
}

async fn by_token(place: &Place) -> Refused {
    let forged = ["${access}x", "x.y.z", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"];
    let tokens = DEAD.map(|name| place.stage.kept[name].clone()).into_iter();
    let forged = forged.map(|text| examples::fill(&json!(text), &place.stage.kept));
    let mut count = 0;
    for token in tokens.chain(forged) {
        let mut request = place.good.clone();
        request.insert("AccessToken".to_owned(), token.clone());
        let answer = place.scene.ask(place.operation.name, json!(request).to_string().into_bytes()).await?;
        if answer.exception() != "NotAuthorizedException" || answer.status != 400 {
            return Err(format!("{token} gets {}", answer.text()));
        }
        count += 1;
    }
    Ok(count)
}

/// Counts the refusals that say that the proof is none.
async fn by_proof(mut place: Place, example: &Example, deployment: &Deployment) -> Refused {
    let proofs = [
        "NotAuthorizedException",
        "CodeMismatchException",
        "ExpiredCodeException",
        "UserNotFoundException",
        "UnauthorizedException",
    ];
    let (good, kept) = (place.good.clone(), place.stage.kept.clone());
    let mut count = 0;
    let refusals = example.refusals.iter().filter(|refusal| refusal.before.is_empty()).map(|refusal| {
        let mut request = good.clone();
        request.extend(refusal.with.clone());
        examples::fill(&Value::Object(request), &kept)
    });
    let others = strangers::of(place.operation, &good, deployment, &kept).map(|(_, request)| request);
    for request in refusals.chain(others).collect::<Vec<_>>() {
        let answer = place.ask(request.to_string().into_bytes()).await?;
        count += u32::from(proofs.contains(&answer.exception().as_str()));
    }
    Ok(count)
}

//! How sign-ins begin: the flows, for users' and administrators' calls alike. Which flows a kind of call has is the operation's business.

use cognito_model::Fault;
use cognito_model::idp::types::{AuthFlowType, ChallengeName};
use common::secret::SecretString;

use super::answer::Answer;
use super::parameters::Parameters;
use super::steps::go_on;
use super::witness;
use crate::aws_json::Call;
use crate::clients::{self, Client, Flow};
use crate::pools::Pool;
use crate::signin::{Step, password, password_verifier};
use crate::tokens;

/// USER_PASSWORD_AUTH and ADMIN_USER_PASSWORD_AUTH.
pub async fn by_password(
    call: &Call,
    pool: &Pool,
    client: &Client,
    flow: Flow,
    parameters: &Parameters,
) -> Result<Answer, Fault> {
    allow(client, flow)?;
    let username = parameters.username()?;
    parameters.required("PASSWORD")?;
    clients::check_secret_hash(&call.services, client, username, parameters.get("SECRET_HASH")).await?;
    let step = check_password(call, pool, client, parameters).await?;
    go_on(call, pool, client, step).await
}

/// Checks `USERNAME` and `PASSWORD`, whoever may sign in so.
pub(super) async fn check_password(
    call: &Call,
    pool: &Pool,
    client: &Client,
    parameters: &Parameters,
) -> Result<Step, Fault> {
    let username = parameters.username()?;
    let given = parameters.required("PASSWORD")?;
    let step = password::check(&call.services, pool, client, username, given, parameters.device(), call.now).await;
    witness::step(call, pool, username, &[ChallengeName::Password], step).await
}

/// USER_SRP_AUTH.
pub async fn by_srp(call: &Call, pool: &Pool, client: &Client, parameters: &Parameters) -> Result<Answer, Fault> {
    allow(client, Flow::UserSrp)?;
    let username = parameters.username()?;
    let srp_a = parameters.required("SRP_A")?.expose();
    clients::check_secret_hash(&call.services, client, username, parameters.get("SECRET_HASH")).await?;
    let device = parameters.device();
    let asked = password_verifier::begin(&call.services, pool, client, username, srp_a, &device, call.now).await?;
    go_on(call, pool, client, Step::Ask(asked)).await
}

/// REFRESH_TOKEN_AUTH, which has an old name, REFRESH_TOKEN.
pub async fn by_refresh_token(
    call: &Call,
    pool: &Pool,
    client: &Client,
    parameters: &Parameters,
) -> Result<Answer, Fault> {
    allow(client, Flow::Refresh)?;
    let hash = parameters.get("SECRET_HASH");
    clients::demand_secret_hash(client, hash)?;
    let presented = tokens::Presented::find(call, pool, client, parameters.required("REFRESH_TOKEN")?).await?;
    clients::check_secret_hash(&call.services, client, presented.username(), hash).await?;
    presented.check_device(call, pool, parameters.get("DEVICE_KEY").map(SecretString::expose)).await?;
    tokens::refresh(call, pool, client, presented).await.map(Answer::Tokens)
}

/// The refusal of a flow that the other kind of call has: administrators' calls and users' calls have a password flow each.
pub fn of_the_other_kind() -> Fault {
    Fault::invalid_parameter("Initiate Auth method not supported.")
}

/// The refusal of a flow that no client has in this version.
pub fn absent(flow: AuthFlowType) -> Fault {
    Fault::invalid_parameter(format!("{} is not enabled for the client.", flow.as_str()))
}

fn allow(client: &Client, flow: Flow) -> Result<(), Fault> {
    if client.settings.allows(flow) { Ok(()) } else { Err(Fault::invalid_parameter(flow.refusal())) }
}

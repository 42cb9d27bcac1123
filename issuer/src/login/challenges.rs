//! How sign-ins go on: the answers to challenges, for users' and administrators' calls alike.

use cognito_model::Fault;
use cognito_model::idp::types::ChallengeName::{self, Mfa, Password};
use cognito_model::idp::types::ChallengeNameType;
use common::secret::SecretString;

use super::answer::Answer;
use super::parameters::Parameters;
use super::steps::go_on;
use super::witness;
use crate::aws_json::Call;
use crate::clients::{self, Client};
use crate::pools::Pool;
use crate::pools::mfa::Factor;
use crate::signin::{
    Attempt, SignInError, Step, device_srp, new_password, password_verifier, second_factor, select_factor,
    set_up_factor,
};

/// Checks the answer to a challenge.
///
/// # Errors
/// `InvalidParameterException` for a challenge that this version does not ask; what the challenge says of its answer.
pub async fn respond(
    call: &Call,
    pool: &Pool,
    client: &Client,
    challenge: ChallengeNameType,
    session: Option<&SecretString>,
    answers: &Parameters,
) -> Result<Answer, Fault> {
    let username = answers.username()?;
    clients::check_secret_hash(&call.services, client, username, answers.get("SECRET_HASH")).await?;
    let step = check_answer(call, pool, client, challenge, session, answers).await?;
    go_on(call, pool, client, step).await
}

/// Checks the answer, whether or not the client has shown that it is itself.
pub(super) async fn check_answer(
    call: &Call,
    pool: &Pool,
    client: &Client,
    challenge: ChallengeNameType,
    session: Option<&SecretString>,
    answers: &Parameters,
) -> Result<Step, Fault> {
    let username = answers.username()?;
    let answered = Answered { call, pool, client, session, answers, username };
    Ok(match challenge {
        ChallengeNameType::PasswordVerifier => answered.password_verifier().await?,
        ChallengeNameType::DeviceSrpAuth => answered.device_srp_auth().await?,
        ChallengeNameType::DevicePasswordVerifier => answered.device_password_verifier().await?,
        ChallengeNameType::NewPasswordRequired => answered.new_password_required().await?,
        ChallengeNameType::SelectMfaType => answered.select_mfa_type().await?,
        ChallengeNameType::MfaSetup => answered.mfa_setup().await?,
        other => match Factor::of(other) {
            Some(factor) => answered.second_factor(factor).await?,
            None => {
                let text = format!("{} is not a challenge of this sign-in.", other.as_str());
                return Err(Fault::invalid_parameter(text));
            }
        },
    })
}

/// What came, and for which client. One function a challenge.
struct Answered<'a> {
    call: &'a Call,
    pool: &'a Pool,
    client: &'a Client,
    session: Option<&'a SecretString>,
    answers: &'a Parameters,
    username: &'a str,
}

impl Answered<'_> {
    async fn password_verifier(&self) -> Result<Step, Fault> {
        let answer = password_verifier::Answer {
            username: self.username,
            secret_block: self.required("PASSWORD_CLAIM_SECRET_BLOCK")?,
            signature: self.required("PASSWORD_CLAIM_SIGNATURE")?,
            timestamp: self.required("TIMESTAMP")?,
        };
        let attempt = self.attempt(Some(answer.secret_block)).await?.from(self.answers.device());
        let Self { call, pool, client, .. } = *self;
        let step = password_verifier::check(&call.services, pool, client, attempt, answer, call.now).await;
        self.witnessed(&[Password], step).await
    }

    async fn device_srp_auth(&self) -> Result<Step, Fault> {
        let begin = device_srp::Begin {
            session: self.session,
            username: self.username,
            device_key: self.required("DEVICE_KEY")?,
            srp_a: self.required("SRP_A")?,
        };
        Ok(device_srp::begin(&self.call.services, self.pool, self.client, begin, self.call.now).await?)
    }

    async fn device_password_verifier(&self) -> Result<Step, Fault> {
        let answer = device_srp::Answer {
            username: self.username,
            device_key: self.required("DEVICE_KEY")?,
            secret_block: self.required("PASSWORD_CLAIM_SECRET_BLOCK")?,
            signature: self.required("PASSWORD_CLAIM_SIGNATURE")?,
            timestamp: self.required("TIMESTAMP")?,
        };
        let attempt = self.attempt(Some(answer.secret_block)).await?;
        let Self { call, pool, client, .. } = *self;
        let step = device_srp::check(&call.services, pool, client, attempt, answer, call.now).await?;
        self.witnessed(&[Password], Ok(step)).await
    }

    async fn new_password_required(&self) -> Result<Step, Fault> {
        let answer = new_password::Answer {
            username: self.username,
            password: self.answers.required("NEW_PASSWORD")?,
            attributes: self.answers.prefixed("userAttributes."),
        };
        let attempt = self.attempt(None).await?.from(self.answers.device());
        let Self { call, pool, client, .. } = *self;
        let step = new_password::check(&call.services, pool, client, attempt, answer, call.now).await?;
        self.witnessed(&[Password], Ok(step)).await
    }

    async fn second_factor(&self, factor: Factor) -> Result<Step, Fault> {
        let code = self.required(second_factor::code_of(factor))?;
        let answer = second_factor::Answer { username: self.username, factor, code };
        let attempt = self.attempt(None).await?.from(self.answers.device());
        let Self { call, pool, client, .. } = *self;
        let step = second_factor::check(&call.services, pool, client, attempt, answer, call.now).await;
        self.witnessed(&[Password, Mfa], step).await
    }

    async fn select_mfa_type(&self) -> Result<Step, Fault> {
        let choice = (self.username, self.required("ANSWER")?);
        let attempt = self.attempt(None).await?.from(self.answers.device());
        let Self { call, pool, client, .. } = *self;
        Ok(select_factor::check(&call.services, pool, client, attempt, choice, call.now).await?)
    }

    async fn mfa_setup(&self) -> Result<Step, Fault> {
        let attempt = self.attempt(None).await?.from(self.answers.device());
        let Self { call, pool, client, .. } = *self;
        let step = set_up_factor::check(&call.services, pool, client, attempt, self.username, call.now).await?;
        self.witnessed(&[Password, Mfa], Ok(step)).await
    }

    fn required(&self, name: &'static str) -> Result<&str, Fault> {
        Ok(self.answers.required(name)?.expose())
    }

    /// The sign-in that the answer is for.
    async fn attempt(&self, secret_block: Option<&str>) -> Result<Attempt, SignInError> {
        Attempt::find(&self.call.services, self.client, self.session, secret_block, self.call.now).await
    }

    async fn witnessed(&self, answered: &[ChallengeName], step: Result<Step, SignInError>) -> Result<Step, Fault> {
        witness::step(self.call, self.pool, self.username, answered, step).await
    }
}

//! Which functions a pool wants to be asked (pure; Cognito: LambdaConfigType). They are kept and shown; nothing asks them yet.

use cognito_model::idp::types::{
    AdvancedSecurityModeType, LambdaConfigType, PreTokenGenerationLambdaVersionType,
    PreTokenGenerationVersionConfigType,
};
use common::ids::PoolId;

use super::model::Settings;

/// As Cognito keeps them: PreTokenGeneration is the older name of the ARN in PreTokenGenerationConfig, so each says what the other does.
///
/// # Errors
///
/// When both are given and differ.
pub fn settings(given: Option<LambdaConfigType>) -> Result<LambdaConfigType, String> {
    let mut config = given.unwrap_or_default();
    match (&config.pre_token_generation, &config.pre_token_generation_config) {
        (Some(arn), Some(newer)) if *arn != newer.lambda_arn => {
            return Err("PreTokenGeneration and PreTokenGenerationConfig.LambdaArn must be the same function.".into());
        }
        (Some(arn), None) => {
            config.pre_token_generation_config = Some(PreTokenGenerationVersionConfigType {
                lambda_arn: arn.clone(),
                lambda_version: PreTokenGenerationLambdaVersionType::V1_0,
            });
        }
        (None, Some(newer)) => config.pre_token_generation = Some(newer.lambda_arn.clone()),
        _ => {}
    }
    Ok(config)
}

/// Which settings that could keep people out are kept without doing so.
fn without_effect(settings: &Settings) -> Vec<&'static str> {
    let functions = serde_json::to_value(&settings.lambda_config).unwrap_or_default();
    let functions = functions.as_object().is_some_and(|functions| !functions.is_empty());
    let risks = settings.user_pool_add_ons.as_ref().is_some_and(|add_ons| {
        add_ons.advanced_security_mode == AdvancedSecurityModeType::Enforced
            || add_ons.advanced_security_additional_flows.is_some()
    });
    let named = [(functions, "LambdaConfig"), (risks, "UserPoolAddOns")];
    named.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name).collect()
}

/// Says so in the log: whoever relies on them must hear of it.
pub fn warn(pool: &PoolId, settings: &Settings) {
    let kept = without_effect(settings);
    if !kept.is_empty() {
        tracing::warn!(%pool, settings = kept.join(", "), "these settings are kept and shown, and keep nobody out: no trigger is called, no risk is judged");
    }
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::UserPoolAddOnsType;

    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:claims";

    #[test]
    fn both_names_of_a_token_trigger_say_the_same() {
        let older = LambdaConfigType { pre_token_generation: Some(ARN.into()), ..LambdaConfigType::default() };
        let kept = settings(Some(older)).unwrap();
        let config = kept.pre_token_generation_config.unwrap();
        assert_eq!(
            (config.lambda_arn.as_str(), config.lambda_version),
            (ARN, PreTokenGenerationLambdaVersionType::V1_0)
        );

        let v2 = |arn: &str| PreTokenGenerationVersionConfigType {
            lambda_arn: arn.into(),
            lambda_version: PreTokenGenerationLambdaVersionType::V2_0,
        };
        let newer = LambdaConfigType { pre_token_generation_config: Some(v2(ARN)), ..LambdaConfigType::default() };
        assert_eq!(settings(Some(newer)).unwrap().pre_token_generation.as_deref(), Some(ARN));

        let other = v2("arn:aws:lambda:eu-west-1:123456789012:function:other");
        let torn = LambdaConfigType {
            pre_token_generation: Some(ARN.into()),
            pre_token_generation_config: Some(other),
            ..LambdaConfigType::default()
        };
        assert!(settings(Some(torn)).unwrap_err().contains("the same function"));
    }

    #[test]
    fn what_keeps_nobody_out_is_named() {
        let with = |trigger: Option<&str>, mode| Settings {
            lambda_config: LambdaConfigType { pre_sign_up: trigger.map(str::to_owned), ..LambdaConfigType::default() },
            user_pool_add_ons: Some(UserPoolAddOnsType {
                advanced_security_additional_flows: None,
                advanced_security_mode: mode,
            }),
            ..Settings::default()
        };
        assert!(without_effect(&Settings::default()).is_empty());
        assert!(without_effect(&with(None, AdvancedSecurityModeType::Audit)).is_empty());
        let both = without_effect(&with(Some(ARN), AdvancedSecurityModeType::Enforced));
        assert_eq!(both, ["LambdaConfig", "UserPoolAddOns"]);
    }
}

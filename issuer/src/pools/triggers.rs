//! Which functions a pool wants to be asked (pure; Cognito: LambdaConfigType). They are kept and shown; nothing asks them yet.

use cognito_model::idp::types::{
    LambdaConfigType, PreTokenGenerationLambdaVersionType, PreTokenGenerationVersionConfigType,
};

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

#[cfg(test)]
mod tests {
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
}

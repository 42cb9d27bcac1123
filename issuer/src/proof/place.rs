//! One operation on a stage: asked again and again, each time as if nothing had been asked before.

use cognito_model::OperationInfo;
use serde_json::{Map, Value};

use super::examples::Example;
use super::stage::{Answer, Scene, Stage};
use crate::access::Effect;

/// After so many refusals by the operation itself the deployment is begun anew: tries have limits.
const REFUSALS: u32 = 8;

pub(super) struct Place {
    pub stage: Stage,
    pub scene: Scene,
    pub operation: &'static OperationInfo,
    /// The example's request.
    pub good: Map<String, Value>,
    refusals: u32,
}

impl Place {
    /// # Errors
    /// What could not be prepared.
    pub(super) async fn of(
        stage: &Stage,
        operation: &'static OperationInfo,
        example: &Example,
    ) -> Result<Self, String> {
        let before = |why| format!("{}, before: {why}", operation.name);
        let stage = stage.after(&example.before).await.map_err(before)?;
        let scene = stage.scene().await;
        let good = scene.filled(&Value::Object(example.request.clone())).await;
        let good = good.as_object().cloned().unwrap_or_default();
        Ok(Self { stage, scene, operation, good, refusals: 0 })
    }

    /// An error is a panic's text.
    pub(super) async fn ask(&mut self, body: Vec<u8>) -> Result<Answer, String> {
        let answer = self.scene.ask(self.operation.name, body).await;
        let changes = matches!(Effect::of(self.operation.name), Effect::Changes);
        let of_checks = |answer: &Answer| {
            answer.exception() == "SerializationException" || answer.text().contains(" validation error")
        };
        match &answer {
            Ok(answer) if answer.status == 200 && changes => self.anew().await,
            Ok(answer) if answer.status == 200 || of_checks(answer) => {}
            Ok(_) => {
                self.refusals += 1;
                if self.refusals >= REFUSALS {
                    self.anew().await;
                }
            }
            Err(_) => self.anew().await,
        }
        answer
    }

    async fn anew(&mut self) {
        self.scene = self.stage.scene().await;
        self.refusals = 0;
    }
}

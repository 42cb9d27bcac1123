//! Takes the steps that fall due, in every pool.

use std::sync::Arc;
use std::time::Duration;

use common::ids::PoolId;
use tokio::sync::watch;

use super::steps::{Who, due};
use crate::keys::{self, RotationPolicy};
use crate::services::Services;

/// Pools that are read at once.
const PAGE: usize = 128;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);

/// Until `finish` turns true.
pub async fn run(services: Arc<Services>, policy: RotationPolicy, mut finish: watch::Receiver<bool>) {
    // A key that is published for an hour need not be looked at every second.
    let pause = (policy.publish_ahead / 10).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    let who = Who { actor: "schedule".to_owned(), source: "issuer".to_owned() };
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = finish.wait_for(|finishing| *finishing) => return,
        }
        look(&services, &policy, &who).await;
    }
}

async fn look(services: &Services, policy: &RotationPolicy, who: &Who) {
    let mut last = String::new();
    loop {
        let horizon = policy.horizon(services.now());
        let rows = match services.store.read(keys::pools_due(&horizon, &last, PAGE)).await {
            Ok(rows) => rows,
            Err(error) => return tracing::warn!(%error, "signing keys were not looked at"),
        };
        for row in &rows {
            let Ok(pool) = row.text(0) else { return };
            pool.clone_into(&mut last);
            let Ok(pool) = PoolId::parse(pool) else { continue };
            if let Err(error) = due(services, &pool, policy, who).await {
                tracing::warn!(%pool, %error, "the pool's signing keys were not moved on");
            }
        }
        if rows.len() < PAGE {
            return;
        }
    }
}

//! No cache can help.

use super::{Steady, Supply};
use crate::peers::Way;

/// The scenario.
pub struct NeverSeen;

impl Steady for NeverSeen {
    fn name(&self) -> &'static str {
        "never_seen"
    }

    fn title(&self) -> &'static str {
        "Token gate, never-seen tokens"
    }

    fn about(&self) -> &'static str {
        "Every request carries a token that no product has seen before: all must verify its signature."
    }

    fn way(&self) -> Way {
        Way::Token
    }

    fn supply(&self) -> Supply {
        Supply::New
    }
}

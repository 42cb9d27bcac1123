//! All that an edge does for a request, as far as it exists.

use super::{Steady, Supply};
use crate::peers::Way;

/// The scenario.
pub struct Pipeline;

impl Steady for Pipeline {
    fn name(&self) -> &'static str {
        "pipeline"
    }

    fn title(&self) -> &'static str {
        "Whole pipeline, known tokens"
    }

    fn about(&self) -> &'static str {
        "Tollgate's token gate, client, scope and group policy, and claims as headers for the upstream."
    }

    fn way(&self) -> Way {
        Way::Full
    }

    fn supply(&self) -> Supply {
        Supply::Known
    }
}

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
        "Tollgate's token gate, a rule on client, scopes and groups, revocation with all that the edge has heard of (a million sessions unless told otherwise), and claims as headers for the upstream. What a token says does not change, so the edge asks a route's rule, and renders its headers, once a token; time and revocation it asks every time."
    }

    fn way(&self) -> Way {
        Way::Full
    }

    fn supply(&self) -> Supply {
        Supply::Known
    }
}

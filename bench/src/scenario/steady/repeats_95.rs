//! Tokens as an API sees them: most again, some for the first time.

use super::{Steady, Supply};
use crate::peers::Way;

/// The scenario.
pub struct Repeats95;

impl Steady for Repeats95 {
    fn name(&self) -> &'static str {
        "repeats_95"
    }

    fn title(&self) -> &'static str {
        "Token gate, 95 % repeats"
    }

    fn about(&self) -> &'static str {
        "Of twenty requests nineteen carry one of 2,000 known tokens and one carries a new token."
    }

    fn way(&self) -> Way {
        Way::Token
    }

    fn supply(&self) -> Supply {
        Supply::MostlyKnown
    }
}

//! Every token is checked, and all have been seen before.

use super::{Steady, Supply};
use crate::peers::Way;

/// The scenario.
pub struct TokenGate;

impl Steady for TokenGate {
    fn name(&self) -> &'static str {
        "token_gate"
    }

    fn title(&self) -> &'static str {
        "Token gate, known tokens"
    }

    fn about(&self) -> &'static str {
        "Algorithm, signature, issuer and expiry of each token are checked, 2,000 tokens in turn that all have been seen before. Products without a cache verify every time."
    }

    fn way(&self) -> Way {
        Way::Token
    }

    fn supply(&self) -> Supply {
        Supply::Known
    }
}

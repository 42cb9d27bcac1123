//! Nothing is checked: what carrying a request costs.

use super::{Steady, Supply};
use crate::peers::Way;

/// The scenario.
pub struct PlainPass;

impl Steady for PlainPass {
    fn name(&self) -> &'static str {
        "plain_pass"
    }

    fn title(&self) -> &'static str {
        "Plain pass"
    }

    fn about(&self) -> &'static str {
        "Every request is passed on unchecked: the floor of each product."
    }

    fn way(&self) -> Way {
        Way::Plain
    }

    fn supply(&self) -> Supply {
        Supply::Known
    }
}

//! Which limit is meant, and what it may be (pure).

use cognito_model::idp::types::{LimitDefinitionType, LimitType};
use cognito_model::{Exception, Fault};

use crate::limits::quotas::Category;

/// The one attribute of a limit of a category.
const CATEGORY: &str = "Category";
/// The highest rate of `[quotas]`, in requests a second.
const HIGHEST: i32 = 1_000_000;

/// The category that a definition names.
pub fn category(definition: &LimitDefinitionType) -> Result<Category, Fault> {
    let refused =
        || Fault::invalid_parameter("LimitDefinition.Attributes must be a Category such as UserAuthentication.");
    let name = definition.attributes.get(CATEGORY).filter(|_| definition.attributes.len() == 1).ok_or_else(refused)?;
    Category::ALL.iter().copied().find(|category| category.name() == name).ok_or_else(refused)
}

/// Between the default, which is free, and what this issuer can count.
pub fn check(category: Category, requested: i32) -> Result<(), Fault> {
    if requested < free(category) {
        let text = format!("RequestedLimitValue of {} must be at least {}.", category.name(), free(category));
        return Err(Fault::invalid_parameter(text));
    }
    if requested > HIGHEST {
        let text = format!("RequestedLimitValue can be {HIGHEST} at most.");
        return Err(Fault::new(Exception::ServiceQuotaExceeded, text));
    }
    Ok(())
}

pub fn describe(definition: LimitDefinitionType, category: Category, provisioned: Option<i32>) -> LimitType {
    LimitType {
        free_limit_value: free(category),
        limit_definition: definition,
        provisioned_limit_value: provisioned.unwrap_or(free(category)),
    }
}

fn free(category: Category) -> i32 {
    i32::try_from(category.default_rate()).unwrap_or(HIGHEST)
}

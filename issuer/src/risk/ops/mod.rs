//! One file an operation.

mod describe_risk_configuration;
mod set_risk_configuration;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::DescribeRiskConfiguration, describe_risk_configuration::handle),
        operation(op::SetRiskConfiguration, set_risk_configuration::handle),
    ]
}

//! One file an operation.

mod create_managed_login_branding;
mod delete_managed_login_branding;
mod describe_managed_login_branding;
mod describe_managed_login_branding_by_client;
mod get_ui_customization;
mod set_ui_customization;
mod update_managed_login_branding;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::CreateManagedLoginBranding, create_managed_login_branding::handle),
        operation(op::DeleteManagedLoginBranding, delete_managed_login_branding::handle),
        operation(op::DescribeManagedLoginBranding, describe_managed_login_branding::handle),
        operation(op::DescribeManagedLoginBrandingByClient, describe_managed_login_branding_by_client::handle),
        operation(op::GetUICustomization, get_ui_customization::handle),
        operation(op::SetUICustomization, set_ui_customization::handle),
        operation(op::UpdateManagedLoginBranding, update_managed_login_branding::handle),
    ]
}

//! One file an operation.

mod create_user_import_job;
mod describe_user_import_job;
mod get_csv_header;
mod list_user_import_jobs;
mod start_user_import_job;
mod stop_user_import_job;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::CreateUserImportJob, create_user_import_job::handle),
        operation(op::DescribeUserImportJob, describe_user_import_job::handle),
        operation(op::GetCSVHeader, get_csv_header::handle),
        operation(op::ListUserImportJobs, list_user_import_jobs::handle),
        operation(op::StartUserImportJob, start_user_import_job::handle),
        operation(op::StopUserImportJob, stop_user_import_job::handle),
    ]
}

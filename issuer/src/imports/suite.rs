//! Import jobs, over both engines.

use std::time::Duration;

use serde_json::{Value, json};

use super::model::MOST;
use crate::engines::on_both_engines;
use crate::store::{Batch, Migration, Statement, Store};
use crate::world::{World, refusal, text, with};

on_both_engines!(
    a_job_from_its_making_to_its_end,
    jobs_expire_and_are_listed_by_pages,
    the_header_names_all_columns,
    jobs_that_have_ended_make_room,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn create(world: &World) -> Value {
    let role = "arn:aws:iam::123456789012:role/CognitoCloudWatchLogsRole";
    let request = json!({
        "UserPoolId": world.pool, "JobName": "autumn", "CloudWatchLogsRoleArn": role, "PasswordHashingAlgorithm": "BCRYPT",
    });
    world.ask("CreateUserImportJob", request).await.unwrap()["UserImportJob"].clone()
}

async fn a_job_from_its_making_to_its_end(store: Store) {
    let world = World::new(store).await;
    let made = create(&world).await;
    assert_eq!((&made["Status"], &made["JobName"]), (&json!("Created"), &json!("autumn")));
    assert_eq!((&made["ImportedUsers"], &made["PasswordHashingAlgorithm"]), (&json!(0), &json!("BCRYPT")));
    let url = text(&made["PreSignedUrl"]);
    assert!(url.starts_with("http://issuer.test/imports/") && url.contains(&text(&made["JobId"])), "{url}");
    let named = json!({ "UserPoolId": world.pool, "JobId": made["JobId"] });
    let ask = async |operation: &'static str| world.ask(operation, named.clone()).await;
    assert_eq!(ask("DescribeUserImportJob").await.unwrap()["UserImportJob"], made);
    let stopped = refusal(ask("StopUserImportJob").await);
    assert!(stopped.starts_with("PreconditionNotMetException: "), "{stopped}");
    let started = ask("StartUserImportJob").await.unwrap()["UserImportJob"].clone();
    assert!(started["Status"] == "Pending" && started["StartDate"].is_f64());
    let again = refusal(ask("StartUserImportJob").await);
    assert_eq!(again, "PreconditionNotMetException: Only a job with the status Created can be started.");
    let stopped = ask("StopUserImportJob").await.unwrap()["UserImportJob"].clone();
    assert!(stopped["Status"] == "Stopped" && stopped["CompletionDate"].is_f64());
    assert_eq!(stopped["CompletionMessage"], "The Import Job was stopped by the developer.");
    assert_eq!(ask("DescribeUserImportJob").await.unwrap()["UserImportJob"], stopped);
    let absent = json!({ "UserPoolId": world.pool, "JobId": "import-none" });
    for operation in ["DescribeUserImportJob", "StartUserImportJob", "StopUserImportJob"] {
        let said = refusal(world.ask(operation, absent.clone()).await);
        assert_eq!(said, "ResourceNotFoundException: User import job import-none does not exist.", "{operation}");
    }
}

async fn jobs_expire_and_are_listed_by_pages(store: Store) {
    let world = World::new(store).await;
    let mut made = [text(&create(&world).await["JobId"]), text(&create(&world).await["JobId"])];
    made.sort();
    world.clock.advance(Duration::from_secs(25 * 3_600));
    let list = async |more: Value| {
        let request = with(&json!({ "UserPoolId": world.pool, "MaxResults": 1 }), more);
        world.ask("ListUserImportJobs", request).await.unwrap()
    };
    let first = list(json!({})).await;
    let second = list(json!({ "PaginationToken": first["PaginationToken"] })).await;
    let job = |page: &Value| page["UserImportJobs"][0].clone();
    assert_eq!([text(&job(&first)["JobId"]), text(&job(&second)["JobId"])], made);
    assert!(job(&first)["Status"] == "Expired" && second.get("PaginationToken").is_none());
    let named = json!({ "UserPoolId": world.pool, "JobId": made[0] });
    let late = refusal(world.ask("StartUserImportJob", named).await);
    assert!(late.starts_with("PreconditionNotMetException: "), "{late}");
}

async fn the_header_names_all_columns(store: Store) {
    let schema = json!([{ "Name": "tier", "AttributeDataType": "String" }]);
    let world = World::with_pool(store, json!({ "Schema": schema })).await;
    let header = world.ask("GetCSVHeader", json!({ "UserPoolId": world.pool })).await.unwrap();
    let columns = header["CSVHeader"].as_array().unwrap();
    assert!(
        columns.len() == 22 && columns.contains(&json!("custom:tier")) && columns.contains(&json!("cognito:username"))
    );
    assert_eq!(header["UserPoolId"], json!(world.pool));
}

async fn jobs_that_have_ended_make_room(store: Store) {
    let world = World::new(store).await;
    let ended = create(&world).await;
    let mut batch = Batch::new();
    for n in 1..MOST {
        let insert = Statement::new(
            "INSERT INTO import_jobs (pool, id, name, role_arn, status, created_at, started_at) VALUES ($1, $2, 'n', 'r', 'Pending', 1, 1)",
        );
        batch.add(insert.bind(world.pool.as_str()).bind(format!("import-{n:010}")));
    }
    world.services.store.commit(batch).await.unwrap();
    let request = json!({ "UserPoolId": world.pool, "JobName": "one more", "CloudWatchLogsRoleArn": ended["CloudWatchLogsRoleArn"] });
    let full = refusal(world.ask("CreateUserImportJob", request.clone()).await);
    assert_eq!(full, "LimitExceededException: The user pool has as many import jobs as it may have.");
    world.clock.advance(Duration::from_secs(24 * 3_600 + 1));
    world.ask("CreateUserImportJob", request.clone()).await.unwrap();
    let named = json!({ "UserPoolId": world.pool, "JobId": ended["JobId"] });
    assert!(world.ask("DescribeUserImportJob", named).await.is_err(), "the one that had expired is gone");
    assert!(world.ask("CreateUserImportJob", request).await.is_err(), "those that wait stay");
}

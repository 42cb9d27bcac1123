//! Other AWS calls: query protocol, JSON protocols, S3 keys and signed URLs.

use serde_json::json;

use super::draft::{Client, Draft, component, pairs, path};
use super::prose;
use super::random::Random;

pub fn request(random: &mut Random) -> Draft {
    let draft = match random.below(9) {
        0 => Draft::post("/").host("sqs.us-east-1.amazonaws.com").field("X-Amz-Target", "AmazonSQS.SendMessage").text(
            "application/x-amz-json-1.0",
            json!({
                "QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/orders",
                "MessageBody": json!({ "note": prose::sentence(random), "id": random.uuid() }).to_string(),
                "MessageAttributes": { "type": { "DataType": "String", "StringValue": "order.created" } },
            }).to_string(),
        ),
        1 => Draft::post("/").host("dynamodb.us-east-1.amazonaws.com").field("X-Amz-Target", "DynamoDB_20120810.Query").text(
            "application/x-amz-json-1.0",
            json!({
                "TableName": "orders",
                "KeyConditionExpression": "#pk = :pk AND begins_with(#sk, :sk)",
                "FilterExpression": "total BETWEEN :a AND :b OR attribute_not_exists(#d)",
                "ExpressionAttributeNames": { "#pk": "customer", "#sk": "created", "#d": "deleted" },
                "ExpressionAttributeValues": {
                    ":pk": { "S": prose::full_name(random) },
                    ":sk": { "S": "2026-" },
                    ":a": { "N": "10" },
                    ":b": { "N": "99" },
                },
                "Select": "ALL_ATTRIBUTES",
                "Limit": 25,
            }).to_string(),
        ),
        2 => Draft::post("/").host("dynamodb.us-east-1.amazonaws.com").field("X-Amz-Target", "DynamoDB_20120810.ExecuteStatement").text(
            "application/x-amz-json-1.0",
            json!({
                "Statement": "SELECT id, total FROM orders WHERE customer = ? AND total > ?",
                "Parameters": [{ "S": random.uuid() }, { "N": "10" }],
            }).to_string(),
        ),
        3 => {
            let body = pairs(
                &[
                    ("Action", "PublishBatch"),
                    ("Version", "2010-03-31"),
                    ("TopicArn", "arn:aws:sns:us-east-1:123456789012:orders"),
                    ("PublishBatchRequestEntries.member.1.Id", "a"),
                    ("PublishBatchRequestEntries.member.1.Message", prose::sentence(random)),
                ]
            );
            Draft::post("/").host("sns.us-east-1.amazonaws.com").exact(
                "application/x-www-form-urlencoded; charset=utf-8",
                body.into_bytes(),
            )
        }
        4 => Draft::post("/").host("sts.amazonaws.com").form(
            &[
                ("Action", "AssumeRoleWithWebIdentity"),
                ("Version", "2011-06-15"),
                ("RoleArn", "arn:aws:iam::123456789012:role/web"),
                ("RoleSessionName", "web"),
                ("WebIdentityToken", &super::tokens::jwt(random)),
                (
                    "Policy",
                    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}",
                ),
            ]
        ),
        5 => {
            let key = random.pick(
                &[
                    "reports/2026/03/14/part-0000.csv",
                    "user's uploads/Ä b.png",
                    "a+b/c=d/e&f.txt",
                    "logs/app.log.gz",
                    "select/from/where.json",
                ]
            );
            Draft::get(
                format!(
                    "/{}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA{}%2F20260314%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260314T101530Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token={}&X-Amz-Signature={}&response-content-disposition={}",
                    path(key),
                    random.characters(b"ABCDEFGHIJKLMNOP234567", 16),
                    component(&random.base64(300)),
                    random.hex(64),
                    component("attachment; filename=\"a b.csv\""),
                )
            ).host("bucket.s3.amazonaws.com")
        }
        6 => Draft::get(
            format!(
                "/?list-type=2&prefix={}&delimiter=%2F&max-keys=1000&continuation-token={}",
                component("logs/2026-03-14/"),
                component(&random.base64(40)),
            )
        ).host("bucket.s3.amazonaws.com"),
        7 => Draft::post("/").host("logs.us-east-1.amazonaws.com").field("X-Amz-Target", "Logs_20140328.StartQuery").text(
            "application/x-amz-json-1.1",
            json!({
                "logGroupName": "/aws/lambda/orders",
                "queryString": "fields @timestamp, @message | filter @message like /ERROR|Exception/ | sort @timestamp desc | limit 20",
                "startTime": random.epoch(),
                "endTime": random.epoch(),
            }).to_string(),
        ),
        _ => Draft::post("/").host("events.us-east-1.amazonaws.com").field("X-Amz-Target", "AWSEvents.PutEvents").text(
            "application/x-amz-json-1.1",
            json!({
                "Entries": [{
                    "Source": "com.example.orders",
                    "DetailType": "Order placed",
                    "Detail": json!({ "text": prose::text(random) }).to_string(),
                    "EventBusName": "default",
                }],
            }).to_string(),
        ),
    };
    draft.by(Client::Sdk)
}

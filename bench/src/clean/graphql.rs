//! GraphQL over HTTP: queries, mutations, batches, persisted queries, introspection by tools.

use serde_json::{Value, json};

use super::draft::{Client, Draft, component};
use super::random::Random;
use super::{prose, words};

const QUERIES: [&str; 12] = [
    "query GetUser($id: ID!) {\n  user(id: $id) {\n    id\n    name\n    email\n    orders(first: 10, orderBy: {field: CREATED_AT, direction: DESC}) {\n      edges { node { id total } cursor }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n}",
    "query Search($text: String!, $after: String) { search(query: $text, first: 20, after: $after, filter: {status_in: [OPEN, CLOSED], price_gt: 10}) { nodes { __typename ... on Product { title price } ... on Article { title body } } } }",
    "{ me { id, roles { name }, settings(keys: [\"theme\", \"locale\"]) { key value } } }",
    "query($where: OrderWhere) { orders(where: $where, limit: 20, offset: 40) { id lines { sku } } ordersAggregate { count sum { total } } }",
    "query Dashboard($from: DateTime!, $to: DateTime!, $withTeams: Boolean!) { stats(from: $from, to: $to) { visits union select } teams @include(if: $withTeams) { ...TeamFields } }\nfragment TeamFields on Team { id name members { id } }",
    "query { products(where: {_and: [{name: {_ilike: \"%shoe%\"}}, {price: {_lt: 100}}]}, order_by: {price: asc}) { id name } }",
    "query IntrospectionQuery { __schema { queryType { name } types { kind name fields(includeDeprecated: true) { name args { name type { name } } } } } }",
    "mutation AddComment($input: AddCommentInput!) { addComment(input: $input) { comment { id body createdAt } errors { path message } } }",
    "mutation { updateProfile(input: {name: \"Conor O'Brien\", bio: \"It's \\\"me\\\" -- or not\"}) { ok } }",
    "mutation DeleteRows($ids: [uuid!]!) { delete_table_rows(where: {id: {_in: $ids}}) { affected_rows } insert_log(objects: [{text: \"drop\"}]) { returning { id } } }",
    "subscription OnMessage($room: ID!) { messageAdded(room: $room) { id text author { name } } }",
    "query Feed($cursor: String) { feed(after: $cursor) @connection(key: \"Feed_feed\") { edges { node { id ... on Photo { url(size: \"300x300\") } } } } }",
];

pub fn request(random: &mut Random) -> Draft {
    let operation = operation(random);
    match random.below(8) {
        0 => Draft::get(format!(
            "/graphql?query={}&variables={}",
            component(random.pick(&QUERIES)),
            component(&variables(random).to_string())
        ))
        .by(Client::Script),
        1 => {
            let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": random.hex(64) } });
            Draft::get(format!(
                "/graphql?operationName=Feed&variables={}&extensions={}",
                component(&variables(random).to_string()),
                component(&extensions.to_string())
            ))
            .by(Client::Script)
        }
        2 => Draft::post("/graphql")
            .by(Client::Script)
            .json(&json!([operation, { "query": random.pick(&QUERIES), "variables": {} }])),
        3 => Draft::post("/graphql").by(Client::Program).text("application/graphql", random.pick(&QUERIES)),
        4 => Draft::post("/v1/graphql").by(Client::Program).field("x-hasura-role", "user").json(&operation),
        _ => Draft::post("/graphql").by(Client::Script).field("apollographql-client-name", "web").json(&operation),
    }
}

fn operation(random: &mut Random) -> Value {
    let query = random.pick(&QUERIES);
    let name = query.split([' ', '(', '{']).nth(1).unwrap_or_default();
    json!({ "operationName": name, "variables": variables(random), "query": query })
}

fn variables(random: &mut Random) -> Value {
    match random.below(4) {
        0 => json!({ "id": random.uuid(), "first": 20, "after": random.base64(24) }),
        1 => json!({ "text": random.pick(&words::PRODUCTS), "after": null }),
        2 => {
            json!({
                "input": {
                    "body": prose::document(random),
                    "subjectId": random.base64(18),
                    "clientMutationId": random.digits(6),
                },
            })
        }
        _ => {
            json!({
                "where": {
                    "AND": [{ "status_NOT": "CLOSED" }, { "customer": { "name_CONTAINS": random.pick(&words::LAST) } }]
                },
                "from": random.moment(),
                "to": random.moment(),
                "withTeams": true,
            })
        }
    }
}

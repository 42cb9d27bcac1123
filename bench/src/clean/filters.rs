//! Query languages of honest APIs: OData, JSON:API, Cognito's and AIP-160's filters, Elasticsearch, MongoDB, JQL, PromQL, Lucene, CEL.

use serde_json::json;

use super::draft::{Client, Draft, component, pairs};
use super::random::Random;
use super::words;

pub fn request(random: &mut Random) -> Draft {
    let (field, other) = (random.pick(&words::FIELDS), random.pick(&words::FIELDS));
    let name = random.pick(&words::LAST);
    let draft = match random.below(14) {
        0 => Draft::get(
            format!(
                "/users?filter={}",
                component(
                    random.pick(
                        &[
                            "status = \"Enabled\"",
                            "email ^= \"anna\"",
                            "name = \"O'Brien\"",
                            "cognito:user_status = \"CONFIRMED\"",
                            "family_name=\"Select\"",
                        ]
                    )
                ),
            )
        ),
        1 => Draft::get(
            format!(
                "/odata/Orders?$filter={}&$orderby=CreatedAt%20desc&$top=20&$skip=40&$select=Id,Name&$expand=Lines($select=Sku)",
                component(
                    &format!(
                        "Status eq 'Open' and contains(Customer/Name,'{}') or {field} gt 10",
                        name.replace('\'', "''"),
                    )
                ),
            )
        ),
        2 => Draft::get(
            format!(
                "/odata/Products?{}",
                pairs(
                    &[
                        ("$filter", "Price lt 100 and (startswith(Name,'A') or Name eq null)"),
                        ("$count", "true"),
                        ("$orderby", "Price asc"),
                    ]
                ),
            )
        ),
        3 => Draft::get(
            format!(
                "/articles?filter[{field}]={}&include=author,comments.author&fields[articles]=title,body&page[number]=3&page[size]=1&sort=-created_at,title",
                component(name),
            )
        ).field("Accept", "application/vnd.api+json"),
        4 => Draft::post("/articles").text(
            "application/vnd.api+json",
            json!({
                "data": {
                    "type": "articles",
                    "attributes": { "title": name, "where": other },
                    "relationships": { "author": { "data": { "type": "people", "id": "9" } } },
                },
            }).to_string(),
        ),
        5 => Draft::post("/products/_search").json(
            &json!({
                "query": {
                    "bool": {
                        "must": [
                            { "match": { "title": { "query": random.pick(&words::PRODUCTS), "operator": "and" } } },
                            { "query_string": { "query": format!("({field}:[10 TO 20]) AND NOT {other}:\"{name}\"") } },
                        ],
                        "filter": [
                            { "range": { "created_at": { "gte": "now-7d/d", "lt": "now" } } },
                            { "term": { "status": "open" } },
                        ],
                        "should": [{ "wildcard": { "name": { "value": "o'*" } } }],
                    }
                },
                "aggs": { "by_brand": { "terms": { "field": "brand.keyword", "order": { "_count": "desc" } } } },
                "size": 20,
                "sort": [{ "_score": "desc" }],
                "_source": { "excludes": ["*.raw"] },
            })
        ),
        6 => Draft::post("/_msearch").text(
            "application/x-ndjson",
            format!(
                "{{\"index\":\"orders\"}}\n{{\"query\":{{\"match\":{{\"{field}\":\"{}\"}}}},\"size\":5}}\n",
                name.replace('"', ""),
            ),
        ),
        7 => Draft::post("/data/find").json(
            &json!({
                "collection": "orders",
                "filter": {
                    "$and": [
                        { "total": { "$gte": 10, "$lt": 50 } },
                        { "status": { "$in": ["open", "paid"] } },
                        { "$or": [{ "name": { "$regex": "^O'", "$options": "i" } }, { "vip": { "$ne": false } }] },
                    ]
                },
                "sort": { "_id": -1 },
                "limit": 20,
                "projection": { "_id": 0 },
            })
        ),
        8 => Draft::get(
            format!(
                "/rest/api/2/search?jql={}&maxResults=50",
                component(
                    &format!(
                        "project = WEB AND status in (Open, \"In Progress\") AND text ~ \"{}\" AND created >= -7d ORDER BY {field} DESC",
                        name.replace('"', ""),
                    )
                ),
            )
        ),
        9 => Draft::get(
            format!(
                "/api/v1/query_range?query={}&start={}&end={}&step=15s",
                component(
                    "sum by (job) (rate(http_requests_total{code=~\"5..\",handler!=\"/metrics\"}[5m])) / 2 > 0.1 or vector(0)"
                ),
                random.epoch(),
                random.epoch(),
            )
        ),
        10 => Draft::get(
            format!(
                "/loki/api/v1/query?query={}",
                component(
                    "{app=\"web\"} |= \"error\" != \"timeout\" | json | status >= 500 | line_format \"{{.msg}}\""
                ),
            )
        ),
        11 => Draft::post("/v1/rules").json(
            &json!({
                "name": "big orders",
                "when": format!("{field} >= 100 && ({other} == 'open' || size(lines) > 3)"),
                "expression": "has(user.email) && user.email.endsWith('@example.com')",
                "then": { "set": { "priority": "high" } },
                "jmespath": "Reservations[*].Instances[?State.Name=='running'].[InstanceId, Tags[?Key=='Name'] | [0].Value]",
            })
        ),
        12 => Draft::get(
            format!(
                "/v1/{}?filter={}&order_by={}",
                random.pick(&words::PATHS),
                component(
                    &format!(
                        "{field} > 5 AND (state = ACTIVE OR labels.env:prod) AND NOT name:\"{}\"",
                        name.replace('"', ""),
                    )
                ),
                component(&format!("{other} desc, id")),
            )
        ),
        _ => Draft::get(
            format!(
                "/tables/v1?select=id,name,{other}&{field}=gte.10&status=in.(open,closed)&or=(age.lt.18,age.gt.65)&order={field}.desc.nullslast&limit=10"
            )
        ),
    };
    draft.by(if random.percent(50) { Client::Program } else { Client::Script })
}

use common::verify::ClaimPath;

use super::*;

#[test]
fn own_headers_and_added_ones_are_found_in_every_spelling() {
    let own = own_names(["x-user-id"].into_iter()).unwrap();
    let mut headers = HeaderMap::new();
    for name in ["x-user-id", "x_user_id", "x-forwarded-for", "x_forwarded_for", "x-original-url", "accept", "x-user"] {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static("1"));
    }
    let mut found: Vec<String> = identity_aliases(&own, &headers).iter().map(ToString::to_string).collect();
    found.sort();
    assert_eq!(found, ["x-forwarded-for", "x-original-url", "x-user-id", "x_forwarded_for", "x_user_id"]);
}

#[test]
fn templates_need_their_claims() {
    let template = [Piece::Text("user-".into()), Piece::Claim(ClaimPath::parse("sub").unwrap())];
    assert_eq!(render(&template, None), None);
    assert_eq!(render(&[Piece::Text("edge".into())], None).unwrap(), "edge");
}

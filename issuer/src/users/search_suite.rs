//! Searches with a store: what they find, page by page, and how much of the table a page touches.

use std::collections::BTreeSet;

use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use super::filter;
use super::model::{Status, User};
use super::search::{Position, Search};
use super::{groups, rows, search};
use crate::engines::{self, on_both_engines};
use crate::store::{Batch, Migration, Query, Statement, Store};

on_both_engines!(
    filters_find_what_they_say,
    pages_join_whatever_their_size,
    rows_that_come_and_go_disturb_no_others,
    long_values_are_stored_and_found,
    a_group_lists_its_members_in_pages,
    a_large_pool_is_paged_to_its_end,
);

fn migrations() -> Vec<&'static Migration> {
    vec![&rows::MIGRATION, &search::MIGRATION, &groups::MIGRATION]
}

fn pool() -> PoolId {
    PoolId::parse("eu_a").unwrap()
}

fn user(number: u32, attributes: &[(&str, &str)]) -> User {
    User {
        sub: Sub::parse(format!("{number:08x}-6b3d-4b0e-9f0e-1a2b3c4d5e6f")).unwrap(),
        username: format!("user-{number}"),
        attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        ..User::sample()
    }
}

async fn commit(store: &Store, statements: impl IntoIterator<Item = Statement>) {
    let statements: Vec<Statement> = statements.into_iter().collect();
    for part in statements.chunks(1_000) {
        let mut batch = Batch::new();
        batch.extend(part.iter().cloned());
        store.commit(batch).await.unwrap();
    }
}

async fn read(store: &Store, query: Option<Query>) -> Vec<User> {
    let rows = match query {
        Some(query) => store.read(query).await.unwrap(),
        None => Vec::new(),
    };
    rows.iter().map(|row| rows::user(row).unwrap()).collect()
}

/// The numbers of all users that a filter finds, read in pages.
async fn found(store: &Store, text: &str, size: u64) -> Vec<u32> {
    let search = Search::new(filter::parse(text).unwrap());
    let (mut numbers, mut after): (Vec<u32>, Option<Position>) = (Vec::new(), None);
    loop {
        let users = read(store, search.query(&pool(), after.as_ref(), size)).await;
        numbers.extend(users.iter().map(number));
        match users.last() {
            Some(last) if users.len() as u64 == size => after = Some(search.position(last)),
            _ => return numbers,
        }
    }
}

fn number(user: &User) -> u32 {
    u32::from_str_radix(&user.sub.as_str()[..8], 16).unwrap()
}

async fn filters_find_what_they_say(store: Store) {
    let mut ann = user(1, &[("email", "ann@x.example"), ("name", "Ann"), ("given_name", "a\"b\\c")]);
    ann.username = "Ann".into();
    let mut bob = user(2, &[("email", "Ann@x.example"), ("family_name", "Bó%_ "), ("custom:foo", "Ann")]);
    (bob.status, bob.enabled) = (Status::Unconfirmed, false);
    let mut cid = user(3, &[("email", "anna@x.example"), ("phone_number", "+491511234567"), ("name", "")]);
    cid.status = Status::ForceChangePassword;
    let elsewhere = User { pool: PoolId::parse("eu_b").unwrap(), ..ann.clone() };
    commit(&store, [ann, bob, cid, elsewhere].iter().map(rows::insert)).await;
    let cases: [(&str, &[u32]); 27] = [
        ("", &[1, 2, 3]),
        (r#"email = "ann@x.example""#, &[1]),
        (r#"email = "ann""#, &[]),
        (r#"email ^= "ann""#, &[1, 3]),
        (r#"email ^= "Ann""#, &[2]),
        (r#"email ^= """#, &[2, 1, 3]),
        (r#"username = "Ann""#, &[1]),
        (r#"username = "ann""#, &[]),
        (r#"username ^= "user-""#, &[2, 3]),
        (r#"username ^= """#, &[1, 2, 3]),
        (r#"name = "Ann""#, &[1]),
        (r#"name ^= """#, &[3, 1]),
        (r#"given_name = "a\"b\\c""#, &[1]),
        (r#"family_name = "Bó%_ ""#, &[2]),
        (r#"family_name ^= "B%""#, &[]),
        (r#"phone_number ^= "+49""#, &[3]),
        (r#"preferred_username ^= """#, &[]),
        (r#"sub = "00000002-6b3d-4b0e-9f0e-1a2b3c4d5e6f""#, &[2]),
        (r#"sub ^= "00000""#, &[1, 2, 3]),
        (r#"sub ^= "00000003""#, &[3]),
        (r#"status = "Enabled""#, &[1, 3]),
        (r#"status = "Disabled""#, &[2]),
        (r#"status ^= "Dis""#, &[2]),
        (r#"status = "disabled""#, &[]),
        (r#"cognito:user_status = "confirmed""#, &[1]),
        (r#"cognito:user_status ^= "f""#, &[3]),
        (r#"cognito:user_status ^= """#, &[1, 2, 3]),
    ];
    for (text, want) in cases {
        for size in [1, 2, 60] {
            assert_eq!(found(&store, text, size).await, want, "{text} by {size}");
        }
    }
}

async fn pages_join_whatever_their_size(store: Store) {
    // Few values, so that pages end among equal ones.
    let users: Vec<User> = (0..150).map(|n| user(n, &[("name", ["a", "b", "ba", "c"][n as usize % 4])])).collect();
    commit(&store, users.iter().map(rows::insert)).await;
    for (text, want) in [("", 150), (r#"name = "b""#, 38), (r#"name ^= "b""#, 75), (r#"name ^= """#, 150)] {
        for size in [1, 7, 37, 38, 60, 150] {
            let numbers = found(&store, text, size).await;
            assert_eq!(numbers.len(), want, "{text} by {size}");
            assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), want, "{text} by {size}: one came twice");
        }
    }
}

async fn rows_that_come_and_go_disturb_no_others(store: Store) {
    let stays = |n: u32| n.is_multiple_of(2);
    commit(&store, (0..100).map(|n| rows::insert(&user(n, &[("email", &format!("m{}@x", n % 10))])))).await;
    let mut next = 1_000;
    for text in ["", r#"email ^= "m""#, r#"cognito:user_status = "CONFIRMED""#] {
        let search = Search::new(filter::parse(text).unwrap());
        let (mut seen, mut after): (Vec<u32>, Option<Position>) = (Vec::new(), None);
        loop {
            let users = read(&store, search.query(&pool(), after.as_ref(), 9)).await;
            let Some(last) = users.last() else { break };
            after = Some(search.position(last));
            seen.extend(users.iter().map(number).filter(|n| stays(*n) && *n < 100));
            // The last row of the page goes, if it may, and new ones come before and behind it.
            let gone = last.sub.clone();
            let delete = Statement::new("DELETE FROM users WHERE pool = $1 AND sub = $2").bind(&pool()).bind(&gone);
            let new = |at: u32| rows::insert(&user(at, &[("email", &format!("m{}@x", at % 10))]));
            let going = (!stays(number(last))).then_some(delete);
            // Some sort before this page, some behind it; not for ever, or the list would not end.
            let coming = if next < 1_200 { vec![new(next), new(next + 1)] } else { Vec::new() };
            next += 2;
            commit(&store, going.into_iter().chain(coming)).await;
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..100).filter(|n| stays(*n)).collect::<Vec<_>>(), "{text}");
    }
}

async fn long_values_are_stored_and_found(store: Store) {
    // No two parts alike, so that no engine packs it into a small entry.
    let long: String = (0..2_048_u32).map(|n| char::from_u32(0x4e00 + n * 7).unwrap()).collect();
    let beginning: String = long.chars().take(200).collect();
    let first = |length: usize| format!("name = \"{}\"", long.chars().take(length).collect::<String>());
    commit(&store, (0..5).map(|n| rows::insert(&user(n, &[("name", &long), ("family_name", &long)])))).await;
    for size in [1, 2, 60] {
        assert_eq!(found(&store, &format!("name ^= \"{beginning}\""), size).await, [0, 1, 2, 3, 4]);
    }
    assert_eq!(found(&store, &first(255), 60).await, [] as [u32; 0], "a part is not the whole");
}

/// The indexes come by a migration; rows that were there before are in them.
#[tokio::test]
async fn users_of_the_build_before_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let before = engines::sqlite(&folder, &[&rows::MIGRATION]).await;
    commit(&before, [rows::insert(&user(1, &[("email", "old@x")]))]).await;
    drop(before);
    let store = engines::sqlite(&folder, &migrations()).await;
    assert_eq!(found(&store, r#"email ^= "old""#, 60).await, [1]);
}

async fn a_group_lists_its_members_in_pages(store: Store) {
    let users: Vec<User> = (0..25).map(|n| user(n, &[])).collect();
    let group = groups::Group {
        pool: pool(),
        name: "staff".into(),
        description: None,
        role_arn: None,
        precedence: None,
        created: UnixMillis(0),
        modified: UnixMillis(0),
    };
    commit(&store, users.iter().map(rows::insert)).await;
    commit(&store, [groups::insert(&group), groups::insert(&groups::Group { name: "other".into(), ..group.clone() })])
        .await;
    commit(&store, users.iter().filter(|u| number(u) % 2 == 0).map(|u| groups::join(u, "staff", UnixMillis(0)))).await;
    commit(&store, users.iter().map(|u| groups::join(u, "other", UnixMillis(0)))).await;
    for size in [1, 5, 13, 60] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let users = read(&store, Some(groups::members(&pool(), "staff", &after, size))).await;
            let Some(last) = users.last() else { break };
            after = last.sub.to_string();
            seen.extend(users.iter().map(number));
        }
        assert_eq!(seen, (0..25).step_by(2).collect::<Vec<_>>());
    }
    let of = store.read(groups::page_of_user(&pool(), &users[2].sub, "", 60)).await.unwrap();
    assert_eq!(of.iter().map(|row| groups::group(row).unwrap().name).collect::<Vec<_>>(), ["other", "staff"]);
    commit(&store, groups::delete(&pool(), "staff")).await;
    assert!(read(&store, Some(groups::members(&pool(), "staff", "", 60))).await.is_empty());
    let of = store.read(groups::page_of_user(&pool(), &users[2].sub, "", 60)).await.unwrap();
    assert_eq!(of.len(), 1);
}

async fn a_large_pool_is_paged_to_its_end(store: Store) {
    let emails: Vec<String> = (0..10_000).map(|n| format!("{:04}-{n}@x.example", n % 5_000)).collect();
    let users: Vec<User> = (0..10_000_u32).map(|n| user(n, &[("email", &emails[n as usize])])).collect();
    commit(&store, users.iter().map(rows::insert)).await;
    assert_eq!(found(&store, "", 61).await, (0..10_000).collect::<Vec<_>>());
    let mut by_prefix = found(&store, r#"email ^= "0""#, 61).await;
    by_prefix.sort_unstable();
    assert_eq!(by_prefix, (0..1_000).chain(5_000..6_000).collect::<Vec<_>>());
    assert_eq!(found(&store, r#"email ^= "0007-""#, 61).await, [5_007, 7]);
}

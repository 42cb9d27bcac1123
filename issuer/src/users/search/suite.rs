//! Searches with a store: what they find, page by page, and how much of the table a page touches.

use std::collections::BTreeSet;

use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use super::indexes::{self, Index, Indexes, State};
use super::{MOST_ROWS, Place, Position, Search, derived};
use crate::engines::{self, on_both_engines};
use crate::store::{Batch, Migration, Query, Statement, Store};
use crate::users::filter;
use crate::users::model::{Status, User};
use crate::users::{groups, mfa, rows, search};

on_both_engines!(
    filters_find_what_they_say,
    pages_join_whatever_their_size,
    rows_that_come_and_go_disturb_no_others,
    long_values_are_stored_and_found,
    a_group_lists_its_members_in_pages,
    a_large_pool_is_paged_to_its_end,
    filters_beyond_cognitos_find_what_they_say,
    what_triggers_keep_follows_every_change,
    an_index_is_made_while_users_change_and_goes_without_a_trace,
    a_page_has_a_bound_whatever_the_filter,
);

fn migrations() -> Vec<&'static Migration> {
    let older = [&rows::MIGRATION, &mfa::MIGRATION, &search::MIGRATION, &groups::MIGRATION];
    older.into_iter().chain([&derived::MIGRATION, &search::PARTIAL]).collect()
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
    let filter = filter::parse(text).unwrap();
    let search = Search::new(filter.as_ref(), &Indexes::of_pool(store, &pool()).await.unwrap());
    let Some(range) = search.exact() else { return found_by_rows(store, &search, size as usize).await };
    let (mut numbers, mut after): (Vec<u32>, Option<Position>) = (Vec::new(), None);
    loop {
        let Some(query) = range.query(&pool(), after.as_ref(), size) else { return numbers };
        let rows = store.read(query).await.unwrap();
        let users: Vec<User> = rows.iter().map(|row| rows::user(row).unwrap()).collect();
        numbers.extend(users.iter().map(number));
        match (rows.last(), users.last()) {
            (Some(row), Some(last)) if users.len() as u64 == size => after = Some(range.position(row, last).unwrap()),
            _ => return numbers,
        }
    }
}

async fn found_by_rows(store: &Store, search: &Search, size: usize) -> Vec<u32> {
    let (mut numbers, mut after): (Vec<u32>, Option<Place>) = (Vec::new(), None);
    for _ in 0..1_000 {
        let page = search.page(store, &pool(), after, size, |user| user).await.unwrap();
        assert!(page.users.len() <= size);
        numbers.extend(page.users.iter().map(number));
        after = page.next;
        if after.is_none() {
            return numbers;
        }
    }
    panic!("the pages do not end");
}

/// An index, made to its end.
async fn indexed(store: &Store, attribute: &str) -> Index {
    commit(store, [indexes::create(&pool(), attribute, UnixMillis(0))]).await;
    let mut index = indexes::named(store, &pool(), attribute).await.unwrap();
    while index.state == State::Building {
        index = indexes::build(store, &pool(), &index, UnixMillis(10_000)).await.unwrap();
    }
    index
}

async fn count(store: &Store, table: &str) -> i64 {
    store.one(Query::new(format!("SELECT COUNT(*) FROM {table}"))).await.unwrap().unwrap().int(0).unwrap()
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
        let search = Search::new(filter::parse(text).unwrap().as_ref(), &Indexes::default());
        let range = search.exact().unwrap();
        let (mut seen, mut after): (Vec<u32>, Option<Position>) = (Vec::new(), None);
        loop {
            let rows = store.read(range.query(&pool(), after.as_ref(), 9).unwrap()).await.unwrap();
            let users: Vec<User> = rows.iter().map(|row| rows::user(row).unwrap()).collect();
            let (Some(last), Some(row)) = (users.last(), rows.last()) else { break };
            after = Some(range.position(row, last).unwrap());
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
    let before = engines::sqlite(&folder, &[&rows::MIGRATION, &mfa::MIGRATION]).await;
    commit(&before, [rows::insert(&user(1, &[("email", "old@x"), ("custom:a", "old")]))]).await;
    drop(before);
    let store = engines::sqlite(&folder, &migrations()).await;
    assert_eq!(found(&store, r#"email ^= "old""#, 60).await, [1]);
    assert_eq!(found(&store, r#"custom:a = "old""#, 60).await, [1]);
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
    commit(
        &store,
        users.iter().filter(|u| number(u).is_multiple_of(2)).map(|u| groups::join(u, "staff", UnixMillis(0))),
    )
    .await;
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

/// The same with indexes of none, one, and all of the attributes.
async fn filters_beyond_cognitos_find_what_they_say(store: Store) {
    let long = format!("{}end of it", "x".repeat(100));
    let mut ann = user(1, &[("email", "ann@x.example"), ("custom:plan", "gold"), ("custom:note", "abab%_\u{1}")]);
    ann.username = "annabel".into();
    let bob = user(2, &[("email", "bob@x.example"), ("custom:plan", "gold"), ("dev:custom:note", "abab")]);
    let mut cid = user(
        3,
        &[("email", "cid@y.example"), ("custom:plan", "golden"), ("name", long.as_str()), ("custom:twice", "--x")],
    );
    cid.enabled = false;
    let dee = user(4, &[("email", "dee@x.example"), ("custom:note", "Übergröße"), ("custom:plan", "")]);
    let elsewhere = User { pool: PoolId::parse("eu_b").unwrap(), ..ann.clone() };
    commit(&store, [ann, bob, cid, dee, elsewhere].iter().map(rows::insert)).await;
    let long_pattern = format!("name *= \"{}end\"", "x".repeat(60));
    let long_end = format!("name $= \"{}end of it\"", "x".repeat(60));
    let no_end = format!("name $= \"{}end of i\"", "x".repeat(60));
    let cases: [(&str, &[u32]); 25] = [
        (r#"name *= "x" and custom:twice *= "x""#, &[3]),
        (r#"custom:plan = "gold""#, &[1, 2]),
        (r#"custom:plan = "gol""#, &[]),
        (r#"custom:plan ^= "gol""#, &[1, 2, 3]),
        (r#"custom:plan ^= """#, &[1, 2, 3, 4]),
        (r#"custom:note ^= "abab%""#, &[1]),
        (r#"dev:custom:note = "abab""#, &[2]),
        (r#"custom:plan = "gold" and email = "bob@x.example""#, &[2]),
        (r#"custom:plan ^= "gold" and status = "Enabled""#, &[1, 2]),
        (r#"status = "Disabled" and custom:plan ^= "g" and cognito:user_status = "confirmed""#, &[3]),
        (r#"status = "disabled" and custom:plan ^= "g""#, &[]),
        (r#"email *= "@x.""#, &[1, 2, 4]),
        (r#"email *= "e""#, &[1, 2, 3, 4]),
        (r#"email *= """#, &[1, 2, 3, 4]),
        (r#"email $= "y.example""#, &[3]),
        (r#"email $= "example.""#, &[]),
        (r#"email *= "x" and custom:plan $= "old""#, &[1, 2]),
        (r#"custom:note *= "ab""#, &[1]),
        (r#"custom:note *= "%_""#, &[1]),
        (r#"custom:note $= "größe""#, &[4]),
        (r#"username *= "nab" and email *= "ann""#, &[1]),
        (r#"username $= "-2""#, &[2]),
        (&long_pattern, &[3]),
        (&long_end, &[3]),
        (&no_end, &[]),
    ];
    for round in [&[][..], &["email"], &["username", "name", "custom:plan", "custom:note"]] {
        for attribute in round {
            assert_eq!(indexed(&store, attribute).await.state, State::Ready);
        }
        for (text, want) in &cases {
            for size in [1, 2, 60] {
                let mut numbers = found(&store, text, size).await;
                numbers.sort_unstable();
                assert_eq!(numbers, *want, "{text} by {size} with {round:?}");
            }
        }
    }
}

async fn what_triggers_keep_follows_every_change(store: Store) {
    commit(&store, [indexes::create(&pool(), "custom:a", UnixMillis(0))]).await;
    let ann = user(1, &[("custom:a", "one"), ("custom:b", "same"), ("email", "a@x")]);
    commit(&store, [rows::insert(&ann)]).await;
    assert_eq!((count(&store, "derived_values").await, count(&store, "derived_suffixes").await), (2, 3));
    type Change<'a> = (&'a [(&'a str, &'a str)], (i64, i64));
    let changes: [Change<'_>; 5] = [
        (&[("custom:a", "fifteen"), ("custom:b", "same")], (2, 7)),
        (&[("custom:b", "same"), ("name", "custom:a")], (1, 0)),
        (&[("custom:b", "other"), ("custom:a", "two")], (2, 3)),
        (&[("email", "b@x")], (0, 0)),
        (&[("custom:a", "three"), ("email", "b@x")], (1, 5)),
    ];
    let mut before = ann.clone();
    for (attributes, want) in changes {
        let after = user(1, attributes);
        commit(&store, [rows::update_profile(&before, before.status, &after.attributes, UnixMillis(1))]).await;
        let kept = (count(&store, "derived_values").await, count(&store, "derived_suffixes").await);
        assert_eq!(kept, want, "{attributes:?}");
        before = after;
    }
    assert_eq!(found(&store, r#"custom:a = "three""#, 60).await, [1]);
    // What holds a row to guard it changes nothing, and the same again neither.
    commit(&store, [rows::has_attributes(&before), derived::derive_again(&pool(), "", "g")]).await;
    assert_eq!((count(&store, "derived_values").await, count(&store, "derived_suffixes").await), (1, 5));
    commit(&store, [rows::delete(&before)]).await;
    assert_eq!((count(&store, "derived_values").await, count(&store, "derived_suffixes").await), (0, 0));
}

async fn an_index_is_made_while_users_change_and_goes_without_a_trace(store: Store) {
    let users: Vec<User> = (0..200).map(|n| user(n * 2, &[("email", &format!("u{n}@x.example"))])).collect();
    commit(&store, users.iter().map(rows::insert)).await;
    commit(&store, [indexes::create(&pool(), "email", UnixMillis(1_000))]).await;
    let mut index = indexes::named(&store, &pool(), "email").await.unwrap();
    let early = indexes::build(&store, &pool(), &index, UnixMillis(1_001)).await.unwrap();
    assert_eq!(early, index, "writers that began before must end first");
    let mut step = 0;
    while index.state == State::Building {
        // Before and behind the place that the making has come to: one goes, one changes, one comes.
        let (gone, changed) = (&users[step], &users[199 - step]);
        let email = [("email".to_owned(), format!("changed{step}@y.example"))].into();
        commit(
            &store,
            [
                rows::delete(gone),
                rows::update_profile(changed, changed.status, &email, UnixMillis(2)),
                rows::insert(&user(1_001 + step as u32, &[("email", "new@z.example")])),
                rows::insert(&user(1 + 2 * step as u32, &[("email", "new@z.example")])),
            ],
        )
        .await;
        step += 1;
        index = indexes::build(&store, &pool(), &index, UnixMillis(9_000)).await.unwrap();
    }
    assert!(step >= 8 && index.done >= 190, "{step} {}", index.done);
    assert_eq!(found(&store, r#"email *= "@x""#, 60).await.len(), 200 - 2 * step);
    assert_eq!(found(&store, r#"email $= "@y.example""#, 60).await.len(), step);
    assert_eq!(found(&store, r#"email *= "new@""#, 60).await.len(), 2 * step);
    let stale = indexes::named(&store, &pool(), "email").await.unwrap();
    assert!(indexes::drop_some(&store, &pool(), &stale).await.unwrap());
    assert!(matches!(indexes::drop_some(&store, &pool(), &stale).await, Err(indexes::IndexError::Busy)));
    assert_eq!(found(&store, r#"email *= "@x""#, 60).await.len(), 200 - 2 * step, "without the index, too");
    let dropping = indexes::named(&store, &pool(), "email").await.unwrap();
    while indexes::drop_some(&store, &pool(), &dropping).await.unwrap() {}
    assert_eq!(count(&store, "derived_suffixes").await + count(&store, "search_indexes").await, 0);
}

/// Without an index for it, a filter that few rows meet is read in pages that may be empty, and lead on.
async fn a_page_has_a_bound_whatever_the_filter(store: Store) {
    let plan = |n: u32| if n == 2_400 { "rare" } else { "common" };
    let users: Vec<User> = (0..2_500).map(|n| user(n, &[("custom:plan", plan(n)), ("name", "x")])).collect();
    commit(&store, users.iter().map(rows::insert)).await;
    let filter = filter::parse(r#"custom:plan *= "are""#).unwrap();
    let search = Search::new(filter.as_ref(), &Indexes::default());
    let first = search.page(&store, &pool(), None, 60, |user| user).await.unwrap();
    assert!(first.users.is_empty() && first.next.is_some());
    assert_eq!(found(&store, r#"custom:plan *= "are""#, 60).await, [2_400]);
    // The range with the fewest rows is read, whichever term it is of: one page.
    let filter = filter::parse(r#"name = "x" and custom:plan = "rare" and status = "Enabled""#).unwrap();
    let search = Search::new(filter.as_ref(), &Indexes::default());
    let only = search.page(&store, &pool(), None, 60, |user| user).await.unwrap();
    assert_eq!((only.users.len(), only.next), (1, None));
    // A range that is not there any more is not taken for the one that has its place now.
    let filter = filter::parse(r#"custom:plan = "common" and name = "x""#).unwrap();
    let search = Search::new(filter.as_ref(), &Indexes::default());
    let next = search.page(&store, &pool(), None, 60, |user| user).await.unwrap().next.unwrap();
    assert!(search.has(&next));
    let changed = search.without_custom_ranges();
    assert!(
        !changed.has(&next) && changed.page(&store, &pool(), Some(next), 60, |user| user).await.unwrap().next.is_none()
    );
    const { assert!(MOST_ROWS < 2_400) };
}

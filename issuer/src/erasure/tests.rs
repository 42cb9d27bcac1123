//! Nothing of a user stays, on both engines; and no table is forgotten.

use std::sync::Arc;
use std::time::Duration;

use common::clock::{FakeClock, UnixMillis};
use common::ids::ClientId;

use super::*;
use crate::codes::CodeSlot;
use crate::devices::{Device, DeviceKey};
use crate::engines::{on_both_engines, sqlite};
use crate::envelope::RootKey;
use crate::factors::passkeys::{self, Passkey};
use crate::limits::{Budget, Lockout};
use crate::migrations;
use crate::sessions::{Rotation, Session};
use crate::signin::rows::NewAttempt;
use crate::store::{Migration, Query, Store};
use crate::users::groups::{self, Group};
use crate::users::rows;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const ANN: &str = "0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f";
const BOB: &str = "1c6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f";
/// Tables with rows of users, and their column.
const TABLES: [(&str, &str); 21] = [
    ("attempts", "sub"),
    ("auth_events", "sub"),
    ("browser_sessions", "sub"),
    ("budgets", "spender"),
    ("derived_values", "sub"),
    ("devices", "sub"),
    ("linked_identities", "sub"),
    ("lockouts", "subject"),
    ("login_names", "sub"),
    ("memberships", "sub"),
    ("oauth_codes", "sub"),
    ("oauth_consents", "sub"),
    ("oauth_devices", "sub"),
    ("oauth_logout_notices", "sub"),
    ("one_time_codes", "subject"),
    ("passkey_challenges", "sub"),
    ("passkeys", "sub"),
    ("sessions", "sub"),
    ("software_tokens", "sub"),
    ("users", "sub"),
    ("waiting_addresses", "sub"),
];
/// Where a user's name stays: what was done, and what edges were told.
const KEPT: [&str; 2] = ["audit", "feed_log"];

on_both_engines!(nothing_of_a_user_stays_and_nothing_of_another_goes, a_mint_meanwhile_is_not_left_uncovered);

fn migrations() -> Vec<&'static Migration> {
    migrations::all()
}

fn user(sub: &str) -> User {
    let attributes = [("custom:a".to_owned(), "v".to_owned())].into();
    User { sub: Sub::parse(sub).unwrap(), username: sub.into(), attributes, ..User::sample() }
}

/// A user with a row in every table.
async fn settle(store: &Store, user: &User, salt: u8) {
    let (pool, sub) = (&user.pool, &user.sub);
    let client = ClientId::parse("c").unwrap();
    let root = RootKey::from_text(&common::secret::SecretString::new("07".repeat(32))).unwrap();
    let key = root.new_pool_key(pool).unwrap().0;
    let group = Group {
        pool: pool.clone(),
        name: format!("g{salt}"),
        description: None,
        role_arn: None,
        precedence: None,
        created: NOW,
        modified: NOW,
    };
    let attempt = NewAttempt {
        pool,
        digest: [salt; 32],
        client: &client,
        sub: Some(sub),
        block_digest: None,
        sealed: vec![1],
        expires: NOW,
    };
    let session = Session {
        pool: pool.clone(),
        origin_jti: format!("o{salt}"),
        sub: sub.clone(),
        client: client.clone(),
        refresh_digest: [salt; 32],
        scope: String::new(),
        minted: NOW,
        authenticated: NOW,
        expires: NOW,
        rotation: Rotation::default(),
        parent: None,
        device: None,
        revoked: None,
        active: None,
        seen: None,
        details: sessions::Details::default(),
    };
    let device = Device {
        pool: pool.clone(),
        sub: sub.clone(),
        key: DeviceKey::parse("eu_0").unwrap(),
        group_key: "-0".into(),
        name: None,
        sealed_verifier: None,
        remembered: true,
        trust: None,
        last_address: String::new(),
        authenticated: NOW,
        created: NOW,
        modified: NOW,
        version: 0,
    };
    let slot = CodeSlot { pool, purpose: "test", subject: sub.as_str(), target: "" };
    let waiting = Statement::new(
        "INSERT INTO waiting_addresses (pool, sub, attribute, value, asked_at) VALUES ($1, $2, 'email', 'x', 1)",
    );
    let link = linking::rows::Link { pool, provider: "Corp", provider_made: NOW, attribute: "a", value: sub.as_str() };
    let event = Statement::new(
        "INSERT INTO auth_events (pool, sub, id, at, kind, response, challenges, address)
         VALUES ($1, $2, 'e', 1, 'SignIn', 'Pass', '', '192.0.2.1')",
    );
    let mut batch = Batch::new();
    batch.add(rows::insert(user));
    batch.add(rows::claim_name(pool, &user.username, "username", sub));
    batch.add(groups::insert(&group));
    batch.add(groups::join(user, &group.name, NOW));
    batch.add(waiting.bind(pool).bind(sub));
    batch.add(codes::issue(NOW, &key, slot, Duration::from_secs(1)).unwrap().statement);
    batch.add(signin::rows::insert(&attempt));
    batch.add(sessions::rows::insert(&session));
    batch.add(code(pool, sub, &client, salt));
    batch.extend(of_pages(pool, sub, salt));
    batch.add(devices::rows::insert(&device));
    let passkey = Passkey {
        pool: pool.clone(),
        sub: sub.clone(),
        credential: format!("c{salt}"),
        public_key: vec![1],
        sign_count: 0,
        flags: 0,
        name: "n".into(),
        relying_party: "example.com".into(),
        transports: Vec::new(),
        attachment: None,
        created: NOW,
    };
    let asked = passkeys::rows::Asked { digest: [salt; 32], client: client.clone(), expires: NOW };
    batch.add(factors::rows::put_pending(user, &[1], NOW));
    batch.add(passkeys::rows::insert(&passkey));
    batch.add(passkeys::rows::put_challenge(user, &asked));
    batch.add(linking::rows::insert(&link, sub, NOW));
    batch.add(event.bind(pool).bind(sub));
    store.commit(batch).await.unwrap();
    budget::spend(NOW, store, pool, Budget::ChangePassword, &Spender::user(sub)).await.unwrap();
    let lockout = Lockout::new(store.clone(), Arc::new(FakeClock::at(NOW)));
    lockout.attempt(lockout::Subject::user(pool, sub), Vec::new()).await.unwrap().fail().await.unwrap();
}

/// The tables in which a user has rows.
async fn places(store: &Store, sub: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for (table, column) in TABLES {
        let rows =
            store.read(Query::new(format!("SELECT pool FROM {table} WHERE {column} = $1")).bind(sub)).await.unwrap();
        found.extend((!rows.is_empty()).then_some(table));
    }
    found
}

async fn commit(store: &Store, statements: Vec<Statement>) -> Result<(), CommitError> {
    let mut batch = Batch::new();
    batch.extend(statements);
    store.commit(batch).await
}

async fn nothing_of_a_user_stays_and_nothing_of_another_goes(store: Store) {
    let (ann, bob) = (user(ANN), user(BOB));
    settle(&store, &ann, 1).await;
    settle(&store, &bob, 2).await;
    assert_eq!((places(&store, ANN).await.len(), places(&store, BOB).await.len()), (TABLES.len(), TABLES.len()));
    commit(&store, forget(&ann)).await.unwrap();
    assert_eq!((places(&store, ANN).await, places(&store, BOB).await.len()), (Vec::new(), TABLES.len()));
    assert_eq!(commit(&store, forget(&ann)).await, Err(CommitError::Missed { index: 0 }), "once");
}

async fn a_mint_meanwhile_is_not_left_uncovered(store: Store) {
    let ann = user(ANN);
    settle(&store, &ann, 1).await;
    commit(&store, vec![rows::note_mint(&ann, NOW)]).await.unwrap();
    assert_eq!(commit(&store, forget(&ann)).await, Err(CommitError::Missed { index: 0 }));
    assert_eq!(places(&store, ANN).await.len(), TABLES.len());
    let fresh = User { newest_mint: NOW, ..ann.clone() };
    commit(&store, forget(&fresh)).await.unwrap();
    let mint = commit(&store, vec![rows::note_mint(&fresh, NOW)]).await;
    assert_eq!(mint, Err(CommitError::Missed { index: 0 }), "nothing is minted for who is gone");
}

/// A new table with a column for users fails here until [`forget`] and [`TABLES`] have it.
#[tokio::test]
async fn every_table_with_users_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder, &migrations()).await;
    let query = "SELECT DISTINCT t.name FROM sqlite_master t, pragma_table_info(t.name) c
                 WHERE t.type = 'table' AND c.name IN ('sub', 'subject', 'spender') ORDER BY t.name";
    let rows = store.read(Query::new(query)).await.unwrap();
    let found: Vec<_> = rows.iter().map(|row| row.text(0).unwrap()).filter(|name| !KEPT.contains(name)).collect();
    assert_eq!(found, TABLES.map(|(table, _)| table));
}

fn code(pool: &PoolId, sub: &Sub, client: &ClientId, salt: u8) -> Statement {
    Statement::new(
        "INSERT INTO oauth_codes (pool, digest, client, sub, redirect_uri, redirect_given, scope, authenticated_at, minted_at,
                                  details, created_at, expires_at, forget_at)
         VALUES ($1, $2, $3, $4, 'https://a', 1, '', 1, 1, '{}', 1, 1, 1)",
    )
    .bind(pool)
    .bind([salt; 32])
    .bind(client)
    .bind(sub)
}

/// What sign-ins on pages leave.
fn of_pages(pool: &PoolId, sub: &Sub, salt: u8) -> Vec<Statement> {
    let consent =
        Statement::new("INSERT INTO oauth_consents (pool, sub, client, scope, given_at) VALUES ($1, $2, 'c', '', 1)");
    let session = Statement::new(
        "INSERT INTO browser_sessions (pool, sub, sid, digest, client, authenticated_at, minted_at, expires_at, acr, amr, address)
         VALUES ($1, $2, $3, $4, 'c', 1, 1, 1, '', '', '192.0.2.1')",
    );
    let device = Statement::new(
        "INSERT INTO oauth_devices (pool, sub, user_code, digest, client, scope, expires_at, every, state)
         VALUES ($1, $2, $3, $4, 'c', '', 1, 5, 'allowed')",
    );
    let notice = Statement::new(
        "INSERT INTO oauth_logout_notices (pool, sub, id, client, uri, sid, due_at, tries)
         VALUES ($1, $2, $3, 'c', 'https://a', 's', 1, 0)",
    );
    let name = format!("s{salt}");
    vec![
        consent.bind(pool).bind(sub),
        session.bind(pool).bind(sub).bind(&name).bind([salt; 32]),
        device.bind(pool).bind(sub).bind(&name).bind([salt; 32]),
        notice.bind(pool).bind(sub).bind(&name),
    ]
}

//! Every module's migrations, in one list for [`crate::store::Store::open`].

use crate::store::Migration;
use crate::{access, audit, clients, codes, envelope, keys, limits, messages, outbox, pools, sessions, signin, users};

pub fn all() -> Vec<&'static Migration> {
    let lists =
        [outbox::MIGRATIONS, envelope::MIGRATIONS, keys::MIGRATIONS, codes::MIGRATIONS, sessions::rows::MIGRATIONS];
    let single = [
        &audit::rows::MIGRATION,
        &limits::budget::MIGRATION,
        &messages::rows::MIGRATION,
        &access::MIGRATION,
        &pools::rows::MIGRATION,
        &clients::rows::MIGRATION,
        &users::rows::MIGRATION,
        &signin::rows::MIGRATION,
    ];
    lists.into_iter().flatten().chain(single).collect()
}

//! Every module's migrations, in one list for [`crate::store::Store::open`].

use crate::limits::lockout;
use crate::store::Migration;
use crate::{access, audit, clients, codes, envelope, keys, messages, outbox, pools, sessions, signin, users};

pub fn all() -> Vec<&'static Migration> {
    let lists = [outbox::MIGRATIONS, envelope::MIGRATIONS, keys::MIGRATIONS, codes::MIGRATIONS];
    let single = [
        &audit::rows::MIGRATION,
        &messages::rows::MIGRATION,
        &lockout::rows::MIGRATION,
        &access::MIGRATION,
        &pools::rows::MIGRATION,
        &clients::rows::MIGRATION,
        &users::rows::MIGRATION,
        &sessions::rows::MIGRATION,
        &signin::rows::MIGRATION,
    ];
    lists.into_iter().flatten().chain(single).collect()
}

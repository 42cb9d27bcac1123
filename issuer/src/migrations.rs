//! Every module's migrations, in one list for [`crate::store::Store::open`].

use crate::store::Migration;
use crate::{
    access, audit, clients, codes, envelope, keys, limits, messages, outbox, pools, providers, resource_servers,
    sessions, signin, users, waf,
};

pub fn all() -> Vec<&'static Migration> {
    let lists = [
        outbox::MIGRATIONS,
        envelope::MIGRATIONS,
        keys::MIGRATIONS,
        codes::MIGRATIONS,
        messages::rows::MIGRATIONS,
        access::MIGRATIONS,
        sessions::rows::MIGRATIONS,
        waf::rows::MIGRATIONS,
    ];
    let single = [
        &audit::rows::MIGRATION,
        &limits::budget::MIGRATION,
        &limits::lockout::rows::MIGRATION,
        &pools::rows::MIGRATION,
        &pools::rows::DELETED,
        &clients::rows::MIGRATION,
        &clients::rows::SECRETS,
        &resource_servers::rows::MIGRATION,
        &providers::rows::MIGRATION,
        &signin::rows::MIGRATION,
        &signin::rows::BY_SUB,
    ];
    lists.into_iter().flatten().chain(single).chain(users::MIGRATIONS).collect()
}

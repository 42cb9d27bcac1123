//! Every module's migrations, in one list for [`crate::store::Store::open`].

use crate::store::Migration;
use crate::{
    access, appearance, audit, clients, codes, devices, domains, envelope, events, factors, imports, keys, limits,
    linking, messages, oauth, outbox, pools, providers, provisioned, replicas, resource_servers, risk, schema_changes,
    sessions, signin, terms, transfer, users, waf,
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
        transfer::MIGRATIONS,
    ];
    let single = [
        &audit::rows::MIGRATION,
        &limits::budget::MIGRATION,
        &limits::lockout::rows::MIGRATION,
        &pools::rows::MIGRATION,
        &pools::rows::DELETED,
        &clients::rows::MIGRATION,
        &clients::rows::SECRETS,
        &clients::rows::REGISTERED,
        &resource_servers::rows::MIGRATION,
        &providers::rows::MIGRATION,
        &domains::rows::MIGRATION,
        &appearance::rows::MIGRATION,
        &terms::rows::MIGRATION,
        &risk::rows::MIGRATION,
        &imports::rows::MIGRATION,
        &replicas::rows::MIGRATION,
        &provisioned::rows::MIGRATION,
        &devices::rows::MIGRATION,
        &linking::rows::MIGRATION,
        &events::rows::MIGRATION,
        &schema_changes::MIGRATION,
        &signin::rows::MIGRATION,
        &signin::rows::BY_SUB,
        &signin::rows::DEVICE,
        &signin::rows::TRIES,
        &oauth::codes::MIGRATION,
        &oauth::authorize::consents::MIGRATION,
        &oauth::par::MIGRATION,
        &oauth::back_channel::MIGRATION,
        &oauth::devices::MIGRATION,
        &oauth::register::MIGRATION,
        &oauth::used::MIGRATION,
    ];
    lists.into_iter().flatten().chain(single).chain(users::MIGRATIONS).chain(factors::MIGRATIONS).collect()
}

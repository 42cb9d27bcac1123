//! The central service: user pools, sign-in and tokens behind Amazon Cognito's wire protocol, and the feed that tells edges what
//! has died.

pub mod access;
mod admin;
mod app;
mod appearance;
mod audit;
mod aws_json;
pub mod backup;
mod clients;
pub mod codes;
mod config;
mod cors;
mod devices;
mod devmode;
mod domains;
#[cfg(test)]
mod engines;
pub mod entropy;
pub mod envelope;
mod erasure;
mod events;
mod factors;
mod html;
mod imports;
pub mod keys;
pub mod limits;
mod linking;
mod login;
mod messages;
mod metrics;
mod migrations;
mod oauth;
mod outbound;
pub mod outbox;
mod pages;
pub mod passwords;
mod pools;
#[cfg(test)]
mod proof;
mod providers;
mod provisioned;
pub mod publish;
mod purge;
mod recovery;
mod replicas;
mod reports;
mod resource_servers;
mod risk;
mod router;
mod sampled;
mod schema_changes;
mod serve;
mod services;
mod sessions;
mod signin;
mod signing;
mod signup;
pub mod store;
mod terms;
mod tokens;
pub mod transfer;
mod users;
mod vouching;
mod waf;
#[cfg(test)]
mod world;

pub use self::access::{NewKey, Recovery};
pub use self::app::{Running, StartError, first_key, restore, start};
pub use self::config::{Config, ConfigError};

//! The tables `ui_customizations` and `login_brandings`.

use common::ids::PoolId;

use super::branding::{Branding, Style};
use super::customization::{Customization, Image};
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const BRANDINGS: &str = "login_brandings";

pub const MIGRATION: Migration = Migration {
    version: 730,
    name: "appearance",
    sql: "
        CREATE TABLE ui_customizations (
            pool TEXT NOT NULL,
            client TEXT NOT NULL,
            css TEXT,
            image_type TEXT,
            image BYTEA,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, client)
        );
        CREATE TABLE login_brandings (
            pool TEXT NOT NULL,
            id TEXT NOT NULL,
            client TEXT NOT NULL,
            provided BIGINT NOT NULL,
            settings TEXT,
            assets TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, id)
        );
        CREATE UNIQUE INDEX login_brandings_client ON login_brandings (pool, client);
    ",
};

/// Puts a customization in the place of the one that there is; it stays as old as that.
pub fn put(customization: &Customization) -> Statement {
    let image = customization.image.as_ref();
    Statement::new(
        "INSERT INTO ui_customizations (pool, client, css, image_type, image, created_at, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (pool, client) DO UPDATE SET css = excluded.css, image_type = excluded.image_type,
             image = excluded.image, modified_at = excluded.modified_at",
    )
    .bind(&customization.pool)
    .bind(&customization.client)
    .bind(customization.css.clone())
    .bind(image.map(|image| image.extension))
    .bind(image.map(|image| image.bytes.clone()))
    .bind(customization.created)
    .bind(customization.modified)
    .expect(Rows::Exactly(1))
}

pub fn customization_of(pool: &PoolId, client: &str) -> Query {
    Query::new(
        "SELECT pool, client, css, image_type, image, created_at, modified_at FROM ui_customizations
         WHERE pool = $1 AND client = $2",
    )
    .bind(pool)
    .bind(client)
}

pub fn customization(row: &Row) -> Result<Customization, RowError> {
    let extension = match row.opt_text(3)? {
        None => None,
        Some("png") => Some("png"),
        Some("jpg") => Some("jpg"),
        Some(_) => return Err(RowError::Range(3)),
    };
    let image = extension.zip(row.opt_bytes(4)?);
    Ok(Customization {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        client: row.text(1)?.to_owned(),
        css: row.opt_text(2)?.map(str::to_owned),
        image: image.map(|(extension, bytes)| Image { extension, bytes: bytes.to_vec() }),
        created: row.millis(5)?,
        modified: row.millis(6)?,
    })
}

/// Misses when the client has one.
pub fn insert(branding: &Branding) -> Statement {
    Statement::new(
        "INSERT INTO login_brandings (pool, id, client, provided, settings, assets, created_at, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(&branding.pool)
    .bind(&branding.id)
    .bind(&branding.client)
    .bind(branding.style.provided)
    .bind(settings(&branding.style))
    .bind(assets(&branding.style))
    .bind(branding.created)
    .bind(branding.modified)
    .expect(Rows::Exactly(1))
}

/// Misses when the branding was changed, or deleted, since it was read; `modified_at` always grows.
pub fn update(read: &Branding, new: &Branding) -> Statement {
    Statement::new(
        "UPDATE login_brandings SET provided = $1, settings = $2, assets = $3, modified_at = $4
         WHERE pool = $5 AND id = $6 AND modified_at = $7",
    )
    .bind(new.style.provided)
    .bind(settings(&new.style))
    .bind(assets(&new.style))
    .bind(new.modified)
    .bind(&read.pool)
    .bind(&read.id)
    .bind(read.modified)
    .expect(Rows::Exactly(1))
}

/// Misses when there is none.
pub fn delete(pool: &PoolId, id: &str) -> Statement {
    Statement::new("DELETE FROM login_brandings WHERE pool = $1 AND id = $2")
        .bind(pool)
        .bind(id)
        .expect(Rows::Exactly(1))
}

pub fn branding_by_id(pool: &PoolId, id: &str) -> Query {
    Query::new(
        "SELECT pool, id, client, provided, settings, assets, created_at, modified_at FROM login_brandings
         WHERE pool = $1 AND id = $2",
    )
    .bind(pool)
    .bind(id)
}

pub fn branding_of_client(pool: &PoolId, client: &str) -> Query {
    Query::new(
        "SELECT pool, id, client, provided, settings, assets, created_at, modified_at FROM login_brandings
         WHERE pool = $1 AND client = $2",
    )
    .bind(pool)
    .bind(client)
}

pub fn branding(row: &Row) -> Result<Branding, RowError> {
    let settings = row.opt_text(4)?.map(serde_json::from_str).transpose();
    Ok(Branding {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        id: row.text(1)?.to_owned(),
        client: row.text(2)?.to_owned(),
        style: Style {
            provided: row.int(3)? != 0,
            settings: settings.map_err(|_| RowError::Type(4))?,
            assets: serde_json::from_str(row.text(5)?).map_err(|_| RowError::Type(5))?,
        },
        created: row.millis(6)?,
        modified: row.millis(7)?,
    })
}

fn settings(style: &Style) -> Option<String> {
    style.settings.as_ref().map(|settings| serde_json::to_string(settings).unwrap_or_default())
}

fn assets(style: &Style) -> String {
    serde_json::to_string(&style.assets).unwrap_or_default()
}

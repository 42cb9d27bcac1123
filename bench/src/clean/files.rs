//! Paths of files in the parameters of an API: drives, repositories, build servers.

use serde_json::json;

use super::draft::{Client, Draft, component, path};
use super::random::Random;
use super::words;

const PATHS: [&str; 44] = [
    "/Documents/2025/Report Q3 (final).docx",
    "src/main.rs",
    "src/app/[id]/page.tsx",
    "docs/README.md",
    "assets/img/logo@2x.png",
    "/Photos/Summer '25/IMG_0001.HEIC",
    "C:\\Users\\anna\\Documents\\cv.docx",
    "\\\\fileserver\\share\\team\\budget.xlsx",
    "/home/anna/projects/web/index.html",
    "/Users/anna/Library/Application Support/App/settings.json",
    "./build/output.log",
    "../shared/styles.css",
    "lib/../include/config.h",
    "packages/@scope/name/dist/index.d.ts",
    ".github/workflows/ci.yml",
    ".eslintrc.json",
    ".env.example",
    "Dockerfile",
    "docker-compose.override.yml",
    "/var/log/app/2026-03-14.log",
    "/mnt/data/exports/orders.csv.gz",
    "s3://bucket-name/prefix/key=value/part-0000.parquet",
    "gs://bucket/a/b",
    "file:///C:/Temp/a.txt",
    "/opt/app/bin/start.sh",
    "etc/nginx/conf.d/default.conf",
    "migrations/0042_drop_table_orders.sql",
    "tests/fixtures/select.sql",
    "scripts/bash/deploy.sh",
    "wp-content/uploads/2025/03/photo.jpg",
    "templates/email/welcome.html.erb",
    "app/Http/Controllers/UserController.php",
    "web.config",
    "database.yml",
    "package-lock.json",
    "node_modules/lodash/package.json",
    "WEB-INF/classes/messages_de.properties",
    "/boot/firmware/config.txt",
    "backup/2025-12-31T23:59:59Z.tar.zst",
    "~/notes.txt",
    "Program Files/App/readme.txt",
    "/proc/sys docs.md",
    "a/b/../c/./d.txt",
    "Makefile.am",
];

pub fn request(random: &mut Random) -> Draft {
    let file = random.pick(&PATHS);
    match random.below(9) {
        0 => Draft::get(format!("/api/files?path={}", component(file))).by(Client::Script),
        1 => Draft::get(format!("/api/v4/projects/17/repository/files/{}/raw?ref=main", component(plain(file))))
            .by(Client::Program),
        2 => Draft::get(format!("/repos/example/web/contents/{}?ref=feature%2Fselect-from", path(plain(file))))
            .by(Client::Program),
        3 => Draft::post("/2/files/list_folder")
            .by(Client::Program)
            .json(&json!({ "path": file, "recursive": false, "include_deleted": false })),
        4 => Draft::post("/2/files/download")
            .by(Client::Program)
            .field("Dropbox-API-Arg", json!({ "path": plain(file) }).to_string())
            .text("text/plain", ""),
        5 => Draft::post("/api/move")
            .by(Client::Script)
            .json(&json!({ "from": file, "to": random.pick(&PATHS), "overwrite": true })),
        6 => Draft::get(format!("/static/{}?v={}", path(plain(file)), random.hex(8)))
            .by(Client::Page)
            .host("cdn.example.com"),
        7 => Draft::post("/api/v4/projects/17/repository/commits").by(Client::Program).json(&json!({
            "branch": "main",
            "commit_message": format!("Move {file}; drop unused table"),
            "actions": [
                { "action": "move", "file_path": file, "previous_path": random.pick(&PATHS) },
                { "action": "delete", "file_path": random.pick(&PATHS) },
            ],
        })),
        _ => {
            Draft::get(format!("/browse/{}/?sort=name&order=desc&show_hidden=1", component(random.pick(&words::PATHS))))
                .by(Client::Page)
                .field("X-Path", plain(file))
        }
    }
}

/// Relative, and without what a client would resolve itself.
fn plain(file: &'static str) -> &'static str {
    let odd = file.contains("..") || file.contains("://") || file.contains('\\') || file.contains("/./");
    if odd { "docs/README.md" } else { file.trim_start_matches(['/', '~', '.']) }
}

//! Files by multipart/form-data (RFC 7578), as browsers and programs write it.

use super::draft::{Client, Draft};
use super::random::Random;
use super::{languages, prose, words};

const NAMES: [&str; 42] = [
    "report.pdf",
    "IMG_20260314_101530.jpg",
    "Screenshot 2026-03-14 at 10.15.30.png",
    "O'Brien - CV (final).docx",
    "résumé.pdf",
    "счёт-фактура №12.xlsx",
    "見積書.pdf",
    "archive.tar.gz",
    "v1.2.3-rc.1.zip",
    "select * from my holidays.jpg",
    "drop table.mp4",
    "a & b.txt",
    "50% off.png",
    "100%.csv",
    "[2025] budget {draft}.xlsx",
    "notes;old.txt",
    "#1 fan.gif",
    "price=10€.txt",
    "readme.md",
    "index.html",
    "style.css",
    "app.min.js",
    "Makefile",
    ".gitignore",
    "photo..jpg",
    "my.php.notes.txt",
    "php-tutorial.pdf",
    "backup 2025.sql.pdf",
    "it's \u{201c}quoted\u{201d}.txt",
    "über uns.odt",
    "a+b=c.txt",
    "semi;colon.csv",
    "x~1.doc",
    "COPY of COPY of x.doc",
    "data (1) (2).csv",
    "CV - D'Angelo, Maria.pdf",
    "passwd-policy.pdf",
    "etc-hosts explained.pdf",
    "web.config.guide.pdf",
    "日本語のファイル名.txt",
    "🎉 party.jpg",
    "Rock 'n' Roll.mp3",
];

const KINDS: [(&str, &[u8]); 9] = [
    ("image/jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"),
    ("image/png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
    ("application/pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"),
    ("application/zip", b"PK\x03\x04\x14\x00\x08\x00\x08\x00"),
    ("application/octet-stream", b"\x00\x01\x02\x03"),
    ("text/csv", b"id;name;price\r\n1;O'Brien;10,00\r\n2;\"D'Angelo; Maria\";5.50\r\n"),
    ("text/plain", b"Select the best offers; drop the rest.\nSee you -- Anna\n"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04\x14\x00\x06\x00"),
    ("video/mp4", b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00"),
];

pub fn request(random: &mut Random) -> Draft {
    let boundary = match random.below(4) {
        0 => format!("----WebKitFormBoundary{}", random.alphanumeric(16)),
        1 => format!("---------------------------{}", random.digits(29)),
        2 => format!("------------------------{}", random.alphanumeric(22)),
        _ => random.hex(32),
    };
    let mut body = Vec::new();
    for _ in 0..random.below(4) {
        let name = random.pick(&[
            "title",
            "description",
            "folder",
            "tags[]",
            "visibility",
            "_token",
            "meta.author",
            "comment",
        ]);
        let value = match random.below(4) {
            0 => prose::text(random),
            1 => languages::sentence(random).to_owned(),
            2 => random.pick(&words::TAGS).to_owned(),
            _ => random.alphanumeric(24),
        };
        part(&mut body, &boundary, &format!("name=\"{name}\""), None, value.as_bytes());
    }
    for _ in 0..random.within(1, 2) {
        file(random, &boundary, &mut body);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let target = random.pick(&[
        "/upload",
        "/api/v1/files",
        "/documents/17/attachments",
        "/profile/avatar",
        "/wp-admin/async-upload.php",
        "/tickets/4711/files?inline=false",
    ]);
    let by = if random.percent(70) { Client::Script } else { Client::Program };
    Draft::post(target).by(by).exact(&format!("multipart/form-data; boundary={boundary}"), body)
}

fn file(random: &mut Random, boundary: &str, body: &mut Vec<u8>) {
    let at = usize::try_from(random.below(KINDS.len() as u64)).unwrap_or_default();
    let (kind, start) = KINDS.get(at).copied().unwrap_or(("text/plain", b""));
    let mut content = start.to_vec();
    if !kind.starts_with("text/") {
        let length = random.within(40, 1500);
        content.extend(random.bytes(length));
    }
    // The HTML standard: quotes of names are sent as %22.
    let name = random.pick(&NAMES).replace('"', "%22");
    let field = random.pick(&["file", "files[]", "upload", "attachment", "image", "data[file]"]);
    part(body, boundary, &format!("name=\"{field}\"; filename=\"{name}\""), Some(kind), &content);
}

fn part(body: &mut Vec<u8>, boundary: &str, disposition: &str, kind: Option<&str>, content: &[u8]) {
    let kind = kind.map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
    body.extend_from_slice(
        format!("--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n").as_bytes(),
    );
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n");
}

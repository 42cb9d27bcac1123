//! The files that `up` writes: settings of issuer and edge, the local CA and its certificate for `localhost`.

use std::io;

use common::ids::PoolId;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use ring::rand::{SecureRandom, SystemRandom};

use super::devmode::DevMode;
use super::layout::{Folder, Ports, write_private};
use super::seed::Quotas;

/// The name under which `up` enrols its edge.
pub const EDGE_NAME: &str = "up-edge";

/// Writes the issuer's settings and, once, its root key.
pub fn write_issuer(folder: &Folder, ports: Ports, quotas: &Quotas, dev: Option<&DevMode>) -> io::Result<()> {
    let root_key = folder.join("root.key");
    if !root_key.exists() {
        let mut key = [0_u8; 32];
        SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("no randomness"))?;
        let hex: String = key.iter().map(|b| format!("{b:02x}")).collect();
        write_private(&root_key, &hex)?;
    }
    let text = format!(
        r#"# Written by `tollgate up`; it is written again at each start.
[listen]
http = "{issuer}"
admin = "{admin}"
feed = "{feed}"

[issuer]
public_url = "http://{issuer}"
region = "us-east-1"

[storage]
sqlite = {database:?}

[secrets]
root_key_file = {root_key:?}

[messages]
outbox = {outbox:?}

[feed]
public_address = "{feed}"

[ready]
edges = ["{EDGE_NAME}"]

[outbound]
allow_private = true

[domains]
default_domain = "{domain}"
default_urls = ["{at}", "{at_tls}"]

[quotas]
{quotas}{dev}"#,
        domain = super::demo::DOMAIN,
        at = ports.domain(),
        at_tls = ports.domain_tls(),
        issuer = ports.issuer(),
        admin = ports.issuer_admin(),
        feed = ports.feed(),
        database = folder.join("tollgate.db"),
        outbox = folder.outbox(),
        quotas = quotas.settings(),
        dev = dev.map(|dev| dev.settings(folder)).unwrap_or_default(),
    );
    write_private(&folder.issuer_config(), &text)
}

/// What answers on the domain of the demo pool; everything else on `localhost` is the upstream's.
const SITE: [&str; 20] = [
    "/oauth2/authorize",
    "/oauth2/par",
    "/oauth2/device_authorization",
    "/oauth2/userInfo",
    "/login",
    "/newpassword",
    "/mfa",
    "/mfa-option",
    "/mfa-setup",
    "/consent",
    "/device",
    "/logout",
    "/oauth2/token",
    "/oauth2/revoke",
    "/oauth2/introspect",
    "/oauth2/register",
    "/oauth2/register/*",
    "/error",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];

/// The edge's routes for [`SITE`].
fn site_routes() -> String {
    let route = |path: &str| {
        format!(
            "[[route]]\nmatch = {{ host = \"localhost\", path = \"{path}\" }}\nupstream = \"issuer\"\nattest = true\n\n"
        )
    };
    SITE.iter().map(|path| route(path)).collect()
}

/// Writes the edge's settings: the issuer's API and the pool's documents go to the issuer, with the edge's word for them; everything else is under the
/// upstream, and protected.
pub fn write_edge(folder: &Folder, ports: Ports, pool: &PoolId, upstream: &str) -> io::Result<()> {
    let text = format!(
        r#"# Written by `tollgate up`; it is written again at each start.
[listen]
http = "{edge}"
https = "{edge_tls}"
admin = "{admin}"
tls = {{ cert = {cert:?}, key = {key:?} }}

[feed]
issuer = "{feed}"
join_token_file = {join:?}
state_dir = {state:?}

[[upstream]]
name = "api"
servers = ["{upstream}"]

[[upstream]]
name = "issuer"
servers = ["{issuer}"]

[[route]]
match = {{ path = "/", methods = ["POST", "OPTIONS"] }}
upstream = "issuer"
attest = true

[[route]]
match = {{ path = "/{pool}/*" }}
upstream = "issuer"
attest = true

[[route]]
match = {{ path = "/.well-known/oauth-authorization-server/{pool}" }}
upstream = "issuer"
attest = true

[[route]]
match = {{ path = "/.well-known/openid-configuration/{pool}" }}
upstream = "issuer"
attest = true

{site}[[route]]
match = {{ path = "/*" }}
upstream = "api"
token = {{ issuers = ["pool:{pool}"], use = "access" }}
headers = {{ add = {{ "x-user-id" = "{{sub}}", "x-username" = "{{username}}", "x-client-id" = "{{client_id}}", "x-groups" = "{{cognito:groups}}" }} }}
revocation = {{ required = true, max_staleness = "5m", stale = "deny" }}
"#,
        site = site_routes(),
        issuer = ports.issuer(),
        edge = ports.edge(),
        edge_tls = ports.edge_tls(),
        admin = ports.edge_admin(),
        feed = ports.feed(),
        cert = folder.join("localhost.pem"),
        key = folder.join("localhost.key"),
        join = folder.join("join.token"),
        state = folder.edge_state(),
    );
    write_private(&folder.edge_config(), &text)
}

/// Makes a CA of this folder and a certificate for `localhost`, unless they are there.
pub fn write_certificates(folder: &Folder) -> io::Result<()> {
    if folder.join("localhost.pem").exists() && folder.join("ca.pem").exists() {
        return Ok(());
    }
    let (ca, certificate, key) = certificates().map_err(io::Error::other)?;
    write_private(&folder.join("ca.pem"), &ca)?;
    write_private(&folder.join("localhost.key"), &key)?;
    write_private(&folder.join("localhost.pem"), &certificate)
}

/// (CA, certificate, key of the certificate), each PEM. The CA's key is dropped: it signs once.
fn certificates() -> Result<(String, String, String), rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::<String>::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(DnType::CommonName, "Tollgate local CA");
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok((authority_certificate.pem(), certificate.pem(), key.serialize_pem()))
}

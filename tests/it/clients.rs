//! Clients that others wrote, unmodified, against a whole `tollgate up`: the programs of tests/clients.
//!
//! They need Python packages, npm packages and Chromium; scripts/test fetches what is missing (`scripts/clients install`).

use std::path::Path;
use std::process::{Command, Stdio};

use crate::short_or_long;
use crate::world::{Home, TOLLGATE, World};

/// Runs a program of tests/clients; its own words are the failure.
fn run(program: &str, arguments: &[&str]) {
    run_in(World::start(), program, arguments);
}

fn run_in(world: World, program: &str, arguments: &[&str]) {
    run_on(&world.json_path(), program, arguments);
    let log = world.log();
    assert!(!log.contains("panicked"), "{program}: {log}");
    assert!(world.stop().success());
}

/// `subject` is an `up.json`, or for programs that start what they need the path of `tollgate`.
pub fn run_on(subject: &Path, program: &str, arguments: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(root.join(".venv/bin/python").exists(), "run `scripts/clients install` first (scripts/test does)");
    let output = Command::new(root.join("scripts/clients"))
        .arg("run")
        .arg(subject)
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program}: {said}");
    println!("{said}");
}

#[test]
fn the_main_job_by_boto3() {
    run("main_job.py", &[]);
}

#[test]
fn the_administrators_operations_by_the_aws_cli() {
    run("aws_cli.sh", &[]);
}

#[test]
fn the_aws_clis_own_documented_examples() {
    run("aws_examples.py", &[]);
}

#[test]
fn settings_of_pools_and_clients_by_boto3() {
    run("stores.py", &[]);
}

#[test]
fn sessions_tokens_of_services_events_and_links_by_boto3() {
    run("sessions.py", &[]);
}

#[test]
fn admin_keys_and_their_policies_by_boto3() {
    run("access.py", &[env!("CARGO_BIN_EXE_tollgate")]);
}

#[test]
fn devices_by_boto3_and_pycognito() {
    run("devices.py", &[]);
}

#[test]
fn devices_by_amazon_cognito_identity_js() {
    run("devices.mjs", &[]);
}

#[test]
fn second_factors_and_passkeys_by_boto3() {
    run("factors.py", &[]);
}

#[test]
fn tokens_are_verified_by_jose() {
    run("jose.mjs", &[]);
}

#[test]
fn the_token_endpoint_by_oauth4webapi() {
    run("oauth.mjs", &[]);
}

#[test]
fn the_code_flow_by_openid_client_and_oauth4webapi() {
    run("oidc.mjs", &[]);
}

#[test]
fn the_code_flow_by_authlib() {
    run("authlib_rp.py", &[]);
}

#[test]
fn apaches_mod_auth_openidc_signs_in_and_out() {
    run("apache_rp.py", &[]);
}

#[test]
fn the_samples_of_the_documentation_sign_in_and_out() {
    run("samples.mjs", &[]);
}

#[test]
fn an_mcp_client_gets_from_401_to_200() {
    run("mcp.mjs", &[TOLLGATE]);
}

#[test]
fn signing_out_in_one_app_ends_every_app_of_the_browser() {
    run("browser_sessions.py", &[&short_or_long(5, 200).to_string()]);
}

#[test]
fn sign_in_by_redirect_with_oidc_client_ts_and_amplify() {
    run("redirect.mjs", &[]);
}

#[test]
fn bound_tokens_and_proofs_by_oauth4webapi() {
    run("dpop.mjs", &[]);
}

#[test]
fn bad_input_gets_cognitos_exceptions() {
    run("errors.py", &[]);
}

#[test]
fn lists_pools_clients_groups_and_users_by_boto3() {
    run("lists.py", &["delete-demo-pool"]);
}

#[test]
fn users_are_searched_and_their_schema_changed_while_they_sign_in() {
    run("schema.py", &[&short_or_long(60, 2_000).to_string()]);
}

#[test]
fn web_acls_by_boto3() {
    run("waf.py", &[]);
}

#[test]
fn a_pools_web_acl_at_its_edge_by_boto3() {
    run("pool_acl.py", &[]);
}

#[test]
fn samples_held_addresses_and_the_log_of_a_web_acl_by_boto3() {
    run("sampled.py", &[]);
}

#[test]
fn developer_mode_by_boto3() {
    run_in(Home::new().start(&["--dev-mode"]), "devmode.py", &[]);
}

#[test]
fn apps_of_aws_amplify_and_amazon_cognito_identity_js_in_chromium() {
    run_in(Home::new().start(&["--dev-mode"]), "amplify.mjs", &[]);
}

#[test]
fn users_their_attributes_names_and_ends() {
    run("users.py", &[]);
}

#[test]
fn forgotten_changed_and_reset_passwords() {
    run("recovery.py", &[]);
}

#[test]
fn administrators_sign_in_for_users_by_boto3_and_pycognito() {
    run("adminauth.py", &[&short_or_long(12, 100).to_string()]);
}

#[test]
fn wrong_passwords_lock_for_a_time() {
    run("lockout.py", &[]);
}

#[test]
fn request_quotas_by_boto3() {
    let home = Home::new();
    let seed = home.file("seed.json");
    std::fs::write(&seed, r#"{"quotas":{"user_list":2,"user_read":3,"user_authentication":2}}"#).unwrap();
    let world = home.start(&["--seed", &seed.to_string_lossy()]);
    run_in(world, "quotas.py", &[]);
}

#[test]
fn who_exists_is_not_told_by_unsigned_operations() {
    run("enumeration.py", &[]);
}

#[test]
fn what_the_edge_refuses_and_what_reaches_the_upstream() {
    run("edge.py", &[]);
}

#[test]
fn calls_sockets_events_and_long_bodies_by_grpcio_and_websockets() {
    run_on(Path::new(TOLLGATE), "connections.py", &[&short_or_long(200, 2_048).to_string()]);
}

#[test]
fn challenges_and_captchas_in_chromium_before_axe_core() {
    run_on(Path::new(TOLLGATE), "challenge.mjs", &[]);
}

#[test]
fn challenges_by_the_python_of_the_page() {
    run_on(Path::new(TOLLGATE), "challenge.py", &[]);
}

#[test]
fn frames_of_http2_that_no_client_should_send() {
    run("http2.py", &[&short_or_long(20_000, 1_000_000).to_string()]);
}

#[test]
fn datagrams_of_quic_that_no_edge_should_send() {
    run("quic.py", &[&short_or_long(3_000, 100_000).to_string()]);
}

#[test]
fn cognitos_api_through_the_edge_plain_and_tls_by_boto3_and_pycognito() {
    run("via_edge.py", &[]);
}

#[test]
fn each_configuration_of_the_gateways_page_works_as_printed() {
    run("gateway.py", &[]);
}

#[test]
fn refresh_tokens_by_boto3() {
    run("refresh.py", &[]);
}

#[test]
fn srp_by_pycognito() {
    run("srp.py", &[&short_or_long(25, 300).to_string()]);
}

#[test]
fn srp_by_amazon_cognito_identity_js() {
    run("srp.mjs", &[&short_or_long(25, 300).to_string()]);
}

#[test]
fn a_sign_in_from_a_page_on_another_origin() {
    run("browser.mjs", &[]);
}

//! Before a system is measured it proves that it does the work: good tokens pass, none and every [`Bad`] one do not; and it shows whether it
//! keeps its connections to the upstream.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::load::{Bad, Bearers, Failure, FixtureError, Issuer, Plan, PlanError, RequestError, Same, Target, Upstream};
use crate::peers::{Duty, HOST};

/// Time that a system has from listening to passing a good token.
const READY_LIMIT: Duration = Duration::from_secs(60);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(100);
/// Requests and connections by which the upstream's connections are counted.
const REUSE_REQUESTS: u64 = 400;
const REUSE_CONNECTIONS: usize = 4;
/// Requests an upstream connection from which on these count as kept: pools fill, and threads have a connection each.
const REUSE_LEAST: u64 = 5;

/// How a system has failed its proof.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    #[error("it does not pass a good token on {path}: {answer}")]
    GoodRefused { path: String, answer: String },
    #[error("it does not refuse {what} on {path} with 401 or 403: {answer}")]
    BadPassed { what: &'static str, path: String, answer: String },
    #[error("cannot make tokens: {0}")]
    Fixture(#[from] FixtureError),
    #[error("cannot run the load generator: {0}")]
    Generator(#[from] PlanError),
    #[error("cannot make requests: {0}")]
    Request(#[from] RequestError),
}

/// Proves one path of one system.
pub fn prove(target: SocketAddr, path: &str, duty: Duty, issuer: &Issuer) -> Result<(), ProofError> {
    let good = issuer.tokens(1)?;
    let begun = Instant::now();
    loop {
        match ask(target, path, &good)? {
            Answer::Passed => break,
            answer if begun.elapsed() > READY_LIMIT => {
                return Err(ProofError::GoodRefused { path: path.into(), answer: answer.to_string() });
            }
            _ => std::thread::sleep(POLL),
        }
    }
    if duty == Duty::Pass {
        return Ok(());
    }
    refuses(target, path, "a request without a token", &[])?;
    for bad in Bad::ALL {
        if bad != Bad::OtherAlgorithm || duty == Duty::Check {
            refuses(target, path, bad.name(), &[issuer.bad_token(bad)?])?;
        }
    }
    Ok(())
}

/// Whether a proven system keeps its connections to the upstream, which nothing else may be using.
pub fn keeps_connections(
    target: SocketAddr,
    path: &str,
    issuer: &Issuer,
    upstream: &Upstream,
) -> Result<bool, ProofError> {
    let tokens = issuer.tokens(1)?;
    let requests = Same::get(path)?.bearers(Bearers::new(&tokens)?);
    let plan = Plan::new(Target::plain(target, HOST), requests);
    let before = upstream.connections();
    let (count, connections) = (Some(REUSE_REQUESTS), REUSE_CONNECTIONS);
    Plan { count, connections, limit: ANSWER_LIMIT, ..plan }.run()?;
    Ok((upstream.connections() - before) * REUSE_LEAST <= REUSE_REQUESTS)
}

fn refuses(target: SocketAddr, path: &str, what: &'static str, tokens: &[String]) -> Result<(), ProofError> {
    match ask(target, path, tokens)? {
        Answer::Failed(Failure::Status(401 | 403)) => Ok(()),
        answer => Err(ProofError::BadPassed { what, path: path.into(), answer: answer.to_string() }),
    }
}

enum Answer {
    Passed,
    Failed(Failure),
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passed => f.write_str("status_200"),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

fn ask(target: SocketAddr, path: &str, tokens: &[String]) -> Result<Answer, ProofError> {
    let requests = Same::get(path)?.bearers(Bearers::new(tokens)?);
    let mut plan = Plan { count: Some(1), limit: ANSWER_LIMIT, ..Plan::new(Target::plain(target, HOST), requests) };
    let failure = plan.run()?.failures.into_keys().next();
    Ok(failure.map_or(Answer::Passed, Answer::Failed))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::sync::mpsc;

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use common::clock::{Clock, SystemClock, UnixMillis};

    use super::*;
    use crate::peers::{self, About, Installed, PeerError, Running, Site, free_address};

    #[test]
    fn a_server_that_passes_everything_fails_the_proof_of_checking() {
        let upstream = Upstream::start().unwrap();
        let issuer = Issuer::generate(UnixMillis::from_seconds(1_800_000_000)).unwrap();
        assert!(prove(upstream.address(), "/", Duty::Pass, &issuer).is_ok());
        let error = prove(upstream.address(), "/", Duty::Check, &issuer).unwrap_err();
        assert!(matches!(error, ProofError::BadPassed { what: "a request without a token", .. }), "{error}");
    }

    /// Starts every compared product that is on this machine in front of `upstream`. What is not there says so, and nothing else is wrong
    /// with it.
    fn with_each_installed(upstream: SocketAddr, issuer: &Issuer, check: impl Fn(&Running, About)) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let (jwks, pem) = (root.join("jwks.json"), root.join("public.pem"));
        std::fs::write(&jwks, issuer.jwks()).unwrap();
        std::fs::write(&pem, issuer.public_pem()).unwrap();
        let installed = Installed::in_folder(Installed::default_folder().unwrap());
        for peer in peers::all() {
            let about = peer.about();
            let folder = root.join(about.name);
            std::fs::create_dir(&folder).unwrap();
            let (listen, jwks, pem, spki) = (free_address().unwrap(), jwks.clone(), pem.clone(), issuer.public_spki());
            let (issuer_name, client, feed, pool) = (Issuer::NAME, Issuer::CLIENT, upstream, Issuer::POOL);
            let site = Site {
                listen,
                admin: listen,
                upstream,
                folder,
                jwks,
                pem,
                spki,
                issuer: issuer_name,
                client,
                feed,
                pool,
            };
            match Running::start(&*peer, &site, &installed, None) {
                Ok(running) => check(&running, about),
                Err(PeerError::Missing { package, .. }) => {
                    assert!(about.packages.contains(&package), "{}: {package}", about.name);
                    assert!(peer.program(&installed).is_err(), "{}", about.name);
                }
                Err(error) => panic!("{}: {error}", about.name),
            }
        }
    }

    #[test]
    fn every_compared_product_that_is_installed_is_proven_and_keeps_connections() {
        let upstream = Upstream::start().unwrap();
        let issuer = Issuer::generate(SystemClock.now()).unwrap();
        with_each_installed(upstream.address(), &issuer, |running, about| {
            let proven = prove(running.address(), "/orders", about.duty, &issuer);
            assert!(proven.is_ok(), "{}: {}", about.name, proven.unwrap_err());
            assert!(keeps_connections(running.address(), "/orders", &issuer, &upstream).unwrap(), "{}", about.name);
        });
    }

    #[test]
    fn every_checking_product_that_is_installed_passes_the_subject_on() {
        let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
        let upstream = listener.local_addr().unwrap();
        let (send, heads) = mpsc::channel();
        std::thread::spawn(move || tell_heads(&listener, &send));
        let issuer = Issuer::generate(SystemClock.now()).unwrap();
        let token = issuer.tokens(1).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(token[0].split('.').nth(1).unwrap()).unwrap();
        let subject = serde_json::from_slice::<serde_json::Value>(&claims).unwrap()["sub"].as_str().unwrap().to_owned();
        let wanted = format!("\r\nx-user-id: {subject}\r\n");
        with_each_installed(upstream, &issuer, |running, about| {
            let answer = ask(running.address(), "/orders", &token).unwrap();
            assert!(matches!(answer, Answer::Passed), "{}: {answer}", about.name);
            let head = heads.recv_timeout(ANSWER_LIMIT).unwrap().to_ascii_lowercase();
            assert_eq!(head.contains(&wanted), about.duty != Duty::Pass, "{}: {head}", about.name);
        });
    }

    /// An upstream for one request a connection, which tells what it was sent. It ends with the process.
    fn tell_heads(listener: &std::net::TcpListener, told: &mpsc::Sender<String>) {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
                head.push(byte[0]);
            }
            if head.is_empty() {
                continue;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            if told.send(String::from_utf8(head).unwrap()).is_err() {
                return;
            }
        }
    }
}

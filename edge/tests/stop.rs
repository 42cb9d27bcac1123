//! How an edge ends. In a binary of its own, because pingora's server can be ended once in a process.

#![allow(clippy::unwrap_used)] // a test throughout
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use edge::{Shutdown, Start, start};

/// Answers the first request after `pause`, and nothing else.
fn slow_upstream(pause: Duration) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        thread::sleep(pause);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").unwrap();
        thread::sleep(Duration::from_secs(10));
    });
    address
}

#[test]
fn what_is_in_flight_is_finished_and_idle_connections_hold_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("edge.toml");
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let upstream = slow_upstream(Duration::from_millis(700));
    let config = format!(
        "[listen]\nhttp = \"{address}\"\nthreads = 2\ndrain_timeout = \"20s\"\n[log]\naccess = \"off\"\n\
         [[upstream]]\nname = \"slow\"\nservers = [\"{upstream}\"]\n[[route]]\nmatch = {{ path = \"/*\" }}\nupstream = \"slow\"\n"
    );
    std::fs::write(&file, config).unwrap();
    let (handle, shutdown) = Shutdown::at_request();
    let running = start(&file, Start::Fresh, shutdown).unwrap();

    let mut idle = TcpStream::connect(address).unwrap();
    let mut busy = TcpStream::connect(address).unwrap();
    busy.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    thread::sleep(Duration::from_millis(200)); // the request is in flight
    let begun = Instant::now();
    handle.stop();
    running.wait().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "the drain limit was not waited for");

    let mut answer = String::new();
    busy.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("done"), "{answer}");
    assert!(matches!(idle.read(&mut [0; 1]), Ok(0) | Err(_)), "idle connections are closed");
    assert!(TcpStream::connect(address).is_err(), "the listener is closed");
}

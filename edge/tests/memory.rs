//! Bodies of any length pass in little memory, both ways. In a binary of its own: what is measured is the process.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test throughout
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use edge::{Shutdown, Start, start};

const BODY: usize = 256 << 20;
/// What the process may grow by while a body passes: buffers of sockets, of the test, of HTTP/2's windows. A fifth of the body.
const GROWTH: usize = 48 << 20;
const PIECE: usize = 64 << 10;

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// The most that `work` made the process grow by.
fn growth(work: impl FnOnce()) -> usize {
    let before = resident();
    let most = Arc::new(AtomicUsize::new(before));
    let done = Arc::new(AtomicBool::new(false));
    let watcher = {
        let (most, done) = (Arc::clone(&most), Arc::clone(&done));
        thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                most.fetch_max(resident(), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(2));
            }
        })
    };
    work();
    done.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
    most.load(Ordering::Relaxed) - before
}

/// Reads a head, then as many bytes as it says; answers with as many as the path says.
fn serve(mut stream: TcpStream) -> Option<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).ok()?.to_ascii_lowercase();
        let number = |text: &str| head.split(text).nth(1)?.split(['\r', ' ']).next()?.parse::<usize>().ok();
        let mut left = number("content-length: ").unwrap_or(0);
        while left > 0 {
            left -= stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        }
        let mut left = number("/get/").unwrap_or(0);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n").ok()?;
        while left > 0 {
            let count = left.min(PIECE);
            stream.write_all(&piece[..count]).ok()?;
            left -= count;
        }
    }
}

fn http1_origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// The same by HTTP/2 with prior knowledge.
fn http2_origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let work = async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut connection =
                    h2::server::Builder::new().initial_window_size(1 << 20).handshake(stream).await.unwrap();
                while let Some(Ok((request, respond))) = connection.accept().await {
                    tokio::spawn(exchange(request, respond));
                }
            });
        }
    };
    thread::spawn(move || runtime.block_on(work));
    address
}

async fn exchange(request: http::Request<h2::RecvStream>, mut respond: h2::server::SendResponse<Bytes>) -> Option<()> {
    let mut left: usize =
        request.uri().path().rsplit_once("/get/").and_then(|(_, count)| count.parse().ok()).unwrap_or(0);
    let mut body = request.into_body();
    while let Some(Ok(piece)) = body.data().await {
        body.flow_control().release_capacity(piece.len()).ok()?;
    }
    let head = http::Response::builder().header("content-length", left).body(()).ok()?;
    let mut answer = respond.send_response(head, left == 0).ok()?;
    let piece = Bytes::from(vec![0; PIECE]);
    while left > 0 {
        let count = left.min(PIECE);
        answer.reserve_capacity(count);
        while answer.capacity() < count {
            std::future::poll_fn(|context| answer.poll_capacity(context)).await?.ok()?;
        }
        answer.send_data(piece.slice(..count), left == count).ok()?;
        left -= count;
    }
    Some(())
}

fn ask(address: SocketAddr, path: &str, upload: usize, download: usize) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let method = if upload == 0 { "GET" } else { "POST" };
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {upload}\r\n\r\n").unwrap();
    let mut piece = vec![0; PIECE];
    for _ in 0..upload / PIECE {
        stream.write_all(&piece).unwrap();
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", head.escape_ascii());
    let mut left = download;
    while left > 0 {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "{left} bytes are missing");
        left -= count;
    }
}

#[test]
fn long_bodies_pass_in_little_memory_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("edge.toml");
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (plain, h2) = (http1_origin(), http2_origin());
    let config = format!(
        "[listen]\nhttp = \"{address}\"\nthreads = 2\n[log]\naccess = \"off\"\n\
         [[upstream]]\nname = \"h1\"\nservers = [\"{plain}\"]\n\
         [[upstream]]\nname = \"h2\"\nservers = [\"{h2}\"]\nprotocol = \"http2\"\n\
         [[route]]\nmatch = {{ path = \"/h1/*\" }}\nupstream = \"h1\"\nmax_body = \"1GiB\"\n\
         [[route]]\nmatch = {{ path = \"/h2/*\" }}\nupstream = \"h2\"\nmax_body = \"1GiB\"\n"
    );
    std::fs::write(&file, config).unwrap();
    let (_handle, shutdown) = Shutdown::at_request();
    let _running = start(&file, Start::Fresh, shutdown).unwrap();
    for upstream in ["h1", "h2"] {
        // Once in small: what is made once and kept is not the body's.
        ask(address, &format!("/{upstream}/get/{PIECE}"), 0, PIECE);
        ask(address, &format!("/{upstream}/put"), PIECE, 0);
        let down = growth(|| ask(address, &format!("/{upstream}/get/{BODY}"), 0, BODY));
        let up = growth(|| ask(address, &format!("/{upstream}/put"), BODY, 0));
        println!("{upstream}: {BODY} bytes down grew the process by {down}, up by {up}");
        assert!(down < GROWTH && up < GROWTH, "{upstream}: {down} down, {up} up");
    }
}

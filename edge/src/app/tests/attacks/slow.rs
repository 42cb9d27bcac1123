//! Clients that take their time, and bodies that want to be unpacked (T34, T35).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::harness::{Edge, request};
use super::short_or_long;

/// Hundreds of connections that send a byte now and then, or take none of their answer: everybody else is served, and late heads are cut off.
#[test]
fn slow_heads_bodies_and_readers_hold_up_nobody_else() {
    let upstream = serve_large_answers();
    let edge = Edge::start_as(|address, admin| {
        format!(
            "[listen]\nhttp = \"{address}\"\nadmin = \"{admin}\"\nthreads = 2\nheader_timeout = \"1s\"\nmax_connections_per_client = 20000\n\
             max_connections = 20000\n[log]\naccess = \"off\"\n[[upstream]]\nname = \"large\"\nservers = [\"{upstream}\"]\n\
             [[route]]\nmatch = {{ path = \"/*\" }}\nupstream = \"large\"\n"
        )
    });
    let each = short_or_long(150, 3_000);
    let open = |count: u32, first: &[u8]| -> Vec<TcpStream> {
        let connect = |_| {
            let mut stream = TcpStream::connect(edge.address).unwrap();
            stream.write_all(first).unwrap();
            stream
        };
        (0..count).map(connect).collect()
    };
    let mut heads = open(each, b"GET /small HTTP/1.1\r\nHost: a\r\nX: ");
    let mut bodies = open(each, b"POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    let mut chunks = open(each, b"POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n");
    let readers = open(each / 5, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    let begun = Instant::now();
    let (mut served, mut slowest) = (0, Duration::ZERO);
    while begun.elapsed() < Duration::from_secs(3) {
        for stream in heads.iter_mut().chain(&mut bodies).chain(&mut chunks).step_by(7) {
            let _ = stream.write_all(b"x"); // cut off by now, or not
        }
        for _ in 0..20 {
            let asked = Instant::now();
            assert_eq!(edge.send(&request("/small", &[])).status, 200);
            slowest = slowest.max(asked.elapsed());
            served += 1;
        }
    }
    let cut = heads.iter_mut().map(is_closed).filter(|closed| *closed).count();
    println!(
        "{} slow connections; {served} others served, slowest in {slowest:?}; {cut} of {each} slow heads cut off",
        3 * each + each / 5
    );
    assert_eq!(cut, each as usize, "heads have a second");
    drop((bodies, chunks, readers));
    assert_eq!(edge.send(&request("/small", &[])).status, 200);
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_is_cut_off() {
    let upstream = serve_large_answers();
    let edge = Edge::start_as(|address, admin| {
        format!(
            "[listen]\nhttp = \"{address}\"\nadmin = \"{admin}\"\nthreads = 1\n[log]\naccess = \"off\"\n[[upstream]]\n\
             name = \"large\"\nservers = [\"{upstream}\"]\n[[route]]\nmatch = {{ path = \"/*\" }}\nupstream = \"large\"\nsend_timeout = \"200ms\"\n"
        )
    });
    let take = |pause: Duration| {
        let mut stream = TcpStream::connect(edge.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&request("/large", &[("connection", "close")])).unwrap();
        thread::sleep(pause);
        let mut taken = 0;
        let mut piece = vec![0; 1 << 20];
        while let Ok(bytes @ 1..) = stream.read(&mut piece) {
            taken += bytes;
        }
        taken
    };
    assert!(take(Duration::from_secs(2)) < 64 << 20, "it came whole to a client that had stopped");
    assert!(take(Duration::ZERO) > 64 << 20, "who reads gets all of it");
}

fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    match stream.read(&mut [0; 16]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

/// Compressed bodies are opaque: what arrives is what was sent, byte by byte, and takes no more time or memory than its own size.
#[test]
fn compressed_bodies_pass_as_they_are() {
    let upstream = count_bodies();
    let edge = Edge::start_as(|address, admin| {
        format!(
            "[listen]\nhttp = \"{address}\"\nadmin = \"{admin}\"\nthreads = 1\n[log]\naccess = \"off\"\n[[upstream]]\nname = \"count\"\n\
             servers = [\"{upstream}\"]\n[[route]]\nmatch = {{ path = \"/*\" }}\nupstream = \"count\"\n"
        )
    });
    let bomb = gzip(&vec![0; 64 << 20]);
    let nested = gzip(&gzip(&bomb));
    assert!(bomb.len() < 100_000 && nested.len() < bomb.len());
    for (encoding, body) in [
        ("gzip", &bomb),
        ("gzip, gzip, gzip", &nested),
        ("br", &bomb),
        ("zstd", &bomb),
        ("deflate", &bomb),
        ("x-unknown", &nested),
    ] {
        let head = format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Encoding: {encoding}\r\nAccept-Encoding: gzip\r\n");
        let by_length = [format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat();
        let chunk = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x};e=\"gzip\"\r\n", body.len());
        let by_chunks = [chunk.as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
        for bytes in [by_length, by_chunks] {
            let answer = edge.send(&bytes);
            let how = if bytes.ends_with(b"0\r\n\r\n") { "by chunks" } else { "by length" };
            assert_eq!(
                (answer.status, answer.body),
                (200, format!("{} {}", body.len(), sum(body))),
                "{encoding}, {how}"
            );
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

/// Answers with length and sum of the body that came.
fn count_bodies() -> SocketAddr {
    serve(|stream, head| {
        let mut body = Vec::new();
        if head.contains("transfer-encoding") {
            loop {
                let mut line = String::new();
                while !line.ends_with("\r\n") {
                    line.push(char::from(byte(stream)?));
                }
                let size = usize::from_str_radix(line.trim(), 16).ok()?;
                let mut chunk = vec![0; size + 2];
                stream.read_exact(&mut chunk).ok()?;
                body.extend_from_slice(&chunk[..size]);
                if size == 0 {
                    break;
                }
            }
        } else {
            let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
            body.resize(length, 0);
            stream.read_exact(&mut body).ok()?;
        }
        let text = format!("{} {}", body.len(), sum(&body));
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()).ok()
    })
}

fn serve_large_answers() -> SocketAddr {
    serve(|stream, head| {
        let length = if head.starts_with("get /large") { 64 << 20 } else { 2 };
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").ok()?;
        let piece = [b'x'; 64 * 1024];
        let mut left = length;
        while left > 0 {
            let here = left.min(piece.len());
            stream.write_all(&piece[..here]).ok()?;
            left -= here;
        }
        Some(())
    })
}

/// An upstream that reads a head, hands it on in lower case, and then does what it is told; None ends the connection.
fn serve(answer: fn(&mut TcpStream, &str) -> Option<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let serve = move || -> Option<()> {
                loop {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(byte(&mut stream)?);
                    }
                    answer(&mut stream, &String::from_utf8_lossy(&head).to_lowercase())?;
                }
            };
            // A connection of a slow client stands still here, so each has a thread, and a small one.
            let _ = thread::Builder::new().stack_size(256 * 1024).spawn(serve);
        }
    });
    address
}

fn byte(stream: &mut TcpStream) -> Option<u8> {
    let mut one = [0];
    stream.read_exact(&mut one).ok().map(|()| one[0])
}

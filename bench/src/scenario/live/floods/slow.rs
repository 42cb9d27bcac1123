//! Clients that never finish their request.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

use crate::finding::{Better, Unit};
use crate::scenario::measures::Reading;

const SOCKETS: usize = 5_000;
/// Addresses of the loopback that they come from, since an edge bounds the connections of one address.
const ADDRESSES: usize = 8;
/// Between two bytes of a head.
const DRIP: Duration = Duration::from_millis(1_500);
const HEAD: &[u8] = b"GET /plain/slow HTTP/1.1\r\nHost: slow\r\nX-Slow: ";

/// The sockets, counted.
pub struct Slow {
    open: Cell<usize>,
    most: Cell<usize>,
    opened: Cell<u64>,
}

impl Slow {
    /// Holds them open, and opens another for each that is closed, until it is told to stop.
    pub fn run(edge: SocketAddr, stop: &AtomicBool) -> io::Result<Vec<Reading>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let slow = Rc::new(Self { open: Cell::new(0), most: Cell::new(0), opened: Cell::new(0) });
        let all = LocalSet::new();
        for number in 0..SOCKETS {
            let slow = Rc::clone(&slow);
            all.spawn_local(async move { slow.again_and_again(edge, number).await });
        }
        runtime.block_on(all.run_until(async {
            while !stop.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(50)).await;
            }
        }));
        drop(all);
        let reading = |name, value| Reading { name, unit: Unit::Count, better: Better::Neither, value };
        Ok(vec![
            reading("sockets_at_once", slow.most.get() as f64),
            reading("sockets_opened", slow.opened.get() as f64),
        ])
    }

    async fn again_and_again(&self, edge: SocketAddr, number: usize) {
        let last = 2 + u8::try_from(number % ADDRESSES).unwrap_or_default();
        let from = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0);
        loop {
            // Closed, refused, or no port left: another one, a little later.
            let _ = self.drip(from, edge).await;
            sleep(Duration::from_millis(200 + number as u64 % 300)).await;
        }
    }

    /// One connection, until the edge has had enough of it.
    async fn drip(&self, from: SocketAddr, edge: SocketAddr) -> io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(from)?;
        let mut stream = socket.connect(edge).await?;
        let _counted = Open::new(self);
        stream.write_all(HEAD).await?;
        loop {
            match timeout(DRIP, stream.read(&mut [0; 512])).await {
                Err(_) => stream.write_all(b"x").await?,
                Ok(Ok(0)) => return Ok(()),
                Ok(answered) => drop(answered?),
            }
        }
    }
}

/// Counts while it lives.
struct Open<'a>(&'a Slow);

impl<'a> Open<'a> {
    fn new(slow: &'a Slow) -> Self {
        slow.opened.set(slow.opened.get() + 1);
        slow.open.set(slow.open.get() + 1);
        slow.most.set(slow.most.get().max(slow.open.get()));
        Self(slow)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
    }
}

/// As many files as the system lets a process have; an edge that starts afterwards inherits it. Where that is too few, the report shows how many
/// sockets there were at once.
pub fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

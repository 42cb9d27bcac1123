//! One edge takes over from another without a refused connection: the sockets of the listeners go from process to process (SCM_RIGHTS, unix(7)).
//!
//! The running edge offers its sockets on a Unix socket in its state folder. The new one, started with `--upgrade`, has read its configuration by then; it
//! connects, gets the sockets, starts on them, and says `serving` when it would be ready. Only then the old one drains. Until that word both accept; if it
//! never comes, the old one goes on as if nothing had been.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

const HELLO: &str = "tollgate-edge-upgrade 1";
const SERVING: &str = "serving";
const DRAINING: &str = "draining";
/// The public listeners and the admin listener.
const MOST_SOCKETS: usize = 8;
const MOST_TEXT: usize = 4 * 1024;
/// How long one side waits for an answer of the other that needs no work.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a new edge may take from getting the sockets to serving: its own limit, and some more.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Why nothing was handed over.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    #[error("{path}: {source}; is an edge running on this folder?", path = path.display())]
    Connect { path: PathBuf, source: io::Error },
    #[error("the running edge: {0}")]
    Talk(#[from] io::Error),
    #[error("the running edge says something that this one does not understand")]
    Protocol,
    #[error("not ready after {seconds} s ({reasons}); the old edge serves on", reasons = reasons.join("; "))]
    NotReady { seconds: u64, reasons: Vec<String> },
    #[error("there is no place to ask: `[listen] upgrade_sock` names one, or `[feed] state_dir` has it")]
    NoPlace,
    #[error("another edge is running on this folder ({path}); `--upgrade` takes over from it", path = path.display())]
    Occupied { path: PathBuf },
}

/// A listener's socket on its way.
#[derive(Debug)]
pub struct Socket {
    pub address: SocketAddr,
    pub listener: TcpListener,
}

/// What goes with the descriptors, in their order.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    addresses: Vec<SocketAddr>,
}

/// Where a running edge offers its sockets; removes the file at its end unless a successor has its own there.
#[derive(Debug)]
pub struct Offer {
    listener: UnixListener,
    path: PathBuf,
    handed_over: bool,
}

impl Offer {
    /// Binds beside the path and moves it there, so that there is always one edge or the other to reach.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}", std::process::id()));
        let beside = PathBuf::from(beside);
        let _ = std::fs::remove_file(&beside); // left behind by a process of the same number
        let listener = UnixListener::bind(&beside)?;
        listener.set_nonblocking(true)?;
        std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&beside, path)?;
        Ok(Self { listener, path: path.to_owned(), handed_over: false })
    }

    /// Resolves when a successor serves on the sockets.
    pub async fn taken(mut self, sockets: &[Socket]) {
        let Ok(listener) = self.listener.try_clone().and_then(tokio::net::UnixListener::from_std) else {
            return std::future::pending().await; // no more file descriptors: no successor, then
        };
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await; // out of file descriptors, most likely
                continue;
            };
            if !is_ours(&stream) {
                tracing::warn!("somebody else's process asked for the listeners");
                continue;
            }
            match hand_over(stream, sockets).await {
                Ok(true) => {
                    self.handed_over = true;
                    return;
                }
                Ok(false) => tracing::error!("the new edge ended before it served; this one goes on"),
                Err(error) => tracing::error!(%error, "the listeners were not handed over; this edge goes on"),
            }
        }
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        if !self.handed_over {
            let _ = std::fs::remove_file(&self.path); // gone already
        }
    }
}

/// Whether the process at the other end belongs to our user, or to root.
fn is_ours(stream: &tokio::net::UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

/// Answers whether the other side serves now.
async fn hand_over(stream: tokio::net::UnixStream, sockets: &[Socket]) -> io::Result<bool> {
    let mut stream = BufReader::new(stream);
    if line(&mut stream, PATIENCE).await?.as_deref() != Some(HELLO) {
        return Ok(false);
    }
    let mut manifest =
        serde_json::to_vec(&Manifest { addresses: sockets.iter().map(|socket| socket.address).collect() })?;
    manifest.push(b'\n');
    stream.get_ref().writable().await?;
    send(stream.get_ref().as_fd(), &manifest, sockets)?;
    if line(&mut stream, START_LIMIT).await?.as_deref() != Some(SERVING) {
        return Ok(false);
    }
    stream.write_all(format!("{DRAINING}\n").as_bytes()).await?;
    Ok(true)
}

/// None at the end of the stream.
async fn line(stream: &mut BufReader<tokio::net::UnixStream>, patience: Duration) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut bounded = tokio::io::AsyncReadExt::take(stream, MOST_TEXT as u64);
    timeout(patience, bounded.read_until(b'\n', &mut bytes)).await??;
    Ok(String::from_utf8(bytes).ok().and_then(|text| text.strip_suffix('\n').map(str::to_owned)))
}

fn send(to: BorrowedFd<'_>, text: &[u8], sockets: &[Socket]) -> io::Result<()> {
    let descriptors: Vec<BorrowedFd<'_>> = sockets.iter().map(|socket| socket.listener.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_SOCKETS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("more sockets than a message carries"));
    }
    let sent = sendmsg(to, &[IoSlice::new(text)], &mut control, SendFlags::NOSIGNAL)?;
    if sent == text.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Sockets that another edge has handed over, and the way to tell it that they are served.
#[derive(Debug)]
pub struct Taken {
    sockets: Vec<Socket>,
    stream: UnixStream,
}

impl Taken {
    /// Asks the edge that offers its sockets there.
    pub fn from(path: &Path) -> Result<Self, HandoverError> {
        let connect = |source| HandoverError::Connect { path: path.to_owned(), source };
        let mut stream = UnixStream::connect(path).map_err(connect)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{HELLO}\n").as_bytes())?;
        let (text, descriptors) = receive(stream.as_fd())?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| HandoverError::Protocol)?;
        if manifest.addresses.len() != descriptors.len() {
            return Err(HandoverError::Protocol);
        }
        let listeners = descriptors.into_iter().map(TcpListener::from);
        let sockets = manifest.addresses.into_iter().zip(listeners);
        Ok(Self { sockets: sockets.map(|(address, listener)| Socket { address, listener }).collect(), stream })
    }

    /// The socket for an address, once.
    pub fn socket(&mut self, address: SocketAddr) -> Option<TcpListener> {
        let position = self.sockets.iter().position(|socket| socket.address == address)?;
        Some(self.sockets.swap_remove(position).listener)
    }

    /// Tells the other edge that it may go. Sockets that nobody took are closed: the configuration no longer has them.
    pub fn confirm(mut self) -> Result<(), HandoverError> {
        self.stream.write_all(format!("{SERVING}\n").as_bytes())?;
        let mut answer = [0; DRAINING.len() + 1];
        self.stream.read_exact(&mut answer)?;
        if answer.strip_suffix(b"\n") == Some(DRAINING.as_bytes()) { Ok(()) } else { Err(HandoverError::Protocol) }
    }
}

/// One message with its descriptors.
fn receive(from: BorrowedFd<'_>) -> Result<(Vec<u8>, Vec<OwnedFd>), HandoverError> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_SOCKETS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut text = vec![0; MOST_TEXT];
    let received = recvmsg(from, &mut [IoSliceMut::new(&mut text)], &mut control, RecvFlags::CMSG_CLOEXEC)
        .map_err(io::Error::from)?;
    text.truncate(received.bytes);
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    Ok((text, descriptors))
}

/// Whether an edge offers its sockets there.
pub fn is_occupied(path: &Path) -> bool {
    UnixStream::connect(path).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn socket() -> Socket {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Socket { address: listener.local_addr().unwrap(), listener }
    }

    /// Runs an offer of two sockets on a thread; answers when it was taken.
    fn offer(path: &Path) -> (Vec<SocketAddr>, std::thread::JoinHandle<()>) {
        let sockets = [socket(), socket()];
        let addresses = sockets.iter().map(|socket| socket.address).collect();
        let path = path.to_owned();
        let (bound, ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let offer = Offer::bind(&path).unwrap();
                bound.send(()).unwrap();
                offer.taken(&sockets).await;
            });
        });
        ready.recv().unwrap();
        (addresses, thread)
    }

    #[test]
    fn sockets_change_hands_and_the_old_one_goes_at_the_word_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upgrade.sock");
        assert!(!is_occupied(&path));
        assert!(matches!(Taken::from(&path), Err(HandoverError::Connect { .. })));
        let (addresses, old) = offer(&path);
        drop(Taken::from(&path).unwrap());
        assert!(!old.is_finished(), "a successor that dies changes nothing");

        let mut taken = Taken::from(&path).unwrap();
        let listener = taken.socket(addresses[1]).unwrap();
        assert!(taken.socket(addresses[1]).is_none() && taken.socket(SocketAddr::from(([127, 0, 0, 1], 1))).is_none());
        taken.confirm().unwrap();
        old.join().unwrap();
        TcpStream::connect(addresses[1]).unwrap();
        listener.accept().unwrap();
        assert!(TcpStream::connect(addresses[0]).is_err(), "nobody took it");
        assert!(path.exists(), "it is the successor's now");
    }

    #[test]
    fn what_is_no_successor_gets_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upgrade.sock");
        let (_, _old) = offer(&path);
        let mut stranger = UnixStream::connect(&path).unwrap();
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!(stranger.read(&mut [0; 16]).unwrap_or(0), 0);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(Taken::from(&path).is_ok(), "the next one is heard");
    }
}

//! Tells a service manager how far a role is: the datagrams of sd_notify(3), where `NOTIFY_SOCKET` names somebody who listens.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// A manager that does not read is not waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(1);

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It takes traffic.
    Ready,
    /// It reads its settings again; `Ready` follows.
    #[cfg_attr(not(feature = "edge"), allow(dead_code))]
    Reloading,
    /// It drains.
    Stopping,
    /// This process is the service from now on.
    #[cfg_attr(not(feature = "edge"), allow(dead_code))]
    Main(u32),
}

/// The service manager, or nobody.
#[derive(Debug)]
pub struct Manager {
    socket: Option<OsString>,
}

impl Manager {
    pub fn from_environment() -> Self {
        Self { socket: std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) }
    }

    /// A role goes on whether or not the manager hears it.
    pub fn tell(&self, progress: Progress) {
        let Some(name) = &self.socket else { return };
        if let Err(error) = send(name, &progress.text()) {
            tracing::warn!(%error, ?progress, "the service manager was not told");
        }
    }
}

impl Progress {
    fn text(self) -> String {
        match self {
            Self::Ready => "READY=1\n".to_owned(),
            Self::Reloading => "RELOADING=1\n".to_owned(),
            Self::Stopping => "STOPPING=1\n".to_owned(),
            Self::Main(process) => format!("MAINPID={process}\n"),
        }
    }
}

fn send(name: &OsStr, text: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.send_to_addr(text.as_bytes(), &address(name)?).map(drop)
}

/// A path, or `@` and the name of an abstract socket.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes().split_first() {
        Some((b'@', abstract_name)) => SocketAddr::from_abstract_name(abstract_name),
        _ => SocketAddr::from_pathname(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_behind_a_path_hears_each_step() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = Manager { socket: Some(path.into_os_string()) };
        for (progress, text) in [
            (Progress::Ready, "READY=1\n"),
            (Progress::Reloading, "RELOADING=1\n"),
            (Progress::Stopping, "STOPPING=1\n"),
            (Progress::Main(7), "MAINPID=7\n"),
        ] {
            manager.tell(progress);
            assert_eq!(received(&socket), text);
        }
    }

    #[test]
    fn an_abstract_socket_begins_with_an_at() {
        let name = format!("tollgate-notify-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Manager { socket: Some(format!("@{name}").into()) }.tell(Progress::Ready);
        assert_eq!(received(&socket), "READY=1\n");
    }

    #[test]
    fn nobody_who_listens_is_no_obstacle() {
        Manager { socket: None }.tell(Progress::Ready);
        Manager { socket: Some("/nonexistent/notify".into()) }.tell(Progress::Ready);
        assert!(send(OsStr::new("/nonexistent/notify"), "READY=1\n").is_err());
    }
}

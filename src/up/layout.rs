//! Where `tollgate up` keeps its files and which ports it takes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

/// The ports of one `up`, counted from `--port-base`.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    base: u16,
}

/// A port that is taken, said so that the reader knows what to do.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    #[error("port {port} ({what}) is in use; try --port-base {suggestion}")]
    InUse { port: u16, what: &'static str, suggestion: u16 },
    #[error("--port-base {0}: from 1024 to {max}", max = Ports::MAX_BASE)]
    Range(u16),
}

impl Ports {
    const LAST_OFFSET: u16 = 143;
    const MAX_BASE: u16 = u16::MAX - Self::LAST_OFFSET;

    pub fn from_base(base: u16) -> Result<Self, PortError> {
        if (1024..=Self::MAX_BASE).contains(&base) { Ok(Self { base }) } else { Err(PortError::Range(base)) }
    }

    pub fn issuer(self) -> SocketAddr {
        self.at(0)
    }

    /// UDP.
    pub fn feed(self) -> SocketAddr {
        self.at(1)
    }

    pub fn issuer_admin(self) -> SocketAddr {
        self.at(2)
    }

    pub fn sample_api(self) -> SocketAddr {
        self.at(3)
    }

    pub fn edge(self) -> SocketAddr {
        self.at(100)
    }

    pub fn edge_admin(self) -> SocketAddr {
        self.at(102)
    }

    /// The demo pool's domain at the issuer itself.
    pub fn domain(self) -> String {
        format!("http://localhost:{}", self.issuer().port())
    }

    /// The same through the edge.
    pub fn domain_tls(self) -> String {
        format!("https://localhost:{}", self.edge_tls().port())
    }

    /// Where the demo client's users are sent back to: a path of the sample API.
    pub fn redirect_uri(self) -> String {
        format!("http://localhost:{}/callback", self.sample_api().port())
    }

    /// And after they have signed out.
    pub fn signed_out_uri(self) -> String {
        format!("http://localhost:{}/", self.sample_api().port())
    }

    pub fn edge_tls(self) -> SocketAddr {
        self.at(Self::LAST_OFFSET)
    }

    /// Binds each port once, so that a clash is told before anything is started.
    pub fn check_free(self) -> Result<(), PortError> {
        let tcp = [
            (self.issuer(), "issuer"),
            (self.issuer_admin(), "issuer admin and metrics"),
            (self.sample_api(), "sample API"),
            (self.edge(), "edge"),
            (self.edge_admin(), "edge admin"),
            (self.edge_tls(), "edge TLS"),
        ];
        for (address, what) in tcp {
            TcpListener::bind(address).map_err(|_| self.in_use(address, what))?;
        }
        UdpSocket::bind(self.feed()).map_err(|_| self.in_use(self.feed(), "feed, UDP"))?;
        Ok(())
    }

    fn at(self, offset: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.base.saturating_add(offset)))
    }

    fn in_use(self, address: SocketAddr, what: &'static str) -> PortError {
        let next = self.base.saturating_add(1000);
        let suggestion = if next <= Self::MAX_BASE { next } else { 8700 };
        PortError::InUse { port: address.port(), what, suggestion }
    }
}

/// The folder of one `up` (`--data`), with absolute paths.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Makes the folder (0700) when it isn't there.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        private_dir(path)?;
        let folder = Self { root: path.canonicalize()? };
        private_dir(&folder.outbox())?;
        private_dir(&folder.edge_state())?;
        Ok(folder)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn outbox(&self) -> PathBuf {
        self.join("outbox")
    }

    pub fn edge_state(&self) -> PathBuf {
        self.join("edge-state")
    }

    pub fn issuer_config(&self) -> PathBuf {
        self.join("issuer.toml")
    }

    pub fn edge_config(&self) -> PathBuf {
        self.join("edge.toml")
    }

    pub fn up_json(&self) -> PathBuf {
        self.join("up.json")
    }
}

fn private_dir(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file with mode 0600, whole or not at all.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let draft = path.with_extension("draft");
    let mut file = std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_counted_from_the_base() {
        let ports = Ports::from_base(8700).unwrap();
        assert_eq!(ports.edge().port(), 8800);
        assert_eq!(ports.edge_tls().port(), 8843);
        assert!(Ports::from_base(80).is_err());
        assert!(Ports::from_base(65_500).is_err());
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let base = taken.local_addr().unwrap().port() - 1;
        let Ok(ports) = Ports::from_base(base) else { return };
        if let Err(error) = ports.check_free() {
            assert!(error.to_string().contains("in use; try --port-base"), "{error}");
        } else {
            panic!("the feed's port is taken");
        }
    }
}

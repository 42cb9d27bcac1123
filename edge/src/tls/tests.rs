use std::fs;

use rcgen::{CertificateParams, KeyPair};

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A certificate for these names.
    fn certificate(&self, file: &str, names: &[&str]) -> CertificateFiles {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let [cert, key_file] = ["pem", "key"].map(|kind| self.0.path().join(format!("{file}.{kind}")));
        fs::write(&cert, certificate.pem()).unwrap();
        fs::write(&key_file, key.serialize_pem()).unwrap();
        CertificateFiles { cert, key: key_file }
    }
}

fn files(certificates: Vec<CertificateFiles>) -> TlsFiles {
    TlsFiles { certificates, clients: None, oldest: Oldest::Tls12 }
}

#[test]
fn every_name_of_a_certificate_finds_it_and_a_wildcard_stands_for_one_label() {
    let folder = Folder::new();
    let all = vec![
        folder.certificate("default", &["default.test"]),
        folder.certificate("api", &["api.example.com", "www.example.com"]),
        folder.certificate("wild", &["*.example.com"]),
    ];
    let loaded = Certificates::load(&all, &rustls::crypto::ring::default_provider()).unwrap();
    for (name, expected) in [
        ("api.example.com", [1].as_slice()),
        ("WWW.example.com", &[1]),
        ("other.example.com", &[2]),
        ("a.b.example.com", &[]),
        ("example.com", &[]),
        ("default.test", &[0]),
        ("", &[]),
        (".", &[]),
    ] {
        assert_eq!(loaded.named(name), expected, "{name}");
    }
    let names: Vec<_> = loaded.summaries().into_iter().map(|summary| summary.names).collect();
    assert_eq!(names[1], ["api.example.com", "www.example.com"]);
}

#[test]
fn files_that_cant_be_used_are_named() {
    let folder = Folder::new();
    let (good, other) = (folder.certificate("a", &["a.test"]), folder.certificate("b", &["b.test"]));
    assert!(files(vec![good.clone()]).load().is_ok());
    let crossed = CertificateFiles { cert: good.cert.clone(), key: other.key };
    let problem = files(vec![good.clone(), crossed]).load().unwrap_err().to_string();
    assert!(problem.contains("a.pem"), "{problem}");
    let empty = folder.0.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let problem = files(vec![CertificateFiles { cert: empty.clone(), key: good.key.clone() }]).load().unwrap_err();
    assert!(problem.to_string().contains("empty.pem"), "{problem}");
    let clients = |ca| Some(ClientCertificates { ca, crls: Vec::new(), required: true });
    let problem = TlsFiles { clients: clients(empty), ..files(vec![good.clone()]) }.load().unwrap_err();
    assert!(problem.to_string().contains("empty.pem"), "{problem}");
    assert!(TlsFiles { clients: clients(good.cert.clone()), ..files(vec![good]) }.load().is_ok());
}

//! `[listen] tls = { cert, key, certificates, client_ca, client_crl, client_auth, min_version }`.

use std::path::Path;

use common::settings::{Section, SettingError};

use crate::tls::{CertificateFiles, ClientCertificates, Oldest, TlsFiles};

/// Reads the table; relative paths are relative to `folder`.
pub fn files(mut section: Section, folder: &Path) -> Result<TlsFiles, SettingError> {
    let mut certificates = Vec::new();
    if section.has("cert") || section.has("key") {
        certificates.push(pair(&mut section, folder)?);
    }
    for mut more in section.sections("certificates")? {
        certificates.push(pair(&mut more, folder)?);
        more.finish()?;
    }
    if certificates.is_empty() {
        return Err(section.missing("cert"));
    }
    let clients = clients(&mut section, folder)?;
    let oldest = match section.text("min_version")?.as_deref() {
        None | Some("1.2") => Oldest::Tls12,
        Some("1.3") => Oldest::Tls13,
        Some(other) => return Err(section.error("min_version", format!("\"{other}\" is neither \"1.2\" nor \"1.3\""))),
    };
    section.finish()?;
    Ok(TlsFiles { certificates, clients, oldest })
}

fn pair(section: &mut Section, folder: &Path) -> Result<CertificateFiles, SettingError> {
    Ok(CertificateFiles {
        cert: folder.join(section.required_text("cert")?),
        key: folder.join(section.required_text("key")?),
    })
}

fn clients(section: &mut Section, folder: &Path) -> Result<Option<ClientCertificates>, SettingError> {
    let ca = section.file("client_ca")?.map(|file| folder.join(file));
    let crls: Vec<_> = section.texts("client_crl")?.into_iter().map(|file| folder.join(file)).collect();
    let required = match section.text("client_auth")?.as_deref() {
        None => None,
        Some("request") => Some(false),
        Some("require") => Some(true),
        Some(other) => {
            let problem = format!("\"{other}\" is neither \"request\" nor \"require\"");
            return Err(section.error("client_auth", problem));
        }
    };
    match ca {
        Some(ca) => Ok(Some(ClientCertificates { ca, crls, required: required.unwrap_or(true) })),
        None if required.is_some() || !crls.is_empty() => {
            Err(section.error("client_ca", "is missing: without authorities no client certificate can be checked"))
        }
        None => Ok(None),
    }
}

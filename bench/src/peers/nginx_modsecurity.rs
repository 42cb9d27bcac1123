//! nginx with ModSecurity and the OWASP Core Rule Set: what web ACLs are compared with. Debian packages `libnginx-mod-http-modsecurity` and
//! `modsecurity-crs`.

use std::ffi::OsString;
use std::path::Path;

use super::nginx::{CONFIG, Conf, arguments};
use super::{About, ConfigFile, Duty, Installed, Peer, PeerError, Site, find};

const CONNECTOR: &str = "libnginx-mod-http-modsecurity";
const RULE_SET: &str = "modsecurity-crs";
/// Where Debian puts it.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so";
/// Debian's own settings, as the package brings them: what an administrator has changed is in /etc.
const SETTINGS: &str = "/usr/share/nginx/docs/modsecurity/modsecurity.conf";
/// Folder of the rule set.
pub const RULES: &str = "/usr/share/modsecurity-crs/rules";
/// In the peer's folder.
pub const AUDIT_LOG: &str = "audit.log";

/// Blocking by anomaly score, with the defaults of ModSecurity and of the rule set: a request that reaches a score of 5 is refused.
pub enum NginxModsecurity {
    Level1,
    Level2,
    /// Writes down which rules have matched; too slow for figures of speed.
    Level1Audited,
    Level2Audited,
}

impl NginxModsecurity {
    /// For the figures of speed.
    pub const MEASURED: [Self; 2] = [Self::Level1, Self::Level2];

    /// The one of that paranoia level which says why it refuses.
    pub fn audited(level: u8) -> Self {
        if level <= 1 { Self::Level1Audited } else { Self::Level2Audited }
    }

    fn level(&self) -> u8 {
        match self {
            Self::Level1 | Self::Level1Audited => 1,
            Self::Level2 | Self::Level2Audited => 2,
        }
    }

    /// What the rule set's crs-setup.conf sets, and the level.
    fn rules(&self) -> String {
        let level = self.level();
        let audit = match self {
            Self::Level1 | Self::Level2 => "SecAuditEngine Off\n".to_owned(),
            Self::Level1Audited | Self::Level2Audited => format!(
                "SecAuditEngine On
SecAuditLogType Serial
SecAuditLogFormat JSON
SecAuditLogParts AHZ
SecAuditLog {AUDIT_LOG}
"
            ),
        };
        format!(
            "Include {SETTINGS}
SecRuleEngine On
SecStatusEngine Off
{audit}SecDefaultAction \"phase:1,log,auditlog,pass\"
SecDefaultAction \"phase:2,log,auditlog,pass\"
SecCollectionTimeout 600
SecAction \"id:900000,phase:1,nolog,pass,t:none,setvar:tx.paranoia_level={level}\"
SecAction \"id:900990,phase:1,nolog,pass,t:none,setvar:tx.crs_setup_version=334\"
Include {RULES}/*.conf
"
        )
    }
}

impl Peer for NginxModsecurity {
    fn about(&self) -> About {
        let (name, title) = match self {
            Self::Level1 => ("modsecurity_pl1", "nginx, ModSecurity with CRS, level 1"),
            Self::Level2 => ("modsecurity_pl2", "nginx, ModSecurity with CRS, level 2"),
            Self::Level1Audited => ("modsecurity_pl1_audited", "nginx, ModSecurity with CRS, level 1"),
            Self::Level2Audited => ("modsecurity_pl2_audited", "nginx, ModSecurity with CRS, level 2"),
        };
        About {
            name,
            title,
            note: "Debian's defaults: anomaly score 5, blocking; request and response bodies are read.",
            duty: Duty::Pass,
            caches: false,
            checks: "",
            packages: &["nginx", CONNECTOR, RULE_SET, "libmodsecurity3"],
        }
    }

    fn program(&self, installed: &Installed) -> Result<Vec<OsString>, PeerError> {
        if !Path::new(MODULE).is_file() {
            return Err(installed.missing(CONNECTOR));
        }
        if !Path::new(RULES).is_dir() {
            return Err(installed.missing(RULE_SET));
        }
        installed.program("nginx", find("nginx"))
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &[CONNECTOR, "libmodsecurity3", RULE_SET]
    }

    fn files(&self, site: &Site) -> Vec<ConfigFile> {
        let conf = Conf {
            main: format!("load_module {MODULE};\n"),
            location: "            modsecurity on;
            modsecurity_rules_file modsecurity.conf;
"
            .into(),
            ..Conf::default()
        };
        vec![
            ConfigFile { name: CONFIG, text: conf.text(site) },
            ConfigFile { name: "modsecurity.conf", text: self.rules() },
        ]
    }

    fn arguments(&self, site: &Site) -> Vec<OsString> {
        arguments(site)
    }
}

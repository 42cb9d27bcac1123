//! What holds for all web ACLs of an edge, whether a file has them or the feed has brought them.

use std::sync::Arc;

use common::waf::{Opened, read};
use serde_json::Value;

use crate::samples::{Dice, Room, Tally};
use crate::snapshot::acl::{AclLog, AclMeter, AclRule, AclTells, EncodedBodies, OF_POOLS};
use crate::waf::{Acl, CompileError, Library, Locate, compile_as};
use crate::waf_log::LogRules;

#[derive(Clone, Debug)]
pub struct Terms {
    /// How hard challenges and captchas are where nobody says.
    pub usual: (u8, u8),
    pub locate: Arc<dyn Locate>,
    /// There is a file for AWS WAF's log.
    pub logs: bool,
    /// For samples.
    pub room: Room,
}

impl Terms {
    /// Puts a compiled web ACL to use under this name.
    pub fn rule(&self, name: &str, acl: Acl, meter: AclMeter, encoded: EncodedBodies, logs: AclLog) -> AclRule {
        AclRule {
            name: name.into(),
            meter,
            asks: acl.reads_token(),
            acl,
            encoded,
            logs,
            locate: Arc::clone(&self.locate),
            tells: AclTells::default(),
        }
    }

    /// Compiles what the feed has brought; `meter` gives counters to a web ACL of that name.
    ///
    /// Encoded bodies are inspected as they came: so does the issuer read them, which decodes none. Rates are counted apart from those of files, and
    /// for each web ACL apart, whichever groups they share.
    pub fn of_pools(
        &self,
        opened: &Opened,
        meter: impl FnOnce(&str, &Acl) -> AclMeter,
    ) -> Result<AclRule, CompileError> {
        let mut library = Library::with_managed_groups();
        for set in &opened.ip_sets {
            library.add_ip_set(set);
        }
        for set in &opened.regex_sets {
            library.add_regex_set(set.clone());
        }
        for group in &opened.groups {
            library.add_group(group.clone());
        }
        let counted_as = format!("{OF_POOLS}{}", opened.web_acl.label_namespace);
        let mut acl = compile_as(&counted_as, &opened.web_acl, &library)?;
        // No rule is named, so none is missed.
        let _ = acl.set_difficulty(self.usual, &[]);
        let name = format!("{OF_POOLS}{}", opened.web_acl.name);
        let meter = meter(&name, &acl);
        let mut rule = self.rule(&name, acl, meter, EncodedBodies::Inspect, AclLog::Matched);
        rule.tells = self.tells_of_pools(&rule.acl, opened.logging.as_ref());
        Ok(rule)
    }

    /// Where the logging configuration can't be read nothing is told: it may say that something is to be left out.
    fn tells_of_pools(&self, acl: &Acl, logging: Option<&Value>) -> AclTells {
        let logging = match logging.map(read::logging).transpose() {
            Ok(logging) => logging,
            Err(problem) => {
                tracing::error!(acl = %acl.name, %problem, "the web ACL's logging configuration is refused: its requests are neither logged nor sampled");
                return AclTells::default();
            }
        };
        let rules = LogRules::new(logging.clone().unwrap_or_default(), acl);
        AclTells {
            samples: acl.arn.is_some().then(|| Tally::new(acl, Dice::default(), self.room.clone())),
            redacted: rules.redacted.clone(),
            log: (self.logs && logging.is_some()).then_some(rules),
        }
    }
}

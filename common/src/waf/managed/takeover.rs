//! Groups against account takeover and account creation: our own, and AWS's by their names, rules and labels.
//!
//! What is judged, and by which thresholds, is the edge's `takeover`; here stands which signal is whose rule. AWS's groups follow AWS's documented thresholds
//! where it documents them; a rule for which there is nothing here (a browser that gives itself away, a score of risk) is there by name and matches nothing.

use super::Shipped;
use crate::waf::model::{Action, Rule, RuleAction, RuleGroup, Signal, Statement, Visibility, Watched, Watching};

pub const TAKEOVER: &str = "TollgateAccountTakeoverRuleSet";
pub const CREATION: &str = "TollgateAccountCreationRuleSet";

/// As AWS has it for its groups.
const CAPACITY: u64 = 50;

/// Name, labels, action, and the signals of which one is enough.
type Entry = (&'static str, &'static [&'static str], Action, &'static [Signal]);

struct Group {
    vendor: &'static str,
    name: &'static str,
    description: &'static str,
    namespace: &'static str,
    kind: Watching,
    rules: &'static [Entry],
    labels: &'static [(Signal, &'static str)],
}

const BLOCK: Action = Action::Block(None);
const COUNT: Action = Action::Count(Vec::new());
const CHALLENGE: Action = Action::Challenge(Vec::new());
const CAPTCHA: Action = Action::Captcha(Vec::new());

const GROUPS: &[Group] = &[
    Group {
        vendor: super::VENDOR,
        name: TAKEOVER,
        description: "Sign-ins and recoveries: stuffing, spraying, guessing, failures by outcome of an address, a network, a session, or all over.",
        namespace: "awswaf:managed:tollgate:takeover:",
        kind: Watching::SignIns,
        rules: &[
            ("FailedNamesIp", &["failed:ip"], BLOCK, &[Signal::FailedRatioIp]),
            ("FailedNamesNetwork", &["failed:network"], BLOCK, &[Signal::FailedRatioNetwork]),
            ("FailedNamesUnderAttack", &["failed:attack"], BLOCK, &[Signal::FailedUnderAttack]),
            ("FailedNamesSession", &["failed:session"], BLOCK, &[Signal::FailedSession, Signal::NamesOfSession]),
            ("ManyNamesOnePassword", &["password:many-names"], BLOCK, &[Signal::NamesOfPassword]),
            ("ManyPasswordsOneName", &["name:many-passwords"], BLOCK, &[Signal::PasswordsOfName]),
            ("ManyRecoveries", &["recovery:many-names"], BLOCK, &[Signal::NamesRecovered]),
            ("SessionReused", &["session:reused"], BLOCK, &[Signal::SessionReused]),
            ("CompromisedMany", &["credential:compromised-many"], BLOCK, &[Signal::CompromisedMany]),
            ("CompromisedCredential", &["credential:compromised"], COUNT, &[Signal::Compromised]),
            ("UnreadableAttempt", &["unreadable"], BLOCK, &[Signal::Unreadable]),
            ("NamelessAttempt", &["nameless"], BLOCK, &[Signal::Nameless]),
        ],
        labels: &[
            (Signal::UnderAttack, "attack"),
            (Signal::SuspectNetwork, "network:suspect"),
            (Signal::Missing, "credential:missing"),
            (Signal::VolumeIp, "volume:ip:high"),
            (Signal::VolumeIpMedium, "volume:ip:medium"),
            (Signal::VolumeIpLow, "volume:ip:low"),
        ],
    },
    Group {
        vendor: super::VENDOR,
        name: CREATION,
        description: "Sign-ups: many accounts from one address, network, session or telephone number, and tries which names are taken.",
        namespace: "awswaf:managed:tollgate:creation:",
        kind: Watching::SignUps,
        rules: &[
            ("ManyAccountsIp", &["accounts:ip"], BLOCK, &[Signal::ManyAccountsIp]),
            ("ManyAccountsNetwork", &["accounts:network"], BLOCK, &[Signal::ManyAccountsNetwork]),
            (
                "ManyAccountsSession",
                &["accounts:session"],
                BLOCK,
                &[Signal::SucceededSession, Signal::SucceededSessionMedium],
            ),
            ("ManyAttemptsIp", &["volume:ip"], BLOCK, &[Signal::VolumeIp]),
            ("FailedSignUpsIp", &["failed:ip"], BLOCK, &[Signal::FailedIp]),
            ("SamePhoneNumber", &["volume:phone"], BLOCK, &[Signal::VolumePhone]),
            ("SessionReused", &["session:reused"], BLOCK, &[Signal::SessionReused]),
            ("UnreadableAttempt", &["unreadable"], BLOCK, &[Signal::Unreadable]),
        ],
        labels: &[(Signal::Compromised, "credential:compromised")],
    },
    Group {
        vendor: "AWS",
        name: "AWSManagedRulesATPRuleSet",
        description: "Rule names and labels of AWS against account takeover, with our own detection. Works for user pools, too.",
        namespace: "awswaf:managed:aws:atp:",
        kind: Watching::SignIns,
        rules: &[
            ("UnsupportedCognitoIDP", &["unsupported:cognito_idp", "UnsupportedCognitoIDP"], BLOCK, &[]),
            ("VolumetricIpHigh", &["aggregate:volumetric:ip:high", "VolumetricIpHigh"], BLOCK, &[Signal::VolumeIp]),
            (
                "VolumetricSession",
                &["aggregate:volumetric:session", "VolumetricSession"],
                BLOCK,
                &[Signal::VolumeSession],
            ),
            (
                "AttributeCompromisedCredentials",
                &["aggregate:attribute:compromised_credentials", "AttributeCompromisedCredentials"],
                BLOCK,
                &[Signal::CompromisedMany],
            ),
            (
                "AttributeUsernameTraversal",
                &["aggregate:attribute:username_traversal", "AttributeUsernameTraversal"],
                BLOCK,
                &[
                    Signal::NamesOfSession,
                    Signal::NamesOfPassword,
                    Signal::FailedRatioNetwork,
                    Signal::FailedUnderAttack,
                ],
            ),
            (
                "AttributePasswordTraversal",
                &["aggregate:attribute:password_traversal", "AttributePasswordTraversal"],
                BLOCK,
                &[Signal::PasswordsOfName],
            ),
            ("AttributeLongSession", &["aggregate:attribute:long_session", "AttributeLongSession"], BLOCK, &[]),
            ("TokenRejected", &[], BLOCK, &[Signal::TokenRejected]),
            (
                "SignalMissingCredential",
                &["signal:missing_credential", "SignalMissingCredential"],
                BLOCK,
                &[Signal::Missing, Signal::Unreadable],
            ),
            (
                "VolumetricIpFailedLoginResponseHigh",
                &["aggregate:volumetric:ip:failed_login_response:high", "VolumetricIpFailedLoginResponseHigh"],
                BLOCK,
                &[Signal::FailedIp, Signal::FailedRatioIp],
            ),
            (
                "VolumetricSessionFailedLoginResponseHigh",
                &[
                    "aggregate:volumetric:session:failed_login_response:high",
                    "VolumetricSessionFailedLoginResponseHigh",
                ],
                BLOCK,
                &[Signal::FailedSession],
            ),
        ],
        labels: &[
            (Signal::VolumeIpMedium, "aggregate:volumetric:ip:medium"),
            (Signal::VolumeIpLow, "aggregate:volumetric:ip:low"),
            (Signal::Compromised, "signal:credential_compromised"),
            (Signal::SessionReused, "aggregate:volumetric:session:token_reuse:ip"),
            (Signal::FailedIpMedium, "aggregate:volumetric:ip:failed_login_response:medium"),
            (Signal::FailedIpLow, "aggregate:volumetric:ip:failed_login_response:low"),
            (Signal::SucceededIp, "aggregate:volumetric:ip:successful_login_response:high"),
            (Signal::SucceededIpMedium, "aggregate:volumetric:ip:successful_login_response:medium"),
            (Signal::SucceededIpLow, "aggregate:volumetric:ip:successful_login_response:low"),
            (Signal::FailedSessionMedium, "aggregate:volumetric:session:failed_login_response:medium"),
            (Signal::FailedSessionLow, "aggregate:volumetric:session:failed_login_response:low"),
            (Signal::SucceededSession, "aggregate:volumetric:session:successful_login_response:high"),
            (Signal::SucceededSessionMedium, "aggregate:volumetric:session:successful_login_response:medium"),
            (Signal::SucceededSessionLow, "aggregate:volumetric:session:successful_login_response:low"),
        ],
    },
    Group {
        vendor: "AWS",
        name: "AWSManagedRulesACFPRuleSet",
        description: "Rule names and labels of AWS against fraudulent account creation, with our own detection. Works for user pools, too.",
        namespace: "awswaf:managed:aws:acfp:",
        kind: Watching::SignUps,
        rules: &[
            ("UnsupportedCognitoIDP", &["unsupported:cognito_idp", "UnsupportedCognitoIDP"], BLOCK, &[]),
            ("AllRequests", &[], CHALLENGE, &[Signal::Page]),
            ("RiskScoreHigh", &["risk_score:high", "RiskScoreHigh"], BLOCK, &[]),
            (
                "SignalCredentialCompromised",
                &["signal:credential_compromised", "SignalCredentialCompromised"],
                BLOCK,
                &[Signal::Compromised],
            ),
            ("SignalClientHumanInteractivityAbsentLow", &[], CAPTCHA, &[]),
            ("AutomatedBrowser", &["signal:automated_browser", "AutomatedBrowser"], BLOCK, &[]),
            ("BrowserInconsistency", &["signal:browser_inconsistency", "BrowserInconsistency"], CAPTCHA, &[]),
            (
                "VolumetricIpHigh",
                &["aggregate:volumetric:ip:creation:high", "VolumetricIpHigh"],
                CAPTCHA,
                &[Signal::VolumeIp],
            ),
            (
                "VolumetricSessionHigh",
                &["aggregate:volumetric:session:creation:high", "VolumetricSessionHigh"],
                BLOCK,
                &[Signal::VolumeSession],
            ),
            (
                "AttributeUsernameTraversalHigh",
                &["aggregate:attribute:username_traversal:creation:high", "AttributeUsernameTraversalHigh"],
                BLOCK,
                &[Signal::NamesOfSession],
            ),
            (
                "VolumetricPhoneNumberHigh",
                &["aggregate:volumetric:phone_number:high", "VolumetricPhoneNumberHigh"],
                BLOCK,
                &[Signal::VolumePhone],
            ),
            (
                "VolumetricAddressHigh",
                &["aggregate:volumetric:address:high", "VolumetricAddressHigh"],
                BLOCK,
                &[Signal::VolumeAddress],
            ),
            (
                "VolumetricAddressLow",
                &["aggregate:volumetric:address:low", "VolumetricAddressLow"],
                CAPTCHA,
                &[Signal::VolumeAddressMedium, Signal::VolumeAddressLow],
            ),
            (
                "VolumetricIPSuccessfulResponse",
                &["aggregate:volumetric:ip:successful_creation_response:high", "VolumetricIPSuccessfulResponse"],
                BLOCK,
                &[Signal::SucceededIp],
            ),
            (
                "VolumetricSessionSuccessfulResponse",
                &[
                    "aggregate:volumetric:session:successful_creation_response:low",
                    "VolumetricSessionSuccessfulResponse",
                ],
                BLOCK,
                &[Signal::SucceededSession, Signal::SucceededSessionMedium, Signal::SucceededSessionLow],
            ),
            (
                "VolumetricSessionTokenReuseIp",
                &["aggregate:volumetric:session:creation:token_reuse:ip", "VolumetricSessionTokenReuseIp"],
                BLOCK,
                &[Signal::SessionReused],
            ),
        ],
        labels: &[
            (Signal::Missing, "signal:missing_credential"),
            (Signal::Unreadable, "signal:missing_credential"),
            (Signal::VolumeIpMedium, "aggregate:volumetric:ip:creation:medium"),
            (Signal::VolumeIpLow, "aggregate:volumetric:ip:creation:low"),
            (Signal::VolumeSessionMedium, "aggregate:volumetric:session:creation:medium"),
            (Signal::VolumeSessionLow, "aggregate:volumetric:session:creation:low"),
            (Signal::NamesOfSessionMedium, "aggregate:attribute:username_traversal:creation:medium"),
            (Signal::NamesOfSessionLow, "aggregate:attribute:username_traversal:creation:low"),
            (Signal::VolumePhoneMedium, "aggregate:volumetric:phone_number:medium"),
            (Signal::VolumePhoneLow, "aggregate:volumetric:phone_number:low"),
            (Signal::VolumeAddressMedium, "aggregate:volumetric:address:medium"),
            (Signal::SucceededIpMedium, "aggregate:volumetric:ip:successful_creation_response:medium"),
            (Signal::SucceededIpLow, "aggregate:volumetric:ip:successful_creation_response:low"),
            (Signal::FailedIp, "aggregate:volumetric:ip:failed_creation_response:high"),
            (Signal::FailedIpMedium, "aggregate:volumetric:ip:failed_creation_response:medium"),
            (Signal::FailedIpLow, "aggregate:volumetric:ip:failed_creation_response:low"),
            (Signal::SucceededSession, "aggregate:volumetric:session:successful_creation_response:high"),
            (Signal::SucceededSessionMedium, "aggregate:volumetric:session:successful_creation_response:medium"),
            (Signal::FailedSession, "aggregate:volumetric:session:failed_creation_response:high"),
            (Signal::FailedSessionMedium, "aggregate:volumetric:session:failed_creation_response:medium"),
            (Signal::FailedSessionLow, "aggregate:volumetric:session:failed_creation_response:low"),
        ],
    },
];

pub fn groups() -> impl Iterator<Item = Shipped> {
    GROUPS.iter().map(|group| Shipped {
        vendor: group.vendor,
        name: group.name,
        description: group.description,
        group: RuleGroup {
            name: group.name.to_owned(),
            arn: None,
            capacity: CAPACITY,
            rules: group.rules.iter().zip(0..).map(rule).collect(),
            bodies: Default::default(),
            visibility: visibility(group.name),
            label_namespace: group.namespace.to_owned(),
            watched: Some(Watched {
                kind: group.kind,
                labels: group.labels.iter().map(|(signal, label)| (*signal, (*label).to_owned())).collect(),
            }),
        },
    })
}

fn rule(((name, labels, action, signals), priority): (&Entry, u32)) -> Rule {
    Rule {
        name: (*name).to_owned(),
        priority,
        statement: Statement::Signal(signals.to_vec()),
        action: RuleAction::Own(action.clone()),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        captcha_immunity: None,
        challenge_immunity: None,
        visibility: visibility(name),
    }
}

fn visibility(name: &str) -> Visibility {
    Visibility { metric: name.to_owned(), measured: true, sampled: true }
}

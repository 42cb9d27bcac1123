//! What rule groups against account takeover and account creation judge: attempts to sign in and to sign up, where they are found in requests, and how their
//! answers tell what came of them (AWS WAFv2 `AWSManagedRulesATPRuleSet` and `AWSManagedRulesACFPRuleSet`).

/// What is said of an attempt. What each needs stands in docs/WAF.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// The name or the password is missing.
    Missing,
    /// The name is missing, so that nothing can be compared.
    Nameless,
    /// It is longer than what is inspected, or can't be read, so nobody knows what is attempted.
    Unreadable,
    /// The issuer has said, within a day, that others know this pair.
    Compromised,
    /// The address, or the session, has sent several of those.
    CompromisedMany,
    /// An attack is on: many addresses fail.
    UnderAttack,
    /// Most addresses of the client's network fail.
    SuspectNetwork,
    /// Different names fail from the address, and few succeed.
    FailedRatioIp,
    /// The same of fewer names, in a suspect network.
    FailedRatioNetwork,
    /// The same of fewer names, while an attack is on.
    FailedUnderAttack,
    /// Attempts that failed, in the session, or different names that do.
    FailedSession,
    FailedSessionMedium,
    FailedSessionLow,
    /// Several names are tried in one session.
    NamesOfSession,
    NamesOfSessionMedium,
    NamesOfSessionLow,
    /// One password is tried with many names.
    NamesOfPassword,
    /// Many passwords are tried with one name.
    PasswordsOfName,
    /// One session is used by many addresses.
    SessionReused,
    /// The passwords of many names are to be replaced, from one address.
    NamesRecovered,
    /// The client's token is no good.
    TokenRejected,
    /// The page is asked for that has the form.
    Page,
    /// Attempts from the address: high, medium, low volumes.
    VolumeIp,
    VolumeIpMedium,
    VolumeIpLow,
    /// Attempts in the session.
    VolumeSession,
    VolumeSessionMedium,
    VolumeSessionLow,
    /// Attempts that failed, from the address.
    FailedIp,
    FailedIpMedium,
    FailedIpLow,
    /// Attempts that succeeded, from the address.
    SucceededIp,
    SucceededIpMedium,
    SucceededIpLow,
    /// Attempts that succeeded, in the session.
    SucceededSession,
    SucceededSessionMedium,
    SucceededSessionLow,
    /// Accounts that were made from the address, or from its network, in an hour.
    ManyAccountsIp,
    ManyAccountsNetwork,
    /// Attempts with the same telephone number.
    VolumePhone,
    VolumePhoneMedium,
    VolumePhoneLow,
    /// Attempts with the same postal address.
    VolumeAddress,
    VolumeAddressMedium,
    VolumeAddressLow,
}

/// A set of signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals(u64);

impl Signals {
    /// Adds the signal, where it holds. One that was there stays.
    pub fn set(&mut self, signal: Signal, holds: bool) {
        self.0 |= u64::from(holds) << (signal as u32);
    }

    pub const fn has(self, signal: Signal) -> bool {
        self.0 >> (signal as u32) & 1 == 1
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a rule group watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    pub kind: Watching,
    /// Labels, without their namespace, that requests get for what is said of them, whatever rules do.
    pub labels: Vec<(Signal, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// Sign-ins and recoveries.
    SignIns,
    /// Sign-ups.
    SignUps,
}

/// Where an application of one's own has its sign-in or sign-up (`ManagedRuleGroupConfigs`). Cognito's calls need no such word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptPlace {
    /// Where attempts are sent to, by POST.
    pub path: PathMatch,
    /// Where the form is, by GET.
    pub page: Option<PathMatch>,
    /// How bodies are written; None: as their content type says.
    pub payload: Option<Payload>,
    pub fields: AttemptFields,
    /// How answers tell success from failure; None: by their status.
    pub answers: Option<Answers>,
}

/// Paths that begin so, or that the pattern finds something in; the pattern compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathMatch {
    Prefix(String),
    Pattern(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Fields are JSON pointers (RFC 6901).
    Json,
    /// Fields are names of a form.
    Form,
}

/// Where what is compared stands in the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptFields {
    pub name: Option<String>,
    pub password: Option<String>,
    pub email: Option<String>,
    /// The parts of one number.
    pub phone: Vec<String>,
    /// The parts of one postal address.
    pub address: Vec<String>,
}

/// `ResponseInspection`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answers {
    Status {
        success: Vec<u16>,
        failure: Vec<u16>,
    },
    /// The name in lower case.
    Header {
        name: String,
        values: Texts,
    },
    /// Of the first 65,536 bytes.
    Body(Texts),
    /// What stands at a JSON pointer, in the first 65,536 bytes.
    Json {
        pointer: String,
        values: Texts,
    },
}

/// What means success, and what failure; letters have case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    pub success: Vec<String>,
    pub failure: Vec<String>,
}

//! The life of a signing key, and when its next step is due. Pure.

use std::time::Duration;

use common::clock::UnixMillis;

/// What a key signs. A pool's two kinds of token have keys of their own, as in Cognito.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    Id,
    Access,
}

impl Purpose {
    pub const ALL: [Self; 2] = [Self::Id, Self::Access];

    /// As stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Access => "access",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Published, does not sign yet.
    Pending,
    /// Signs.
    Active,
    /// Signs no more; what it signed is still good.
    Retiring,
    /// Everything it signed has ended. Not published; the private key is gone.
    Retired,
    /// Compromised: nothing that it signed is good. Not published; the private key is gone.
    Revoked,
}

impl KeyState {
    pub const ALL: [Self; 5] = [Self::Pending, Self::Active, Self::Retiring, Self::Retired, Self::Revoked];

    /// As stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether the key is in the pool's JWK set.
    pub const fn is_published(self) -> bool {
        matches!(self, Self::Pending | Self::Active | Self::Retiring)
    }

    /// Whether a key may go from this state to `next`. There is no way back from any.
    pub const fn allows(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending, Self::Active | Self::Revoked)
                | (Self::Active, Self::Retiring | Self::Revoked)
                | (Self::Retiring, Self::Retired | Self::Revoked)
        )
    }
}

/// What the rules look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    pub kid: String,
    pub purpose: Purpose,
    pub state: KeyState,
    /// When it came into this state.
    pub since: UnixMillis,
}

/// How keys are rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// How long a key is published before it signs: longer than verifiers keep a JWK set.
    pub publish_ahead: Duration,
    /// How long a key stays published after it signed last: the longest token life, and time for issuers to notice.
    pub keep_after: Duration,
    /// The age at which a key is replaced; `None`: only when asked.
    pub every: Option<Duration>,
}

impl Default for RotationPolicy {
    /// Ten minutes ahead (verifiers may keep a JWK set for one), 25 hours after (Cognito's tokens live at most 24), and only when asked, as in Cognito.
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        Self { publish_ahead: Duration::from_secs(600), keep_after: hours(25), every: None }
    }
}

/// Published keys of one purpose, at most. A rotation adds one, which leaves when it has been retiring for [`RotationPolicy::keep_after`]; past this
/// number another has to wait for that.
pub const MAX_PER_PURPOSE: usize = 128;

/// What may need [`due`] at `now`: keys that have been in their state since at or before these instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    pub pending: UnixMillis,
    pub retiring: UnixMillis,
    /// None: active keys are not replaced by age.
    pub active: Option<UnixMillis>,
}

impl RotationPolicy {
    pub fn horizon(&self, now: UnixMillis) -> Horizon {
        Horizon {
            pending: now.minus(self.publish_ahead),
            retiring: now.minus(self.keep_after),
            active: self.every.map(|every| now.minus(every.saturating_sub(self.publish_ahead))),
        }
    }
}

/// One due change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a key that signs at once: there is none. Verifiers fetch it when they meet it.
    CreateActive,
    /// Make a key that will sign later.
    CreatePending,
    /// The pending key signs from now; the active one, if there is one, retires.
    Promote { pending: String, active: Option<String> },
    /// Take the key out of the set.
    Retire { kid: String },
}

/// The steps that are due for one purpose, in the order in which they are to be taken. Taking them and asking again, at the same
/// time, gives none.
pub fn due(now: UnixMillis, purpose: Purpose, keys: &[KeyFacts], policy: &RotationPolicy) -> Vec<Step> {
    let in_state = |state| keys.iter().filter(move |key| key.purpose == purpose && key.state == state);
    let mut steps: Vec<Step> = in_state(KeyState::Retiring)
        .filter(|key| now.since(key.since) >= policy.keep_after)
        .map(|key| Step::Retire { kid: key.kid.clone() })
        .collect();
    let (active, pending) = (in_state(KeyState::Active).next(), in_state(KeyState::Pending).next());
    // Past the bound another has to wait until one is retired: a set that verifiers do not take would end every token.
    let full = keys.iter().filter(|key| key.purpose == purpose && key.state.is_published()).count() >= MAX_PER_PURPOSE;
    let next = replacement(now, active, pending, policy).into_iter();
    steps.extend(next.filter(|step| !(full && *step == Step::CreatePending)));
    steps
}

fn replacement(
    now: UnixMillis,
    active: Option<&KeyFacts>,
    pending: Option<&KeyFacts>,
    policy: &RotationPolicy,
) -> Option<Step> {
    let promote = |pending: &KeyFacts, active: Option<&KeyFacts>| Step::Promote {
        pending: pending.kid.clone(),
        active: active.map(|key| key.kid.clone()),
    };
    match (active, pending) {
        (None, None) => Some(Step::CreateActive),
        // The active key was revoked: the pending one is at least known to some verifiers.
        (None, Some(pending)) => Some(promote(pending, None)),
        (Some(active), Some(pending)) => {
            (now.since(pending.since) >= policy.publish_ahead).then(|| promote(pending, Some(active)))
        }
        (Some(active), None) => {
            let lead = policy.every?.saturating_sub(policy.publish_ahead);
            (now.since(active.since) >= lead).then_some(Step::CreatePending)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: u64 = 3_600_000;

    fn key(kid: &str, state: KeyState, since_hours: u64) -> KeyFacts {
        KeyFacts { kid: kid.into(), purpose: Purpose::Id, state, since: UnixMillis(since_hours * HOUR) }
    }

    fn monthly() -> RotationPolicy {
        RotationPolicy { every: Some(Duration::from_secs(720 * 3_600)), ..a_day_ahead() }
    }

    fn a_day_ahead() -> RotationPolicy {
        RotationPolicy { publish_ahead: Duration::from_secs(24 * 3_600), ..RotationPolicy::default() }
    }

    #[test]
    fn a_full_set_waits_for_a_key_to_retire() {
        let hour = Duration::from_secs(3_600);
        let policy = RotationPolicy { publish_ahead: hour / 6, keep_after: hour * 1_000, every: Some(hour) };
        let retiring = (1..MAX_PER_PURPOSE).map(|n| key(&n.to_string(), KeyState::Retiring, 0));
        let full: Vec<KeyFacts> = retiring.chain([key("a", KeyState::Active, 0)]).collect();
        let steps = |keys: &[KeyFacts]| due(UnixMillis(500 * HOUR), Purpose::Id, keys, &policy);
        assert_eq!(steps(&full), []);
        assert_eq!(steps(&full[1..]), [Step::CreatePending]);
    }

    #[test]
    fn steps_fall_due() {
        use KeyState::{Active, Pending, Retired, Retiring, Revoked};
        let promote = |pending: &str, active: Option<&str>| Step::Promote {
            pending: pending.into(),
            active: active.map(str::to_owned),
        };
        let retire = |kid: &str| Step::Retire { kid: kid.into() };
        let cases: [(u64, RotationPolicy, Vec<KeyFacts>, Vec<Step>); 12] = [
            (0, RotationPolicy::default(), vec![], vec![Step::CreateActive]),
            (9_999, RotationPolicy::default(), vec![key("a", Active, 0)], vec![]),
            (695, monthly(), vec![key("a", Active, 0)], vec![]),
            (696, monthly(), vec![key("a", Active, 0)], vec![Step::CreatePending]),
            (719, monthly(), vec![key("a", Active, 0), key("b", Pending, 696)], vec![]),
            (720, monthly(), vec![key("a", Active, 0), key("b", Pending, 696)], vec![promote("b", Some("a"))]),
            (744, monthly(), vec![key("a", Retiring, 720), key("b", Active, 720)], vec![]),
            (745, monthly(), vec![key("a", Retiring, 720), key("b", Active, 720)], vec![retire("a")]),
            (745, monthly(), vec![key("a", Retired, 745), key("b", Active, 720)], vec![]),
            (1, monthly(), vec![key("a", Revoked, 1)], vec![Step::CreateActive]),
            (1, monthly(), vec![key("a", Revoked, 1), key("b", Pending, 0)], vec![promote("b", None)]),
            (
                50,
                monthly(),
                vec![key("a", Retiring, 0), key("b", Active, 0), key("c", Pending, 26)],
                vec![retire("a"), promote("c", Some("b"))],
            ),
        ];
        for (hour, policy, keys, steps) in cases {
            assert_eq!(due(UnixMillis(hour * HOUR), Purpose::Id, &keys, &policy), steps, "{hour} {keys:?}");
        }
    }

    #[test]
    fn the_other_purpose_is_not_looked_at() {
        let keys = [key("a", KeyState::Active, 0)];
        let policy = RotationPolicy::default();
        assert_eq!(due(UnixMillis(0), Purpose::Access, &keys, &policy), [Step::CreateActive]);
    }

    #[test]
    fn there_is_no_way_back() {
        for from in KeyState::ALL {
            for to in KeyState::ALL {
                assert!(!(from.allows(to) && to.allows(from)), "{from:?} {to:?}");
            }
            assert!(!from.allows(from));
        }
        for end in [KeyState::Retired, KeyState::Revoked] {
            assert!(KeyState::ALL.into_iter().all(|next| !end.allows(next)));
        }
    }

    #[test]
    fn names_round_trip() {
        for state in KeyState::ALL {
            assert_eq!(KeyState::parse(state.name()), Some(state));
        }
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.name()), Some(purpose));
        }
        assert_eq!((KeyState::parse("Active"), Purpose::parse("")), (None, None));
    }

    /// Takes the steps as the store would.
    fn take(now: UnixMillis, keys: &mut Vec<KeyFacts>, steps: Vec<Step>) {
        let mut go = |kid: &str, next: KeyState| {
            let key = keys.iter_mut().find(|key| key.kid == kid).unwrap();
            assert!(key.state.allows(next), "{key:?} to {next:?}");
            (key.state, key.since) = (next, now);
        };
        let mut made = Vec::new();
        for step in steps {
            match step {
                Step::CreateActive => made.push(KeyState::Active),
                Step::CreatePending => made.push(KeyState::Pending),
                Step::Retire { kid } => go(&kid, KeyState::Retired),
                Step::Promote { pending, active } => {
                    active.iter().for_each(|kid| go(kid, KeyState::Retiring));
                    go(&pending, KeyState::Active);
                }
            }
        }
        for state in made {
            let kid = format!("k{}", keys.len());
            keys.push(KeyFacts { kid, purpose: Purpose::Id, state, since: now });
        }
    }

    proptest! {
        /// However long the gaps between looks: one key signs, steps are taken once, and no key leaves the set while a token that
        /// it signed may live.
        #[test]
        fn rotation_never_breaks_a_token(gaps in proptest::collection::vec(1u64..400, 1..60)) {
            let policy = monthly();
            let (mut now, mut keys) = (UnixMillis(0), Vec::new());
            for gap in gaps {
                let steps = due(now, Purpose::Id, &keys, &policy);
                take(now, &mut keys, steps);
                prop_assert_eq!(due(now, Purpose::Id, &keys, &policy), vec![]);
                let counted = |state| keys.iter().filter(|key| key.state == state).count();
                prop_assert_eq!(counted(KeyState::Active), 1);
                prop_assert!(counted(KeyState::Pending) <= 1);
                now = now.plus(Duration::from_secs(gap * 3_600));
                for key in keys.iter().filter(|key| key.state == KeyState::Retiring) {
                    let leaves = due(now, Purpose::Id, &keys, &policy).contains(&Step::Retire { kid: key.kid.clone() });
                    prop_assert_eq!(leaves, now.since(key.since) >= policy.keep_after);
                }
            }
        }
    }
}

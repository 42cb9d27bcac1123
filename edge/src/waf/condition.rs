//! Statements, compiled.

use std::net::IpAddr;
use std::ops::BitOr;

use common::waf::model::{ForwardedIp, SetPosition, Signal, Signals};

use crate::waf::inspection::Inspected;
use crate::waf::labels::{LabelTest, Labels};
use crate::waf::origin::{Addresses, Locate, Networks, forwarded, own};
use crate::waf::origins::{Origins, Whose};
use crate::waf::tokens;

/// What a rule asks, with everything resolved.
#[derive(Debug)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// A question about what is inspected, by its number.
    Ask(usize),
    Addresses {
        networks: std::sync::Arc<Networks>,
        forwarded: Option<(ForwardedIp, SetPosition)>,
    },
    Geo {
        countries: Vec<[u8; 2]>,
        forwarded: Option<ForwardedIp>,
    },
    Asn {
        numbers: Vec<u32>,
        forwarded: Option<ForwardedIp>,
    },
    Label(LabelTest),
    /// One of these is said of the attempt that the request is.
    Signal(Vec<Signal>),
}

/// What conditions are decided with.
pub struct Scene<'s, 'a, 'r> {
    pub inspected: &'s mut Inspected<'a, 'r>,
    pub labels: &'s mut Labels,
    pub origins: &'s mut Origins,
    /// What is said of the attempt that the request is, by the group whose rules are asked.
    pub signals: Signals,
    pub locate: &'s dyn Locate,
}

/// What a rule must know that not every edge, or not every request, has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    pub countries: bool,
    pub regions: bool,
    pub systems: bool,
    /// Labels about the token of challenges.
    pub tokens: bool,
    /// The session in it.
    pub sessions: bool,
}

impl Wants {
    /// Of a label, or of a namespace of labels.
    pub fn of_labels(key: &str) -> Self {
        let is_in = |namespace: &str| key.starts_with(namespace) || (!key.is_empty() && namespace.starts_with(key));
        Self {
            regions: key.contains("ip:geo:region:"),
            tokens: is_in(tokens::TOKEN) || is_in(tokens::CAPTCHA),
            sessions: is_in(tokens::SESSION),
            ..Self::default()
        }
    }
}

impl BitOr for Wants {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            countries: self.countries || other.countries,
            regions: self.regions || other.regions,
            systems: self.systems || other.systems,
            tokens: self.tokens || other.tokens,
            sessions: self.sessions || other.sessions,
        }
    }
}

impl Condition {
    pub fn holds(&self, scene: &mut Scene<'_, '_, '_>) -> bool {
        match self {
            Self::All(inner) => inner.iter().all(|one| one.holds(scene)),
            Self::Any(inner) => inner.iter().any(|one| one.holds(scene)),
            Self::Not(inner) => !inner.holds(scene),
            Self::Ask(question) => scene.inspected.answer(*question),
            Self::Label(test) => test.is_on(scene.labels),
            Self::Signal(signals) => signals.iter().any(|signal| scene.signals.has(*signal)),
            Self::Addresses { networks, forwarded: header } => {
                let request = *scene.inspected.request();
                let addresses = match header {
                    None => own(request.client),
                    Some((header, position)) => forwarded(request.headers, header, *position),
                };
                match addresses {
                    Addresses::Says(told) => told,
                    Addresses::These(these) => these.into_iter().any(|address| networks.contains(address)),
                }
            }
            Self::Geo { countries, forwarded } => match scene.address(forwarded.as_ref()) {
                Err(told) => told,
                Ok((address, whose)) => {
                    let place = scene.origins.place(address, whose, scene.locate);
                    place.country.is_some_and(|country| countries.contains(&country))
                }
            },
            Self::Asn { numbers, forwarded } => match scene.address(forwarded.as_ref()) {
                Err(told) => told,
                Ok((address, _)) => numbers.contains(&scene.origins.system(address, scene.locate)),
            },
        }
    }

    /// Every question that may be asked.
    pub fn questions(&self) -> Vec<usize> {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().flat_map(Self::questions).collect(),
            Self::Not(inner) => inner.questions(),
            Self::Ask(question) => vec![*question],
            Self::Addresses { .. } | Self::Geo { .. } | Self::Asn { .. } | Self::Label(_) | Self::Signal(_) => {
                Vec::new()
            }
        }
    }

    pub fn wants(&self) -> Wants {
        match self {
            Self::All(inner) | Self::Any(inner) => {
                inner.iter().map(Self::wants).fold(Wants::default(), |all, one| all | one)
            }
            Self::Not(inner) => inner.wants(),
            Self::Geo { .. } => Wants { countries: true, ..Wants::default() },
            Self::Asn { .. } => Wants { systems: true, ..Wants::default() },
            Self::Label(test) => Wants::of_labels(test.key()),
            Self::Ask(_) | Self::Addresses { .. } | Self::Signal(_) => Wants::default(),
        }
    }
}

impl Scene<'_, '_, '_> {
    /// The address that the statement is about; or what it says without knowing any.
    fn address(&self, header: Option<&ForwardedIp>) -> Result<(IpAddr, Whose), bool> {
        let request = self.inspected.request();
        let (addresses, whose) = match header {
            None => (own(request.client), Whose::Client),
            Some(header) => (forwarded(request.headers, header, SetPosition::First), Whose::Forwarded),
        };
        match addresses {
            Addresses::Says(told) => Err(told),
            Addresses::These(these) => these.first().map(|address| (*address, whose)).ok_or(false),
        }
    }
}

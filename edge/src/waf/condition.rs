//! Statements, compiled.

use common::waf::model::{ForwardedIp, SetPosition};

use crate::waf::inspection::Inspected;
use crate::waf::labels::{LabelTest, Labels};
use crate::waf::origin::{Addresses, Locate, Networks, Origin, forwarded, own};

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
}

/// What conditions are decided with.
pub struct Scene<'s, 'a, 'r> {
    pub inspected: &'s mut Inspected<'a, 'r>,
    pub labels: &'s mut Labels,
    pub locate: &'s dyn Locate,
}

impl Condition {
    pub fn holds(&self, scene: &mut Scene<'_, '_, '_>) -> bool {
        match self {
            Self::All(inner) => inner.iter().all(|one| one.holds(scene)),
            Self::Any(inner) => inner.iter().any(|one| one.holds(scene)),
            Self::Not(inner) => !inner.holds(scene),
            Self::Ask(question) => scene.inspected.answer(*question),
            Self::Label(test) => test.is_on(scene.labels),
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
            Self::Geo { countries, forwarded } => match scene.origin(forwarded.as_ref()) {
                Err(told) => told,
                Ok(origin) => {
                    scene.add_geo_labels(&origin, forwarded.is_some());
                    origin.country.is_some_and(|country| countries.contains(&country))
                }
            },
            // AWS gives the number 0 to an address of which it knows none.
            Self::Asn { numbers, forwarded } => match scene.origin(forwarded.as_ref()) {
                Err(told) => told,
                Ok(origin) => numbers.contains(&origin.asn.unwrap_or(0)),
            },
        }
    }

    /// Every question that may be asked.
    pub fn questions(&self) -> Vec<usize> {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().flat_map(Self::questions).collect(),
            Self::Not(inner) => inner.questions(),
            Self::Ask(question) => vec![*question],
            Self::Addresses { .. } | Self::Geo { .. } | Self::Asn { .. } | Self::Label(_) => Vec::new(),
        }
    }
}

impl Scene<'_, '_, '_> {
    /// What is known of the address that the statement is about; or what it says without knowing any.
    fn origin(&self, header: Option<&ForwardedIp>) -> Result<Origin, bool> {
        let request = self.inspected.request();
        let addresses = match header {
            None => own(request.client),
            Some(header) => forwarded(request.headers, header, SetPosition::First),
        };
        match addresses {
            Addresses::Says(told) => Err(told),
            Addresses::These(these) => these.first().map(|address| self.locate.origin(*address)).ok_or(false),
        }
    }

    /// Whether the statement matches or not, the request is labelled with its country and region.
    fn add_geo_labels(&mut self, origin: &Origin, is_forwarded: bool) {
        let namespace = if is_forwarded { "awswaf:forwardedip:geo" } else { "awswaf:clientip:geo" };
        let country = origin.country.as_ref().and_then(|country| std::str::from_utf8(country).ok()).unwrap_or("XX");
        let region = origin.region.as_deref().unwrap_or("XX");
        self.labels.add(&format!("{namespace}:country:{country}").into());
        self.labels.add(&format!("{namespace}:region:{country}-{region}").into());
    }
}

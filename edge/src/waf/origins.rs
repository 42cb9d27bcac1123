//! What is known of the addresses that the rules of one request are about. Each is looked up once, whichever rules ask.

use std::net::IpAddr;

use crate::waf::labels::Labels;
use crate::waf::origin::{Locate, Place};

/// It borrows nothing: it goes on with the request when its body has been read. It holds as many addresses as rules name headers, and the client's own.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<Known>);

#[derive(Clone, Debug)]
struct Known {
    address: IpAddr,
    place: Option<Place>,
    system: Option<Option<u32>>,
    own: Labelled,
    forwarded: Labelled,
}

/// Whether the request has the labels of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Labelled {
    #[default]
    No,
    /// When the rule has been evaluated.
    Soon,
    Yes,
}

/// Whose address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Client,
    /// A header names it.
    Forwarded,
}

impl Origins {
    /// For a geo match statement: the request is labelled with the place, whether the statement matches or not.
    pub fn place(&mut self, address: IpAddr, whose: Whose, locate: &dyn Locate) -> Place {
        let Some(known) = self.known(address) else { return Place::default() };
        let labelled = match whose {
            Whose::Client => &mut known.own,
            Whose::Forwarded => &mut known.forwarded,
        };
        if *labelled == Labelled::No {
            *labelled = Labelled::Soon;
        }
        *known.place.get_or_insert_with(|| locate.place(address))
    }

    /// AWS gives the number 0 to an address of which it knows none.
    pub fn system(&mut self, address: IpAddr, locate: &dyn Locate) -> u32 {
        let known = self.known(address).map(|known| *known.system.get_or_insert_with(|| locate.system(address)));
        known.flatten().unwrap_or(0)
    }

    /// At the end of a rule: AWS adds labels then, so that a rule does not see those that it brings itself.
    pub fn label(&mut self, labels: &mut Labels) {
        for known in &mut self.0 {
            let place = known.place.unwrap_or_default();
            for (namespace, labelled) in
                [("awswaf:clientip:geo", &mut known.own), ("awswaf:forwardedip:geo", &mut known.forwarded)]
            {
                if *labelled == Labelled::Soon {
                    *labelled = Labelled::Yes;
                    let country = place.country.as_ref().and_then(|code| std::str::from_utf8(code).ok());
                    let (country, region) = (country.unwrap_or("XX"), place.region);
                    let region = region.as_ref().map_or("XX", |region| region.as_str());
                    labels.add(&format!("{namespace}:country:{country}").into());
                    labels.add(&format!("{namespace}:region:{country}-{region}").into());
                }
            }
        }
    }

    /// What was looked up, in words.
    pub fn told(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|known| {
            let place = known.place.map(|place| match (place.country, place.region) {
                (None, _) => "no known country".to_owned(),
                (Some(country), None) => String::from_utf8_lossy(&country).into_owned(),
                (Some(country), Some(region)) => format!("{}-{}", String::from_utf8_lossy(&country), region.as_str()),
            });
            let system = known.system.map(|system| match system {
                None => "no known autonomous system".to_owned(),
                Some(number) => format!("AS {number}"),
            });
            let all: Vec<String> = place.into_iter().chain(system).collect();
            format!("{} is of {}", known.address, all.join(", "))
        })
    }

    fn known(&mut self, address: IpAddr) -> Option<&mut Known> {
        let at = self.0.iter().position(|known| known.address == address).unwrap_or(self.0.len());
        if at == self.0.len() {
            let (own, forwarded) = (Labelled::No, Labelled::No);
            self.0.push(Known { address, place: None, system: None, own, forwarded });
        }
        self.0.get_mut(at)
    }
}

//! How many attempts come from whom: counts in windows, as AWS documents them of its groups, over the table of `crate::rates`.

use std::time::Duration;

use common::waf::model::{Signal, Signals, Watching};

use crate::rates::{Quota, RuleId};
use crate::waf::attempt::Counted;
use crate::waf::rate::Counting;

/// By what attempts are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Address,
    Network,
    Session,
    Phone,
    Postal,
}

/// Which attempts are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Asked,
    Failed,
    Succeeded,
}

#[derive(Debug)]
pub struct Measures(Vec<Measure>);

/// Above so many in the window, so much is said; the largest count first.
#[derive(Debug)]
struct Measure {
    by: By,
    event: Event,
    quota: Quota,
    levels: &'static [(u32, Signal)],
}

type Row = (By, Event, u64, &'static [(u32, Signal)]);

const TEN_MINUTES: u64 = 600;
const HALF_HOUR: u64 = 1_800;
const HOUR: u64 = 3_600;

const BOTH: &[Row] = &[
    (
        By::Address,
        Event::Asked,
        TEN_MINUTES,
        &[(20, Signal::VolumeIp), (15, Signal::VolumeIpMedium), (10, Signal::VolumeIpLow)],
    ),
    (
        By::Address,
        Event::Failed,
        TEN_MINUTES,
        &[(10, Signal::FailedIp), (5, Signal::FailedIpMedium), (1, Signal::FailedIpLow)],
    ),
    (
        By::Address,
        Event::Succeeded,
        TEN_MINUTES,
        &[(10, Signal::SucceededIp), (5, Signal::SucceededIpMedium), (1, Signal::SucceededIpLow)],
    ),
    (
        By::Session,
        Event::Failed,
        HALF_HOUR,
        &[(10, Signal::FailedSession), (5, Signal::FailedSessionMedium), (1, Signal::FailedSessionLow)],
    ),
    (
        By::Session,
        Event::Succeeded,
        HALF_HOUR,
        &[(10, Signal::SucceededSession), (5, Signal::SucceededSessionMedium), (1, Signal::SucceededSessionLow)],
    ),
];

const SIGN_INS: &[Row] = &[(By::Session, Event::Asked, HALF_HOUR, &[(20, Signal::VolumeSession)])];

const SIGN_UPS: &[Row] = &[
    (
        By::Session,
        Event::Asked,
        HALF_HOUR,
        &[(10, Signal::VolumeSession), (5, Signal::VolumeSessionMedium), (1, Signal::VolumeSessionLow)],
    ),
    (
        By::Phone,
        Event::Asked,
        HALF_HOUR,
        &[(10, Signal::VolumePhone), (5, Signal::VolumePhoneMedium), (1, Signal::VolumePhoneLow)],
    ),
    (
        By::Postal,
        Event::Asked,
        HALF_HOUR,
        &[(100, Signal::VolumeAddress), (50, Signal::VolumeAddressMedium), (10, Signal::VolumeAddressLow)],
    ),
    // Not AWS's.
    (By::Address, Event::Succeeded, HOUR, &[(9, Signal::ManyAccountsIp)]),
    (By::Network, Event::Succeeded, HOUR, &[(49, Signal::ManyAccountsNetwork)]),
];

impl Measures {
    /// `name` tells what is counted from all else.
    pub fn new(kind: Watching, name: &str) -> Option<Self> {
        let own = match kind {
            Watching::SignIns => SIGN_INS,
            Watching::SignUps => SIGN_UPS,
        };
        let measure = |(by, event, window, levels): &Row| {
            let most = levels.first().map_or(1, |(most, _)| *most);
            let id = RuleId::of(&format!("{name} {by:?} {event:?} {window}"));
            let quota = Quota::new(id, most, Duration::from_secs(*window))?;
            Some(Measure { by: *by, event: *event, quota, levels })
        };
        BOTH.iter().chain(own).map(measure).collect::<Option<_>>().map(Self)
    }

    /// What the counts say of an attempt. It is counted among those that come, where `counts`.
    pub fn ask(&self, counted: &Counted, counting: Counting<'_>, counts: bool, signals: &mut Signals) {
        for measure in &self.0 {
            let Some(key) = counted.of(measure.by) else { continue };
            let seen = if measure.event == Event::Asked && counts {
                counting.table.observe(counting.now, &measure.quota, key).count
            } else {
                counting.table.look(counting.now, &measure.quota, key).count
            };
            if let Some((_, signal)) = measure.levels.iter().find(|(above, _)| seen > *above) {
                signals.set(*signal, true);
            }
        }
    }

    /// Counts how an attempt ended.
    pub fn tell(&self, counted: &Counted, event: Event, counting: Counting<'_>) {
        for measure in self.0.iter().filter(|measure| measure.event == event) {
            if let Some(key) = counted.of(measure.by) {
                counting.table.observe(counting.now, &measure.quota, key);
            }
        }
    }
}

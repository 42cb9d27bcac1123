//! One shared key: what is unsaid of it, and what the others are reckoned to do.

use std::time::Duration;

use common::feed::Count;

use super::decay::Rate;
use crate::rates::window::{Moment, Quota};

/// Counts leave at once where they are more than this share of the room that is left: one in so many.
const URGENT_SHARE: u32 = 16;
/// Sub-buckets of which the unsaid counts are kept apart. With more of them, which takes a connection that is long away, the oldest are put to the next
/// newer, where they count longer than they had to.
const PARTS: usize = 4;
/// An edge says what is urgent after this long at the latest; who has said nothing for longer has admitted nothing.
const SILENT: Duration = Duration::from_millis(5);

/// Whether the others are heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    Down,
    /// It takes so long until what is admitted elsewhere is known here.
    Up {
        way: Duration,
    },
}

/// See [`super`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Peer {
    /// Admitted and unsaid, the newest first; those in use have a count.
    parts: [Part; PARTS],
    /// Asked for and unsaid, the admitted ones included.
    unsaid: u32,
    /// Given back when the others had been told already.
    owed: u32,
    listed: Listed,
    own: Rate,
    others: Rate,
    /// When the others were heard of last.
    heard: Moment,
    lately: Lately,
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    admitted: u32,
    tick: u64,
    last: Moment,
}

/// What was admitted here in the last hundredths of a second, of which the others may not know yet.
#[derive(Clone, Copy, Debug, Default)]
struct Lately {
    /// In each of the last pieces of time, the newest first.
    pieces: [u16; LATELY],
    newest: u64,
}

const LATELY: usize = 8;
const LATELY_PIECE: Duration = Duration::from_millis(8);

impl Lately {
    fn add(&mut self, now: Moment) {
        self.advance(now);
        if let Some(newest) = self.pieces.first_mut() {
            *newest = newest.saturating_add(1);
        }
    }

    fn advance(&mut self, now: Moment) {
        let number = now.parts(LATELY_PIECE);
        let by = usize::try_from(number.saturating_sub(self.newest)).unwrap_or(LATELY).min(LATELY);
        self.pieces.copy_within(..LATELY - by, by);
        self.pieces.iter_mut().take(by).for_each(|piece| *piece = 0);
        self.newest = self.newest.max(number);
    }

    /// In so long before now.
    fn within(mut self, now: Moment, span: Duration) -> f64 {
        self.advance(now);
        let mut left = span.as_secs_f64();
        let mut each = now.into_part(LATELY_PIECE).as_secs_f64();
        let mut sum = 0.0;
        for piece in self.pieces {
            sum += f64::from(piece) * if left >= each { 1.0 } else { left / each.max(f64::EPSILON) };
            left = (left - each).max(0.0);
            each = LATELY_PIECE.as_secs_f64();
        }
        sum
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Listed {
    #[default]
    No,
    Patient,
    Urgent,
}

impl Peer {
    /// How many the others are reckoned to have admitted of which nobody has heard here, where there is room for so many.
    pub fn reckoned(&self, now: Moment, room: u32, link: Link) -> u32 {
        let Link::Up { way } = link else { return 0 };
        let others = self.others.per_second(now);
        if room == 0 || others < 0.5 {
            return 0;
        }
        let unheard = way.saturating_add(self.heard.until(now).min(SILENT));
        let by_time = others * unheard.as_secs_f64();
        // They saw the room before what was admitted here in that time.
        let their_room = f64::from(room) + self.lately.within(now, unheard);
        let their_share = others / (others + self.own.per_second(now).max(1.0));
        (by_time.min(their_share * their_room) + 0.5) as u32
    }

    /// It was asked for here.
    pub fn asked(&mut self, now: Moment, quota: &Quota, admitted: bool) {
        self.own.add(now, 1);
        if admitted {
            self.lately.add(now);
        }
        self.unsaid = self.unsaid.saturating_add(1);
        if admitted && self.owed > 0 {
            self.owed -= 1;
        } else if admitted {
            self.admitted(now, quota.tick(now));
        }
    }

    fn admitted(&mut self, now: Moment, tick: u64) {
        let [newest, .., before_oldest, oldest] = &mut self.parts;
        if newest.admitted > 0 && newest.tick != tick {
            before_oldest.admitted = before_oldest.admitted.saturating_add(oldest.admitted);
            if before_oldest.admitted == oldest.admitted {
                (before_oldest.tick, before_oldest.last) = (oldest.tick, oldest.last);
            }
            *oldest = Part::default();
            self.parts.rotate_right(1);
        }
        let [newest, ..] = &mut self.parts;
        *newest = Part { admitted: newest.admitted.saturating_add(1), tick, last: newest.last.max(now) };
    }

    /// One that was admitted here counts no more.
    pub fn given_back(&mut self) {
        match self.parts.iter_mut().find(|part| part.admitted > 0) {
            Some(part) => part.admitted -= 1,
            None => self.owed = self.owed.saturating_add(1),
        }
    }

    /// The others were asked for so many.
    pub fn heard(&mut self, now: Moment, asked: u32) {
        self.others.add(now, asked);
        self.heard = self.heard.max(now);
    }

    /// Whether the key comes on the list of the urgent ones by this.
    pub fn becomes_urgent(&mut self, room: u32) -> bool {
        let admitted = self.unsaid_admitted();
        let becomes = self.listed != Listed::Urgent && admitted > 0 && admitted.saturating_mul(URGENT_SHARE) >= room;
        if becomes {
            self.listed = Listed::Urgent;
        }
        becomes
    }

    /// Whether it comes on the list of the others by this.
    pub fn becomes_patient(&mut self) -> bool {
        let becomes = self.listed == Listed::No;
        if becomes {
            self.listed = Listed::Patient;
        }
        becomes
    }

    pub fn list_urgent(&mut self) {
        self.listed = Listed::Urgent;
    }

    /// Whether it was on a list.
    pub fn unlist(&mut self) -> bool {
        std::mem::take(&mut self.listed) != Listed::No
    }

    /// Says what is unsaid: a count for each part, the first with all that was asked.
    pub fn say(&mut self, now: Moment, mut each: impl FnMut(Count)) {
        let parts = std::mem::take(&mut self.parts);
        let mut refused = self.unsaid.saturating_sub(parts.iter().map(|part| part.admitted).sum());
        self.unsaid = 0;
        for part in parts.iter().filter(|part| part.admitted > 0) {
            let ago_ms = u32::try_from(part.last.until(now).as_millis()).unwrap_or(u32::MAX);
            let asked = part.admitted.saturating_add(std::mem::take(&mut refused));
            each(Count { rule: 0, key: [0; 16], admitted: part.admitted, asked, ago_ms });
        }
        if refused > 0 {
            each(Count { rule: 0, key: [0; 16], admitted: 0, asked: refused, ago_ms: 0 });
        }
    }

    pub fn unsaid_admitted(&self) -> u32 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.admitted))
    }

    /// Requests of any kind.
    pub fn unsaid_asked(&self) -> u32 {
        self.unsaid.max(self.unsaid_admitted())
    }

    /// How much is lost if its place goes to another key.
    pub fn heat(&self, now: Moment) -> u64 {
        u64::from(self.unsaid_admitted()) * 16 + (self.own.per_second(now) * 16.0) as u64
    }
}

//! The requests in each of the sixty sub-buckets of one key.

use super::window::BUCKETS;

pub const LENGTH: usize = BUCKETS as usize;

/// Sub-buckets that are kept one by one; with more in use there is a number for each of the sixty.
pub const FEW: usize = 5;

/// Requests by the age of their sub-bucket: that of age 0 is the current one. The highest number stands for more than can be told, and stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    Few(Few),
    Many(Many),
}

/// Ages, the youngest first, each once, and counts above zero; zeros behind them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Few([(u8, u32); FEW]);

/// A count for each age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Many(pub [u32; LENGTH]);

impl Counts {
    pub const NONE: Self = Self::Few(Few([(0, 0); FEW]));

    /// Time goes on by so many sub-buckets; what becomes too old is forgotten.
    pub fn advance(&mut self, by: usize) {
        match self {
            _ if by == 0 => {}
            _ if by >= LENGTH => *self = Self::NONE,
            Self::Few(few) => few.advance(by as u8),
            Self::Many(many) => many.advance(by),
        }
    }

    /// Adds requests of this age, which is below sixty.
    pub fn add(&mut self, age: usize, count: u32) {
        let added = match self {
            Self::Few(few) => few.add(age as u8, count),
            Self::Many(_) => false,
        };
        if !added {
            let mut many = self.many();
            many.add(age, count);
            *self = Self::Many(many);
        }
    }

    /// Takes back a request of this age, or of the next newer ones that there are: merging has put it there.
    pub fn take_back(&mut self, age: usize) {
        let mut many = self.many();
        let newer = many.0.iter_mut().take(age.saturating_add(1)).rev();
        if let Some(count) = newer.filter(|count| **count > 0).find(|count| **count < u32::MAX) {
            *count -= 1;
        }
        *self = many.to_few().map_or(Self::Many(many), Self::Few);
    }

    pub fn sum(&self) -> u32 {
        u32::try_from(self.wide_sum()).unwrap_or(u32::MAX)
    }

    /// The age of the oldest sub-bucket in use.
    pub fn oldest(&self) -> Option<usize> {
        match self {
            Self::Few(few) => few.used().last().map(|(age, _)| usize::from(age)),
            Self::Many(many) => many.0.iter().rposition(|count| *count > 0),
        }
    }

    /// The youngest age down to which sub-buckets must leave the window before less than `rate` is in it. None where less already is.
    pub fn leaves_room(&self, rate: u32) -> Option<usize> {
        let mut left = self.wide_sum();
        if left < u64::from(rate) {
            return None;
        }
        let mut is_enough = |count: u32| {
            left -= u64::from(count);
            left < u64::from(rate)
        };
        match self {
            Self::Few(few) => few.0.iter().rev().find(|(_, count)| is_enough(*count)).map(|(age, _)| usize::from(*age)),
            Self::Many(many) => many.0.iter().rposition(|count| is_enough(*count)),
        }
    }

    pub fn many(&self) -> Many {
        match self {
            Self::Few(few) => few.many(),
            Self::Many(many) => *many,
        }
    }

    fn wide_sum(&self) -> u64 {
        match self {
            Self::Few(few) => few.0.iter().map(|(_, count)| u64::from(*count)).sum(),
            Self::Many(many) => many.0.iter().map(|count| u64::from(*count)).sum(),
        }
    }
}

impl Few {
    /// Of ages in order; those without a count are left out, and those after the fifth.
    pub fn of(ages: impl Iterator<Item = (u8, u32)>) -> Self {
        let mut few = Self::default();
        few.0.iter_mut().zip(ages.filter(|(_, count)| *count > 0)).for_each(|(place, slot)| *place = slot);
        few
    }

    pub fn used(&self) -> impl Iterator<Item = (u8, u32)> {
        self.0.into_iter().take_while(|(_, count)| *count > 0)
    }

    fn advance(&mut self, by: u8) {
        for (age, count) in &mut self.0 {
            *age += by;
            if usize::from(*age) >= LENGTH {
                (*age, *count) = (0, 0); // and all behind it, which are older
            }
        }
    }

    /// Whether there was a place for it.
    fn add(&mut self, age: u8, count: u32) -> bool {
        let at = self.0.iter().position(|(other, count)| *count == 0 || *other >= age);
        let Some((other, there)) = at.and_then(|at| self.0.get_mut(at)) else { return false };
        if *there == 0 || *other == age {
            (*other, *there) = (age, there.saturating_add(count));
            return true;
        }
        let is_full = self.0.last().is_some_and(|(_, count)| *count > 0);
        if let (Some(rest), false) = (at.and_then(|at| self.0.get_mut(at..)), is_full) {
            rest.rotate_right(1);
            if let Some(place) = rest.first_mut() {
                *place = (age, count);
            }
        }
        !is_full
    }

    fn many(self) -> Many {
        let mut many = Many([0; LENGTH]);
        self.used().for_each(|(age, count)| many.add(usize::from(age), count));
        many
    }
}

impl Many {
    fn advance(&mut self, by: usize) {
        self.0.copy_within(..LENGTH - by.min(LENGTH), by);
        self.0.iter_mut().take(by).for_each(|count| *count = 0);
    }

    fn add(&mut self, age: usize, count: u32) {
        if let Some(there) = self.0.get_mut(age) {
            *there = there.saturating_add(count);
        }
    }

    /// Sub-buckets with requests in them.
    pub fn used(&self) -> usize {
        self.0.iter().filter(|count| **count > 0).count()
    }

    pub fn highest(&self) -> u32 {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// The same, where few are in use.
    pub fn to_few(self) -> Option<Few> {
        (self.used() <= FEW).then(|| Few::of((0..).zip(self.0)))
    }

    /// Few at last: neighbours are merged into the newer one, those first whose requests are kept too long by the least.
    pub fn merged(mut self) -> Few {
        while self.used() > FEW {
            let used = self.0.iter().copied().enumerate().filter(|(_, count)| *count > 0);
            let pairs = used.clone().zip(used.skip(1));
            let cost = |((newer, _), (older, count)): &((usize, u32), (usize, u32))| {
                u64::from(*count) * u64::try_from(older - newer).unwrap_or(u64::MAX)
            };
            let Some(((newer, _), (older, count))) = pairs.min_by_key(cost) else { break };
            self.add(newer, count);
            if let Some(there) = self.0.get_mut(older) {
                *there = 0;
            }
        }
        Few::of((0..).zip(self.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same counts in the one form and in the other.
    fn both(ages: &[(usize, u32)]) -> [Counts; 2] {
        let mut many = Many([0; LENGTH]);
        let mut counts = Counts::NONE;
        for (age, count) in ages {
            many.add(*age, *count);
            counts.add(*age, *count);
        }
        [counts, Counts::Many(many)]
    }

    proptest! {
        #[test]
        fn both_forms_say_the_same(
            steps in proptest::collection::vec((0_usize..70, 0_usize..60, 1_u32..9, any::<bool>()), 0..40),
            rate in 1_u32..60,
        ) {
            let [mut one, mut other] = both(&[]);
            for (by, age, count, more) in steps {
                for counts in [&mut one, &mut other] {
                    counts.advance(if by > 40 { by } else { by / 4 });
                    if more { counts.add(age, count) } else { counts.take_back(age) }
                }
                other = Counts::Many(other.many());
                prop_assert_eq!(one.many(), other.many());
                prop_assert_eq!((one.sum(), one.oldest()), (other.sum(), other.oldest()));
                prop_assert_eq!(one.leaves_room(rate), other.leaves_room(rate));
            }
        }
    }

    #[test]
    fn time_takes_the_oldest() {
        for mut all in both(&[(3, 2), (0, 1), (59, 4)]) {
            all.advance(0);
            assert_eq!(all.sum(), 7);
            all.advance(1);
            assert_eq!(all.many(), both(&[(1, 1), (4, 2)])[0].many());
            all.advance(56);
            assert_eq!((all.sum(), all.oldest()), (1, Some(57)));
            all.advance(1_000);
            assert_eq!((all, all.oldest()), (Counts::NONE, None));
        }
    }

    #[test]
    fn room_comes_when_enough_has_left() {
        let cases =
            [(11, None), (10, Some(40)), (9, Some(40)), (8, Some(10)), (6, Some(10)), (5, Some(1)), (1, Some(1))];
        for all in both(&[(1, 5), (10, 3), (40, 2)]) {
            for (rate, age) in cases {
                assert_eq!(all.leaves_room(rate), age, "{rate}");
            }
        }
    }

    #[test]
    fn merging_keeps_the_sum_and_moves_to_the_newer() {
        let [_, all] = both(&[(0, 1), (1, 100), (5, 1), (7, 1), (50, 9), (51, 1), (59, 20)]);
        let expected: Vec<_> = all.many().merged().used().collect();
        assert_eq!(expected, [(0, 1), (1, 100), (5, 2), (50, 10), (59, 20)]);
    }

    #[test]
    fn what_is_taken_back_was_there_or_newer() {
        for mut all in both(&[(2, 1), (7, 1), (9, u32::MAX)]) {
            all.take_back(8);
            assert_eq!(all, both(&[(2, 1), (9, u32::MAX)])[0]);
            all.take_back(1);
            assert_eq!(all, both(&[(2, 1), (9, u32::MAX)])[0]);
            all.take_back(9);
            assert_eq!(all, both(&[(9, u32::MAX)])[0], "what can't be told stays");
            all.take_back(200);
            assert_eq!(all.sum(), u32::MAX);
        }
    }
}

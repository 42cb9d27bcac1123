//! Memory for keys that need all their sub-buckets: planes of sixty bytes, as many as there are and no more.

use super::counts::LENGTH;

/// A byte for each sub-bucket. Words, so that memory which nobody has used yet costs nothing.
type Plane = [u32; LENGTH / 4];

/// Bytes that a plane costs, its place in the list of free ones included.
pub const PLANE_BYTES: usize = size_of::<Plane>() + size_of::<u16>();

/// The planes of one shard.
#[derive(Default)]
pub struct Planes {
    planes: Vec<Plane>,
    /// Those that were given back. Those from `fresh` on were never taken.
    free: Vec<u16>,
    fresh: u16,
}

impl Planes {
    pub fn new(most: u16) -> Self {
        let most = usize::from(most);
        Self { planes: vec![[0; LENGTH / 4]; most], free: Vec::with_capacity(most), fresh: 0 }
    }

    /// How many can be taken.
    pub fn left(&self) -> usize {
        self.planes.len() - usize::from(self.fresh) + self.free.len()
    }

    pub fn take(&mut self) -> Option<u16> {
        self.free.pop().or_else(|| {
            let taken = self.fresh;
            (usize::from(taken) < self.planes.len()).then(|| {
                self.fresh += 1;
                taken
            })
        })
    }

    pub fn give_back(&mut self, plane: u16) {
        if self.free.len() < self.free.capacity() {
            self.free.push(plane);
        }
    }

    pub fn read(&self, plane: u16) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        if let Some(words) = self.planes.get(usize::from(plane)) {
            bytes.chunks_exact_mut(4).zip(words).for_each(|(four, word)| four.copy_from_slice(&word.to_le_bytes()));
        }
        bytes
    }

    pub fn write(&mut self, plane: u16, bytes: impl Iterator<Item = u8>) {
        let Some(words) = self.planes.get_mut(usize::from(plane)) else { return };
        let mut flat = [0; LENGTH];
        flat.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        for (word, four) in words.iter_mut().zip(flat.chunks_exact(4)) {
            *word = four.iter().rev().fold(0, |word, byte| (word << 8) | u32::from(*byte));
        }
    }
}

//! A fuzzer for every machine: no nightly compiler, no coverage, only mutation of the corpus. `scripts/fuzz` runs it where cargo-fuzz is missing.
//!
//! Usage: mutate SECONDS CRASHES [TARGET...]. Says how many inputs each target took; a panic writes its input into the folder CRASHES and ends the
//! run with status 1.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tollgate_fuzz::{TARGETS, Target};

/// Inputs that are kept for mutation, the committed ones among them.
const POOL: usize = 512;
const MAX_INPUT: usize = 64 * 1024;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(seconds), Some(crashes)) = (arguments.next().and_then(|text| text.parse().ok()), arguments.next()) else {
        eprintln!("usage: mutate SECONDS CRASHES [TARGET...]");
        return ExitCode::from(2);
    };
    let wanted: HashSet<String> = arguments.collect();
    let mut crashed = false;
    for (name, target) in TARGETS.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(*name)) {
        let run = run(name, *target, Duration::from_secs(seconds), Path::new(&crashes));
        println!(
            "{name}: {} executions in {seconds} s from {} seeds, {}",
            run.executions,
            run.seeds,
            if run.crash.is_some() { "1 crash" } else { "no crash" }
        );
        if let Some(file) = run.crash {
            println!("{name}: the input is in {}", file.display());
            crashed = true;
        }
    }
    if crashed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

struct Run {
    executions: u64,
    seeds: usize,
    crash: Option<PathBuf>,
}

fn run(name: &str, target: Target, span: Duration, crashes: &Path) -> Run {
    let mut pool = corpus(name);
    let seeds = pool.len();
    let dictionary = words(&pool);
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ std::process::id() as u64);
    let begun = Instant::now();
    let mut executions = 0;
    for seed in pool.clone() {
        if let Some(crash) = panics(target, &seed, name, crashes) {
            return Run { executions, seeds, crash: Some(crash) };
        }
        executions += 1;
    }
    while begun.elapsed() < span {
        for _ in 0..64 {
            let input = random.mutate(&pool, &dictionary);
            executions += 1;
            if let Some(crash) = panics(target, &input, name, crashes) {
                return Run { executions, seeds, crash: Some(crash) };
            }
            // Some of what was made is mutated further: a walk, not only a step.
            if random.below(32) == 0 {
                if pool.len() < POOL {
                    pool.push(input)
                } else {
                    let at = seeds + random.below(pool.len() - seeds);
                    pool[at] = input
                }
            }
        }
    }
    Run { executions, seeds, crash: None }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).map(|files| files.flatten().map(|file| file.path()).collect()).unwrap_or_default();
    files.sort();
    let mut seeds: Vec<Vec<u8>> = files.iter().filter_map(|file| std::fs::read(file).ok()).collect();
    seeds.push(Vec::new());
    seeds
}

/// Words of the seeds, which parsers look for, and a few that they stumble over.
fn words(seeds: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut words: HashSet<Vec<u8>> = HashSet::new();
    for seed in seeds {
        let parts = seed.split(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')));
        words.extend(parts.filter(|word| (2..64).contains(&word.len())).map(<[u8]>::to_vec));
    }
    let odd: [&[u8]; 24] = [
        b"\0",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b"%2e",
        b"%00",
        b"..",
        b"//",
        b";",
        b":",
        b",",
        b"\"",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b"-1",
        b"1e308",
        b"18446744073709551616",
        b"\xff\xff\xff\xff",
        b"\xc0\xaf",
    ];
    words.extend(odd.iter().map(|word| word.to_vec()));
    let mut words: Vec<Vec<u8>> = words.into_iter().collect();
    words.sort();
    words
}

/// The file with the input, if the target panics on it.
fn panics(target: Target, input: &[u8], name: &str, crashes: &Path) -> Option<PathBuf> {
    let outcome = std::panic::catch_unwind(|| target(input));
    outcome.err()?;
    let sum = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    let file = crashes.join(format!("{name}-{sum:016x}"));
    let written = std::fs::create_dir_all(crashes).and_then(|()| std::fs::write(&file, input));
    if let Err(error) = written {
        eprintln!("{}: {error}; the input: {}", file.display(), input.escape_ascii());
    }
    Some(file)
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize % end.max(1)
    }

    fn mutate(&mut self, pool: &[Vec<u8>], words: &[Vec<u8>]) -> Vec<u8> {
        let mut input = pool[self.below(pool.len())].clone();
        for _ in 0..=self.below(6) {
            let at = self.below(input.len() + 1);
            let end = (at + 1 + self.below(16)).min(input.len()).max(at);
            match self.below(11) {
                0 | 1 if at < input.len() => input[at] ^= 1 << self.below(8),
                2 if at < input.len() => input[at] = self.below(256) as u8,
                3 if at < input.len() => input[at] = input[at].wrapping_add([1, 255, 16, 128][self.below(4)]),
                4 => drop(input.drain(at..end)),
                5 => {
                    let (piece, to) = (input[at..end].to_vec(), self.below(input.len() + 1));
                    drop(input.splice(to..to, piece));
                }
                6 => {
                    let other = &pool[self.below(pool.len())];
                    let from = self.below(other.len() + 1);
                    let piece = other[from..(from + self.below(64)).min(other.len())].to_vec();
                    drop(input.splice(at..end, piece));
                }
                7 => {
                    let other = &pool[self.below(pool.len())];
                    let from = self.below(other.len() + 1);
                    input.truncate(at);
                    input.extend_from_slice(&other[from..]);
                }
                8 => {
                    let line = input[at..]
                        .iter()
                        .position(|byte| *byte == b'\n')
                        .map_or(input.len(), |length| at + length + 1);
                    let piece = input[at..line].to_vec();
                    drop(input.splice(line..line, piece));
                }
                _ => {
                    let word = words[self.below(words.len())].clone();
                    let end = if self.below(2) == 0 { at } else { end };
                    drop(input.splice(at..end, word));
                }
            }
        }
        input.truncate(MAX_INPUT);
        input
    }
}

//! The fuzz targets on the stable compiler: all that is kept for them, and what is close to it.

use quickcheck::{Arbitrary, Gen, TestResult, Testable};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use wsrelay_host::panic_text;
use wsrelay_tests::fuzz::{TARGETS, Target, Verdict, files};
use wsrelay_tests::{below, check};

/// The inputs that are kept for a target, with their files.
fn inputs(target: &Target) -> impl Iterator<Item = (PathBuf, Vec<u8>)> {
    target.inputs().into_iter().map(|path| (path.clone(), fs::read(path).expect("an input")))
}

/// What the oracle says, or how it was contradicted.
fn ask(target: &Target, bytes: &[u8]) -> Result<Verdict, String> {
    catch_unwind(AssertUnwindSafe(|| (target.check)(bytes))).map_err(|panic| panic_text(&*panic))
}

#[test]
fn every_target_has_an_oracle_seeds_a_corpus_and_a_dictionary() {
    let names: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    for kind in ["fuzz_targets", "seeds", "corpus", "dictionaries"] {
        let stems =
            files(kind).into_iter().map(|path| path.file_stem().expect("a name").display().to_string());
        assert_eq!(stems.collect::<BTreeSet<_>>(), names, "{kind}");
    }
}

#[test]
fn everything_that_is_kept_for_a_target_holds() {
    for target in TARGETS {
        let mut verdicts = BTreeSet::new();
        for (path, bytes) in inputs(&target) {
            verdicts.insert(ask(&target, &bytes).unwrap_or_else(|why| panic!("{}: {why}", path.display())));
        }
        assert_eq!(verdicts.len(), 2, "{}: not all is taken, and not all is refused", target.name);
    }
}

/// A target, and what its inputs are made of.
struct Near {
    target: Target,
    inputs: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    verdicts: Rc<RefCell<BTreeMap<Verdict, u64>>>,
}

/// Tries inputs that differ in a few places from those that are kept. Of these, some must be taken and some refused.
fn near(name: &str, cases: u64) {
    let target = Target::named(name);
    let inputs = inputs(&target).map(|(_, bytes)| bytes).collect();
    let verdicts = Rc::default();
    check(cases, Near { target, inputs, words: words(name), verdicts: Rc::clone(&verdicts) });
    for verdict in [Verdict::Taken, Verdict::Refused] {
        let times = verdicts.borrow().get(&verdict).copied().unwrap_or(0);
        assert!(times >= cases / 100, "{verdict:?} {times} times of {cases}");
    }
}

impl Testable for Near {
    fn result(&self, g: &mut Gen) -> TestResult {
        let input = self.draw(g);
        match ask(&self.target, &input) {
            Ok(verdict) => {
                *self.verdicts.borrow_mut().entry(verdict).or_insert(0) += 1;
                TestResult::passed()
            }
            Err(why) => {
                TestResult::error(format!("{} on \"{}\": {why}", self.target.name, input.escape_ascii()))
            }
        }
    }
}

impl Near {
    fn draw(&self, g: &mut Gen) -> Vec<u8> {
        let mut input = g.choose(&self.inputs).expect("an input").clone();
        for _ in 0..below(g, 4) {
            let at = below(g, input.len() + 1);
            match below(g, 6) {
                0 if at < input.len() => input[at] ^= 1 << below(g, 8),
                1 if at < input.len() => input[at] = u8::arbitrary(g),
                2 => drop(input.drain(at..input.len().min(at + 1 + below(g, 4)))),
                3 => input.truncate(at),
                4 => {
                    let other = g.choose(&self.inputs).expect("an input");
                    input.truncate(at);
                    input.extend(&other[below(g, other.len() + 1)..]);
                }
                _ => {
                    let word = g.choose(&self.words).expect("a word");
                    input.splice(at..at, word.iter().copied());
                }
            }
        }
        input
    }
}

/// A dictionary, in which a line is a word in quotes with the escapes `\\` and `\xAB`.
fn words(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz/dictionaries/{name}.dict"));
    let text = fs::read_to_string(path).expect("a dictionary");
    text.lines().map(|line| word(line).unwrap_or_else(|| panic!("{line} is no word"))).collect()
}

fn word(line: &str) -> Option<Vec<u8>> {
    let mut rest = line.strip_prefix('"')?.strip_suffix('"')?.bytes();
    let mut word = Vec::new();
    while let Some(byte) = rest.next() {
        word.push(match byte {
            b'\\' => match rest.next()? {
                b'\\' => b'\\',
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?
                }
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(word)
}

#[test]
fn headers_hold_near_what_is_kept() {
    near("header", 5_000);
}

#[test]
fn streams_of_frames_hold_near_what_is_kept() {
    near("decode", 2_000);
}

#[test]
fn two_decoders_agree_near_what_is_kept() {
    near("differential", 2_000);
}

#[test]
fn requests_hold_near_what_is_kept() {
    near("upgrade", 2_000);
}

#[test]
fn relay_headers_hold_near_what_is_kept() {
    near("relay_header", 3_000);
}

#[test]
fn commands_hold_near_what_is_kept() {
    near("command", 3_000);
}

#[test]
fn origins_hold_near_what_is_kept() {
    near("origin", 5_000);
}

#[test]
fn durations_hold_near_what_is_kept() {
    near("duration", 5_000);
}

#[test]
fn offers_hold_near_what_is_kept() {
    near("negotiate", 5_000);
}

#[test]
fn compression_holds_near_what_is_kept() {
    near("inflate", 1_000);
}

#[test]
fn worlds_hold_near_what_is_kept() {
    near("session", 150);
}

#[test]
fn what_is_written_is_read_near_what_is_kept() {
    near("roundtrip", 500);
}

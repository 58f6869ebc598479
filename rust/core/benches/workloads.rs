//! Fixed work to count instructions of: `make bench-check`.
//!
//! ```text
//! workloads             the names
//! workloads NAME TIMES  do this work so many times
//! ```
//!
//! No clock and no chance: every run of a name does the same. What is counted is the difference between two numbers of
//! times, so making the input and starting the program count for nothing. `benches/counted/instructions.py` does the counting.

use std::env;
use std::fmt::Write as _;
use std::hint::black_box;
use std::process::ExitCode;

use holdback_core::{Fed, Matcher, StreamBuffer};

/// Work that is ready to be done again and again.
type Work = Box<dyn Fn()>;

/// Makes the input of a work.
type Prepare = fn() -> Work;

const WORKLOADS: [(&str, Prepare); 12] = [
    ("build of 1,000 placeholders", || build(placeholders(1_000))),
    ("build of 1,000 invented names", || build(invented(1_000))),
    ("start of a stream", || starting(1_000)),
    ("feed of 4", || plain(&prose(20_000, 200), 4)),
    ("feed of 64", || plain(&prose(20_000, 200), 64)),
    ("feed of 64, many matches", || plain(&prose(20_000, 20), 64)),
    ("feed in bulk", || plain(&prose(200_000, 200), usize::MAX)),
    ("feed of 64, near-match without end", near_match),
    ("JSON feed of 64, one long value", || json(&format!("{{\"text\":\"{}\"}}", prose(20_000, 200)), 64)),
    ("JSON feed of 64, structured", || json(&structured(20_000), 64)),
    ("JSON feed of 64, escapes", || json(&format!("\"{}", "\\u0061".repeat(3_000)), 64)),
    ("JSON feed of 4, structured", || json(&structured(20_000), 4)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [name, times] = arguments.as_slice() else {
        for (name, _) in WORKLOADS {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    };
    let prepare = WORKLOADS.iter().find(|(known, _)| known == name);
    let (Some((_, prepare)), Ok(times)) = (prepare, times.parse::<u32>()) else {
        eprintln!("workloads: no such work, or no such number of times");
        return ExitCode::FAILURE;
    };
    let work = prepare();
    (0..times).for_each(|_| work());
    ExitCode::SUCCESS
}

// ---------------------------------------------------------------- the work

fn build(pairs: Vec<(String, String)>) -> Work {
    Box::new(move || {
        black_box(matcher(&pairs));
    })
}

fn starting(keys: usize) -> Work {
    let matcher = matcher(&placeholders(keys));
    Box::new(move || (0..100).for_each(|_| drop(black_box(matcher.stream()))))
}

fn plain(text: &str, size: usize) -> Work {
    let (matcher, pieces) = (matcher(&placeholders(100)), cut(text, size));
    Box::new(move || feed_all(matcher.stream(), &pieces))
}

fn json(source: &str, size: usize) -> Work {
    let (matcher, pieces) = (matcher(&placeholders(100)), cut(source, size));
    Box::new(move || feed_all(matcher.stream_json(), &pieces))
}

/// The key a…ab of 2,001 on a text of a: all of it could become a key until the end.
fn near_match() -> Work {
    let matcher = matcher(&[("a".repeat(2_000) + "b", "x".to_owned())]);
    let pieces = cut(&"a".repeat(20_000), 64);
    Box::new(move || feed_all(matcher.stream(), &pieces))
}

fn feed_all(mut stream: StreamBuffer, pieces: &[String]) {
    let mut out = Vec::new();
    for piece in pieces {
        if stream.feed(black_box(piece), &mut out) == Fed::Written {
            black_box(&out);
            out.clear();
        }
    }
    stream.flush(&mut out);
    black_box(&out);
}

fn matcher(pairs: &[(String, String)]) -> Matcher {
    Matcher::new(pairs.iter().map(|(key, original)| (key, original))).expect("these keys are good")
}

// ---------------------------------------------------------------- keys and texts

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

const WORDS: &str = "the quick brown fox jumps over a lazy dog and then writes some code with plain lists to check it. \
    The answer depends on what you mean by fast: in most cases a cache helps, but not always (see below).";

fn placeholders(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("<PERSON_{n}>"), format!("Original {n}"))).collect()
}

fn invented(count: usize) -> Vec<(String, String)> {
    let (mut dice, syllables) =
        (Dice(1), ["ba", "de", "fi", "go", "lu", "ma", "ne", "ri", "so", "tu", "va", "zo"]);
    let mut word = || (0..3).map(|_| dice.pick(&syllables)).collect::<String>();
    (0..count).map(|n| (format!("{}.{}{n}@example.com", word(), word()), format!("Original {n}"))).collect()
}

/// Ordinary words, and about `every` bytes one of the keys; 0: none.
fn prose(length: usize, every: usize) -> String {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let (mut dice, mut text, mut since) = (Dice(2), String::new(), 0);
    while text.len() < length {
        let before = text.len();
        if every > 0 && since >= every {
            write!(text, "<PERSON_{}> ", dice.roll(100)).expect("a string takes all");
            since = 0;
        } else {
            text += dice.pick(&words);
            text.push(' ');
        }
        since += text.len() - before;
    }
    text
}

/// Tool arguments of many short members, a placeholder in each.
fn structured(length: usize) -> String {
    let mut dice = Dice(3);
    let members = (0..length / 100).map(|n| {
        let subject = prose(30, 0);
        let person = dice.roll(100);
        format!(r#"{{"to": "<PERSON_{person}>", "n": {n}, "ok": true, "subject": "{subject}", "tags": ["a", "b"]}}"#)
    });
    format!("[{}]", members.collect::<Vec<_>>().join(", "))
}

fn cut(text: &str, size: usize) -> Vec<String> {
    let mut rest = text;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.len().min(size));
        pieces.push(piece.to_owned());
        rest = behind;
    }
    pieces
}

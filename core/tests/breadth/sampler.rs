//! Origins that an expression may match, made as an attacker would: texts of the expression, with
//! names, addresses and characters of his own in every place that leaves him a choice.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Random numbers that are the same in every run.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    pub(crate) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// One time in so many.
    pub(crate) fn rarely(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// What an attacker has, to be put where an expression leaves a choice.
const OWN: [&str; 30] = [
    "evil",
    "evil.",
    "evil.com",
    "evil.com.",
    "evil-",
    "-evil",
    "x.evil.com.",
    "e",
    "7",
    "42",
    "203.0.113.7",
    "203.0.113.",
    "7.",
    "[2001:db8::7]",
    "2001:db8::7",
    "evil.s3.",
    "evil.s3",
    "evil.blob.core.",
    "evil.vercel.app",
    "evil.github.io",
    "evil.co.uk",
    "evil.westus.cloudapp.",
    "co.uk",
    "com",
    "evil:8443",
    ".evil",
    ".evil.com",
    "evil.com:1",
    "a-b--",
    "--evil",
];

/// Characters that decide something.
const TELLING: &[u8] = b".-:ez7[]/@aA0_";

/// Makes origins for one expression.
#[derive(Debug)]
pub(crate) struct Sampler {
    tree: Hir,
}

impl Sampler {
    pub(crate) fn new(expression: &str) -> Self {
        let mut parser = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build();
        Sampler {
            tree: parser.parse(expression).unwrap_or_else(|_| Hir::empty()),
        }
    }

    pub(crate) fn origins(&self, count: usize, random: &mut Random) -> Vec<String> {
        (0..count).map(|_| self.origin(random)).collect()
    }

    pub(crate) fn origin(&self, random: &mut Random) -> String {
        let mut text = Vec::new();
        write(&self.tree, random, &mut text);
        let mut text: String = text
            .into_iter()
            .filter(u8::is_ascii)
            .map(char::from)
            .collect();
        if !text.contains("://") {
            text = format!("https://{text}");
        }
        // A change that the expression may not mind.
        if random.rarely(4) {
            let at = random.below(text.len() + 1);
            text.insert_str(at, random.one(&OWN));
        }
        if random.rarely(6) {
            let at = random.below(text.len());
            text.remove(at);
        }
        if text.contains("://") {
            text
        } else {
            format!("https://{text}")
        }
    }
}

fn write(tree: &Hir, random: &mut Random, text: &mut Vec<u8>) {
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
        HirKind::Class(class) => text.push(one_of(class, random)),
        HirKind::Capture(capture) => write(&capture.sub, random, text),
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, random, text);
            }
        }
        HirKind::Alternation(parts) => write(&parts[random.below(parts.len())], random, text),
        HirKind::Repetition(repetition) => {
            let least = repetition.min;
            let most = repetition.max.unwrap_or(least + 6).min(least + 6);
            // What may be repeated may be a word of his.
            if let HirKind::Class(class) = repetition.sub.kind()
                && most > 1
                && !random.rarely(3)
            {
                let fits = |own: &&&str| own.bytes().all(|byte| has(class, byte));
                let own: Vec<&str> = OWN.iter().filter(fits).copied().collect();
                if !own.is_empty() {
                    text.extend_from_slice(random.one(&own).as_bytes());
                    return;
                }
            }
            let count = least as usize + random.below((most - least) as usize + 1);
            for _ in 0..count {
                write(&repetition.sub, random, text);
            }
        }
    }
}

fn has(class: &Class, byte: u8) -> bool {
    match class {
        Class::Bytes(class) => class
            .iter()
            .any(|range| range.start() <= byte && byte <= range.end()),
        Class::Unicode(class) => class
            .iter()
            .any(|range| range.start() <= char::from(byte) && char::from(byte) <= range.end()),
    }
}

fn one_of(class: &Class, random: &mut Random) -> u8 {
    let telling: Vec<u8> = TELLING
        .iter()
        .copied()
        .filter(|byte| has(class, *byte))
        .collect();
    if !telling.is_empty() && !random.rarely(3) {
        return telling[random.below(telling.len())];
    }
    let all: Vec<u8> = (b'!'..=b'~').filter(|byte| has(class, *byte)).collect();
    if all.is_empty() {
        b'?'
    } else {
        all[random.below(all.len())]
    }
}

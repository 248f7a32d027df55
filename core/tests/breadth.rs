//! A search for strangers: expressions that a policy with credentials accepts, those that people
//! write and random ones, and for each a sampler that looks for an origin of somebody whom the
//! expression does not name.
//!
//! `CROSSGATE_SEARCH=200000 cargo test --release -p crossgate --test breadth` tries as many random
//! ones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "breadth/owner.rs"]
mod owner;
#[path = "breadth/sampler.rs"]
mod sampler;
#[path = "breadth/written.rs"]
mod written;

use crossgate::{Policy, Request, SafetyException};
use owner::{Gates, stranger};
use sampler::{Random, Sampler};

/// Origins that are tried on each expression that is accepted.
const SAMPLES: usize = 100;

/// The policy with one expression, if it is accepted.
fn policy(expression: &str, gates: Gates) -> Option<Policy> {
    let mut open = Vec::new();
    if gates.insecure {
        open.push(SafetyException::InsecureOriginsWithCredentials);
    }
    if gates.suffixes {
        open.push(SafetyException::PublicSuffixSubdomainsWithCredentials);
    }
    if gates.schemes {
        open.push(SafetyException::AnyHostOfSchemeWithCredentials);
    }
    let builder = Policy::builder()
        .allow_origin_regexes([expression])
        .allow_credentials(true)
        .dangerously_allow(open);
    builder.build().ok()
}

fn lets_in(policy: &Policy, origin: &str) -> bool {
    let request = Request::new("GET").header("Origin", origin);
    policy.evaluate(&request).allowed() == Some(true)
}

/// What came of a search.
#[derive(Debug, Default)]
struct Findings {
    tried: usize,
    accepted: usize,
    /// Origins that the accepted expressions let in.
    let_in: usize,
    /// Expressions that let strangers in.
    strangers: Vec<String>,
}

impl Findings {
    fn search(&mut self, expression: &str, random: &mut Random) {
        self.tried += 1;
        // What is refused with every exception is refused without, and what is accepted without
        // lets no more in with the others but plain http.
        let every = policy(expression, Gates::EVERY);
        let none = every.as_ref().and_then(|_| policy(expression, Gates::NONE));
        let accepted = [(Gates::NONE, none), (Gates::EVERY, every)];
        for (gates, policy) in accepted {
            let Some(policy) = policy else {
                continue;
            };
            self.accepted += 1;
            let sampler = Sampler::new(expression);
            for _ in 0..SAMPLES {
                let origin = sampler.origin(random);
                if !lets_in(&policy, &origin) {
                    continue;
                }
                self.let_in += 1;
                if let Some(wrong) = stranger(expression, &origin, gates) {
                    println!("{expression} lets {origin} in: {wrong} ({gates:?})");
                    self.strangers.push(expression.to_owned());
                    break;
                }
            }
        }
    }

    #[track_caller]
    fn are_none(&self) {
        let Findings {
            tried,
            accepted,
            let_in,
            strangers,
        } = self;
        println!("{tried} tried, {accepted} accepted, {let_in} origins let in");
        // A sampler that finds no origin at all would find no stranger either.
        assert!(*accepted > tried / 20 && *let_in > *accepted, "{self:?}");
        assert_eq!(strangers.len(), 0, "expressions that let strangers in");
    }
}

#[test]
fn what_people_write_lets_no_stranger_in() {
    let (mut findings, mut random) = (Findings::default(), Random::new(1));
    let lines = include_str!("breadth/expressions.txt").lines();
    // Each is judged in a fraction of a second, so that all of them take a minute.
    let step = if std::env::var_os("CROSSGATE_SEARCH").is_some() {
        1
    } else {
        16
    };
    let mut count = 0;
    for line in lines.filter(|line| !line.starts_with('#')) {
        let spellings = [
            line.to_owned(),
            format!("^{line}$"),
            format!(r"{line}(:\d+)?"),
        ];
        for expression in spellings {
            count += 1;
            if count % step == 0 {
                findings.search(&expression, &mut random);
            }
        }
    }
    assert!(count >= 500);
    findings.are_none();
}

#[test]
fn random_expressions_let_no_stranger_in() {
    let count = std::env::var("CROSSGATE_SEARCH")
        .ok()
        .map_or(40, |count| count.parse().unwrap());
    let (mut findings, mut random) = (Findings::default(), Random::new(2));
    for _ in 0..count {
        findings.search(&written::expression(&mut random), &mut random);
    }
    findings.are_none();
}

/// The search finds what it looks for, where nothing stands in its way.
#[test]
fn the_sampler_finds_strangers() {
    let mut random = Random::new(3);
    for (expression, wrong) in [
        (r"https://.*", "a domain"),
        (r"https://.*example\.com", "a domain"),
        (r"https://[a-z]+\.com", "a domain"),
        (r"https://example\.com.*", "a domain"),
        (r"https://[a-d]{3}\.com", "a domain"),
        (r"https://.*\.vercel\.app", "a domain"),
        (r"https://.*\.amazonaws\.com", "a domain"),
        (r"https://\d+--acme\.co\.uk", "a domain"),
        (r"https://(\d{1,3}\.){3}\d{1,3}", "an address"),
        (r"https://\[.*\]", "an address"),
        (r"https?://example\.com", "plain http"),
        (r"moz-extension://.*", "a host of an application"),
    ] {
        let (sampler, any) = (
            Sampler::new(expression),
            Policy::builder().allow_origin_regexes([expression]),
        );
        let any = any.build().unwrap();
        let found = (0..SAMPLES).find_map(|_| {
            let origin = sampler.origin(&mut random);
            stranger(expression, &origin, Gates::NONE).filter(|_| lets_in(&any, &origin))
        });
        assert_eq!(found, Some(wrong), "{expression}");
    }
}

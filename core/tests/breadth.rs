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
use owner::{Gates, Judge, are_below_one_suffix, stands};
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

fn all_let_in(policy: &Policy, origins: &[String]) -> Vec<String> {
    let let_in = origins.iter().filter(|origin| lets_in(policy, origin));
    let_in.cloned().collect()
}

/// An expression on trial.
struct Attempt<'a> {
    expression: &'a str,
    judge: Judge,
    sampler: Sampler,
    samples: Vec<String>,
    random: Random,
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
    /// Judges an expression with every gate, with none and with each alone. `number`: in the
    /// search, so that each sees the same samples in every run.
    fn search(&mut self, expression: &str, number: usize) {
        self.tried += 1;
        // What is refused with every gate is refused with fewer: tests/narrower.rs.
        let Some(every) = policy(expression, Gates::EVERY) else {
            return;
        };
        let (sampler, mut random) = (Sampler::new(expression), Random::new(number as u64));
        let mut attempt = Attempt {
            expression,
            judge: Judge::new(expression),
            samples: sampler.origins(SAMPLES, &mut random),
            sampler,
            random,
        };
        // A gate that the policy says it does not need makes no difference; now and then that is
        // looked at, too.
        let needed = Gates::needed(&every);
        let looks_closely = number.is_multiple_of(8);
        let mut seen = vec![needed];
        self.judge(&mut attempt, &every, needed);
        for gates in Gates::FEWER {
            let narrowed = gates.and(needed);
            let is_new = !seen.contains(&narrowed);
            if !is_new && !looks_closely {
                continue;
            }
            seen.push(narrowed);
            let policy = policy(expression, gates);
            if narrowed == needed {
                assert!(policy.is_some(), "{expression} needs more than {needed:?}");
            }
            if let Some(policy) = policy {
                self.judge(&mut attempt, &policy, gates);
            }
        }
    }

    fn judge(&mut self, attempt: &mut Attempt<'_>, policy: &Policy, gates: Gates) {
        self.accepted += 1;
        let expression = attempt.expression;
        let let_in = all_let_in(policy, &attempt.samples);
        self.let_in += let_in.len();
        // Only what is suspect is looked at so closely.
        let mut more: Option<Vec<String>> = None;
        let below_one = are_below_one_suffix(&let_in);
        for origin in &let_in {
            if let Some(wrong) = attempt.judge.stranger(origin, gates, below_one) {
                let more = more.get_or_insert_with(|| {
                    let more = attempt.sampler.origins(30 * SAMPLES, &mut attempt.random);
                    all_let_in(policy, &more)
                });
                if !stands(wrong, more) {
                    continue;
                }
                println!("{expression} lets {origin} in: {wrong} ({gates:?})");
                self.strangers.push(expression.to_owned());
                break;
            }
        }
    }

    fn add(&mut self, other: Findings) {
        self.tried += other.tried;
        self.accepted += other.accepted;
        self.let_in += other.let_in;
        self.strangers.extend(other.strangers);
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
    let mut findings = Findings::default();
    let lines = include_str!("breadth/expressions.txt").lines();
    let step = if std::env::var_os("CROSSGATE_SEARCH").is_some() {
        1
    } else {
        4
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
                findings.search(&expression, count);
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
        .map_or(150, |count| count.parse().unwrap());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    // A search that was cut short goes on from here.
    let from = std::env::var("CROSSGATE_SEARCH_FROM").map_or(0, |from| from.parse().unwrap());
    let search = |worker: usize| {
        let (mut findings, mut random) = (Findings::default(), Random::new(2));
        for number in 0..count {
            let expression = written::expression(&mut random);
            if number % workers == worker && number >= from {
                findings.search(&expression, number);
            }
            if count > 1_000 && number % (count / 100) == 0 && worker == 0 {
                println!("{number}: {} let strangers in", findings.strangers.len());
            }
        }
        findings
    };
    let mut findings = Findings::default();
    let search = &search;
    std::thread::scope(|scope| {
        let all = (0..workers).map(|worker| scope.spawn(move || search(worker)));
        let workers: Vec<_> = all.collect();
        for worker in workers {
            findings.add(worker.join().unwrap());
        }
    });
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
        let (any, judge) = (any.build().unwrap(), Judge::new(expression));
        let found = (0..SAMPLES).find_map(|_| {
            let origin = sampler.origin(&mut random);
            let wrong = judge.stranger(&origin, Gates::NONE, false);
            wrong.filter(|_| lets_in(&any, &origin))
        });
        assert_eq!(found, Some(wrong), "{expression}");
    }
}

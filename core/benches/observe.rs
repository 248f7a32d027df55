//! What watching costs: evaluation alone, with counters, and with events that nobody, somebody and
//! a writer of text asks for. Measured in turn in one run; the counters also under threads, beside
//! one atomic for all. Prints a table and writes it as JSON.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crossgate::{Counters, Policy, Reason, Request};
use tracing::Level;

mod scenarios;

const ROUNDS: usize = 40;
const CALLS: u32 = 10_000;

/// Nanoseconds a call, one round.
fn time(calls: u32, mut call: impl FnMut()) -> f64 {
    let started = Instant::now();
    (0..calls).for_each(|_| call());
    started.elapsed().as_nanos() as f64 / f64::from(calls)
}

/// Listens to nothing below its level, and writes text to nowhere.
fn subscriber(level: Level) -> impl tracing::Subscriber + Send + Sync {
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::sink)
        .finish()
}

struct Row {
    name: String,
    rounds: Vec<f64>,
}

impl Row {
    fn median(&self) -> f64 {
        let mut sorted = self.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }
}

fn main() {
    let scenarios = scenarios::all(&[]);
    let mut json = Vec::new();
    println!(
        "{:<16} {:<34} {:>9} {:>9}",
        "scenario", "what", "median ns", "+ ns"
    );
    let scenarios: Vec<_> = scenarios
        .iter()
        .filter(|scenario| matches!(&scenario.name[..2], "W0" | "W1" | "W2" | "W3"))
        .collect();
    // Nobody listens before anybody did: a subscriber that went leaves its level behind.
    for scenario in &scenarios {
        let (policy, request, counters) = (scenario.policy(), scenario.request(), Counters::new());
        let rows = rounds(
            ["evaluate", "+ counters", "+ tracing, no subscriber"],
            || {
                [
                    time(CALLS, || {
                        black_box(&policy.evaluate(black_box(&request)));
                    }),
                    time(CALLS, || {
                        let decision = policy.evaluate(black_box(&request));
                        counters.record(&decision);
                        black_box(&decision);
                    }),
                    time(CALLS, || traced(policy, black_box(&request))),
                ]
            },
        );
        report(scenario.name, &rows, &mut json);
    }
    for scenario in &scenarios {
        let (policy, request) = (scenario.policy(), scenario.request());
        let listening = |level, calls| {
            tracing::subscriber::with_default(subscriber(level), || {
                time(calls, || traced(policy, black_box(&request)))
            })
        };
        let rows = rounds(
            [
                "evaluate",
                "+ tracing, subscriber at ERROR",
                "+ tracing, text at WARN",
                "+ tracing, text at TRACE",
            ],
            || {
                [
                    time(CALLS, || {
                        black_box(&policy.evaluate(black_box(&request)));
                    }),
                    listening(Level::ERROR, CALLS),
                    listening(Level::WARN, CALLS),
                    listening(Level::TRACE, CALLS / 10),
                ]
            },
        );
        report(scenario.name, &rows, &mut json);
    }
    contention(&mut json);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../build");
    std::fs::create_dir_all(folder)
        .and_then(|()| {
            std::fs::write(
                format!("{folder}/bench-observe.json"),
                format!("[\n{}\n]\n", json.join(",\n")),
            )
        })
        .expect("build/ is writable");
}

fn traced(policy: &Policy, request: &Request<'_>) {
    let decision = policy.evaluate(request);
    decision.trace(policy, request);
    black_box(&decision);
}

/// In turn, so that a change of the machine's speed meets all of them. The first round warms up.
fn rounds<const N: usize>(names: [&str; N], mut round: impl FnMut() -> [f64; N]) -> [Row; N] {
    let mut rows = names.map(|name| Row {
        name: name.to_owned(),
        rounds: vec![],
    });
    round();
    for _ in 0..ROUNDS {
        rows.iter_mut()
            .zip(round())
            .for_each(|(row, time)| row.rounds.push(time));
    }
    rows
}

fn report(scenario: &str, rows: &[Row], json: &mut Vec<String>) {
    for row in rows {
        let (median, more) = (row.median(), row.median() - rows[0].median());
        println!("{scenario:<16} {:<34} {median:>9.1} {more:>9.1}", row.name);
        json.push(
            format!(
                r#"  {{"scenario": "{scenario}", "what": "{}", "median_ns": {median:.2}, "#,
                row.name
            ) + &format!(r#""added_ns": {more:.2}}}"#),
        );
    }
}

/// Every thread counts the same reason, as it does when every request is allowed.
fn contention(json: &mut Vec<String>) {
    let (counters, one) = (Counters::new(), AtomicU64::new(0));
    let all = std::thread::available_parallelism()
        .map_or(2, usize::from)
        .max(2);
    for threads in [1, all] {
        let mut rows = ["one atomic for all", "counters"].map(|name| Row {
            name: name.to_owned(),
            rounds: vec![],
        });
        for _ in 0..ROUNDS {
            rows[0].rounds.push(threaded(threads, || {
                one.fetch_add(1, Ordering::Relaxed);
            }));
            rows[1].rounds.push(threaded(threads, || {
                counters.add(black_box(Reason::Allowed))
            }));
        }
        report(&format!("{threads} threads"), &rows, json);
    }
}

fn threaded(threads: usize, call: impl Fn() + Sync) -> f64 {
    let together = Barrier::new(threads);
    let times: Vec<f64> = std::thread::scope(|scope| {
        let timed = || {
            together.wait();
            time(500 * CALLS, &call)
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(timed)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a benchmark's thread ends"))
            .collect()
    });
    times.iter().sum::<f64>() / times.len() as f64
}

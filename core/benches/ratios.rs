//! The core's row of the contract's section 9: every scenario against the floor (a hit in a
//! foldhash table on the same origin), measured in turn in one run. Prints a table and writes it as
//! JSON.

use std::collections::HashSet;
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

mod scenarios;

const ROUNDS: usize = 60;
const CALLS: u32 = 20_000;

/// Nanoseconds a call, one round.
fn time(mut call: impl FnMut()) -> f64 {
    let started = Instant::now();
    (0..CALLS).for_each(|_| call());
    started.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

struct Row {
    name: &'static str,
    rounds: Vec<f64>,
    /// At most so many times the floor.
    target: Option<f64>,
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn main() {
    let scenarios = scenarios::all(&[
        ("W4 10", 10),
        ("W4 1,000", 1_000),
        ("W4 100,000", 100_000),
        ("W4 1,000,000", 1_000_000),
    ]);
    let floor_set: HashSet<String, foldhash::fast::RandomState> = [
        "https://one.example.com",
        "https://two.example.com",
        "https://three.example.com",
    ]
    .map(String::from)
    .into_iter()
    .collect();
    let target = |name: &str| match &name[..2] {
        "W0" => Some(1.0),
        "W1" => Some(1.2),
        "W2" | "W6" => Some(5.0),
        _ => None,
    };
    let mut rows: Vec<Row> = vec![
        Row {
            name: "floor",
            rounds: vec![],
            target: None,
        },
        Row {
            name: "W1 + HTTP/1.1 block",
            rounds: vec![],
            target: None,
        },
    ];
    rows.extend(scenarios.iter().map(|scenario| Row {
        name: scenario.name,
        rounds: vec![],
        target: target(scenario.name),
    }));
    let origin = String::from("https://two.example.com");
    let with_block = scenarios
        .iter()
        .find(|scenario| scenario.name.starts_with("W1"))
        .expect("W1 is a scenario");
    // In turn, so that a change of the machine's speed meets all of them.
    for round in 0..=ROUNDS {
        let mut times = vec![time(|| {
            black_box(floor_set.contains(black_box(origin.as_str())));
        })];
        let request = with_block.request();
        let mut buffer = [0u8; 512];
        times.push(time(|| {
            let decision = with_block.policy().evaluate(black_box(&request));
            let _ = black_box(decision.write_http1(black_box(&mut buffer)));
        }));
        for scenario in &scenarios {
            let request = scenario.request();
            times.push(time(|| {
                black_box(&scenario.policy().evaluate(black_box(&request)));
            }));
        }
        // The first round warms up.
        if round > 0 {
            rows.iter_mut()
                .zip(times)
                .for_each(|(row, time)| row.rounds.push(time));
        }
    }
    report(&rows);
}

fn report(rows: &[Row]) {
    let floor = &rows[0].rounds;
    let mut json = String::from("[\n");
    println!(
        "{:<22} {:>9} {:>9} {:>9}  target",
        "core evaluate", "min ns", "median ns", "x floor"
    );
    for (index, row) in rows.iter().enumerate() {
        let min = row.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let ratio = median(
            &row.rounds
                .iter()
                .zip(floor)
                .map(|(time, floor)| time / floor)
                .collect::<Vec<_>>(),
        );
        let target = row.target.map_or(String::new(), |target| {
            format!(
                "<= {target} {}",
                if ratio <= target {
                    "met"
                } else if ratio <= target * 1.15 {
                    "met within 15 %"
                } else {
                    "MISSED"
                }
            )
        });
        println!(
            "{:<22} {min:>9.1} {:>9.1} {ratio:>9.2}  {target}",
            row.name,
            median(&row.rounds)
        );
        let comma = if index + 1 < rows.len() { "," } else { "" };
        let _ = writeln!(
            json,
            "  {{\"name\": \"{}\", \"min_ns\": {min:.2}, \"median_ns\": {:.2}, \"times_floor\": \
                {ratio:.3}}}{comma}",
            row.name,
            median(&row.rounds)
        );
    }
    json.push_str("]\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-core.json");
    if let Err(error) = std::fs::write(path, json) {
        eprintln!("cannot write {path}: {error}");
    }
}

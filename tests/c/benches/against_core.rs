//! The C ABI's row of the contract's section 9: every scenario through the shared library against
//! the core's `evaluate`, measured in turn in one run. Prints a table and writes it as JSON.

use std::ffi::{CStr, c_char, c_int};
use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

#[path = "../../../core/benches/scenarios/mod.rs"]
mod scenarios;

const ROUNDS: usize = 60;
const CALLS: u32 = 20_000;

type Round = unsafe extern "C" fn(c_int, c_int) -> f64;
type Name = unsafe extern "C" fn(c_int) -> *const c_char;

/// Compiles `bench.c` as a library that is linked to libcrossgate.
fn compile() -> std::path::PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let library = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), Into::into)
        .join("release");
    let out = library.join("libcrossgate_bench.so");
    let status = Command::new("cc")
        .args(["-std=c11", "-O2", "-shared", "-fPIC"])
        .arg(format!("-I{}", root.join("include").display()))
        .arg(root.join("tests/c/bench.c"))
        .arg("-o")
        .arg(&out)
        .arg(format!("-L{}", library.display()))
        .arg("-lcrossgate")
        .arg(format!("-Wl,-rpath,{}", library.display()))
        .status()
        .expect("a C compiler");
    assert!(
        status.success(),
        "bench.c does not compile: run make build first"
    );
    out
}

struct Row {
    scenario: String,
    way: String,
    core: Vec<f64>,
    c: Vec<f64>,
    /// At most so many nanoseconds more than the core.
    goal: Option<f64>,
}

fn lowest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn main() {
    let compiled = compile();
    // SAFETY: our own library; its functions have these types, and nothing else uses it meanwhile.
    unsafe {
        let library = libloading::Library::new(compiled).expect("the compiled library");
        let start = library
            .get::<unsafe extern "C" fn() -> c_int>(b"bench_start")
            .expect("bench_start");
        let (round, scenario_name, way_name) = (
            library.get::<Round>(b"bench_round").expect("bench_round"),
            library
                .get::<Name>(b"bench_scenario")
                .expect("bench_scenario"),
            library.get::<Name>(b"bench_way").expect("bench_way"),
        );
        assert_eq!(start(), 0, "the policy is valid");
        let name = |name: *const c_char| {
            (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
        };
        measure(
            |scenario, way| round(scenario, way),
            |index| name(scenario_name(index)),
            |index| name(way_name(index)),
        );
    }
}

fn measure(
    round: impl Fn(c_int, c_int) -> f64,
    scenario_name: impl Fn(c_int) -> Option<String>,
    way_name: impl Fn(c_int) -> Option<String>,
) {
    let scenarios = scenarios::all(&[]);
    let names: Vec<String> = (0..).map_while(scenario_name).collect();
    let ways: Vec<String> = (0..).map_while(way_name).collect();
    let goal = |scenario: &str, way: &str| match (&scenario[..2], way) {
        ("W1", "evaluate_http1") => Some(8.0),
        ("W2", "evaluate_http1") => Some(15.0),
        _ => None,
    };
    let mut rows: Vec<Row> = Vec::new();
    for scenario in &names {
        rows.extend(ways.iter().map(|way| Row {
            scenario: scenario.clone(),
            way: way.clone(),
            core: vec![],
            c: vec![],
            goal: goal(scenario, way),
        }));
    }
    // The first round warms up.
    for turn in 0..=ROUNDS {
        for (index, name) in names.iter().enumerate() {
            let scenario = scenarios
                .iter()
                .find(|scenario| scenario.name == name)
                .expect("both benchmarks have the same scenarios");
            let request = scenario.request();
            let started = Instant::now();
            (0..CALLS).for_each(|_| {
                black_box(&scenario.policy().evaluate(black_box(&request)));
            });
            let core = started.elapsed().as_nanos() as f64 / f64::from(CALLS);
            for way in 0..ways.len() {
                let c = round(index as c_int, way as c_int);
                assert!(c >= 0.0, "{name}: a call failed");
                if turn > 0 {
                    let row = &mut rows[index * ways.len() + way];
                    row.core.push(core);
                    row.c.push(c);
                }
            }
        }
    }
    report(&rows);
}

fn report(rows: &[Row]) {
    println!(
        "{:<18} {:<22} {:>9} {:>9} {:>11} {:>12}  goal",
        "C ABI", "", "core min", "C min", "more (min)", "more (median)"
    );
    let mut json = String::from("[");
    for (index, row) in rows.iter().enumerate() {
        let (core, c) = (lowest(&row.core), lowest(&row.c));
        let typical = median(row.c.iter().zip(&row.core).map(|(c, core)| c - core));
        let goal = row.goal.map_or(String::new(), |goal| {
            format!(
                "<= +{goal} {}",
                if c - core <= goal * 1.15 {
                    "met"
                } else {
                    "MISSED"
                }
            )
        });
        println!(
            "{:<18} {:<22} {core:>9.1} {c:>9.1} {:>11.1} {typical:>12.1}  {goal}",
            row.scenario,
            row.way,
            c - core
        );
        let _ = write!(
            json,
            "{}\n  {{\"name\": \"{}\", \"way\": \"{}\", \"core_min_ns\": {core:.2}, \"c_min_ns\": \
                {c:.2}, \"more_median_ns\": {typical:.2}}}",
            if index > 0 { "," } else { "" },
            row.scenario,
            row.way
        );
    }
    json.push_str("\n]\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench-c.json");
    if let Err(error) = std::fs::write(path, json) {
        eprintln!("cannot write {path}: {error}");
    }
}

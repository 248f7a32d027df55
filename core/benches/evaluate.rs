//! Nanoseconds and allocations of `Policy::evaluate`, scenario by scenario.

use divan::{AllocProfiler, Bencher, black_box};

mod scenarios;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const NAMES: [&str; 10] = [
    "W0 no Origin",
    "W1 allowed",
    "W2 preflight",
    "W3 denied",
    "W4 10",
    "W4 10,000",
    "W5 wildcard",
    "W5 regex",
    "W6 2,000 names",
    "W6 10,000 commas",
];

#[divan::bench(args = NAMES)]
fn evaluate(bencher: Bencher<'_, '_>, name: &str) {
    let scenarios = scenarios::all(&[("W4 10", 10), ("W4 10,000", 10_000)]);
    let scenario = scenarios
        .iter()
        .find(|scenario| scenario.name == name)
        .expect("a scenario has this name");
    let request = scenario.request();
    bencher.bench_local(|| black_box(scenario.policy().evaluate(black_box(&request))).allowed());
}

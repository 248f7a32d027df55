//! The tower layer beside tower-http's and the actix middleware beside actix-cors, in turn in one
//! run, each net of the same handler without CORS: the rows of the contract's section 9. Prints
//! tables and writes them as JSON.

use std::fmt::Write;
use std::time::Instant;

use bytes::Bytes;

mod actix;
mod tower;

const ROUNDS: usize = 60;
const BATCHES: usize = 16;
/// So few that they are in the cache as a request is that a server has just read.
const CALLS: usize = 32;

/// What is asked; the same for every layer.
struct Workload {
    name: &'static str,
    method: &'static str,
    headers: Vec<(&'static str, String)>,
    /// How many exact origins the layers list.
    origins: usize,
    wildcard: bool,
}

/// Headers that browsers send with every request.
const ALWAYS: [(&str, &str); 6] = [
    ("host", "api.example.com"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
    ("accept", "*/*"),
    ("accept-language", "en-US,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("referer", "https://two.example.com/"),
];

fn listed(index: usize, count: usize) -> String {
    if count == 3 {
        format!("https://{}.example.com", ["one", "two", "three"][index])
    } else {
        format!("https://tenant-{index:07}.example.com")
    }
}

impl Workload {
    fn origins(&self) -> Vec<String> {
        (0..self.origins)
            .map(|index| listed(index, self.origins))
            .collect()
    }
}

fn workloads() -> Vec<Workload> {
    let second = ("origin", "https://two.example.com".to_owned());
    let preflight = |names: String| {
        vec![
            second.clone(),
            ("access-control-request-method", "PUT".to_owned()),
            ("access-control-request-headers", names),
        ]
    };
    let names = (0..2000)
        .map(|n| format!("x{n:03}"))
        .collect::<Vec<_>>()
        .join(",");
    let workload = |name, method, headers| Workload {
        name,
        method,
        headers,
        origins: 3,
        wildcard: false,
    };
    let many = |name, origins| Workload {
        name,
        method: "GET",
        headers: vec![("origin", listed(origins - 1, origins))],
        origins,
        wildcard: false,
    };
    vec![
        workload("W0 no Origin", "GET", vec![]),
        workload("W1 allowed", "GET", vec![second.clone()]),
        workload(
            "W2 preflight",
            "OPTIONS",
            preflight("authorization,content-type".to_owned()),
        ),
        workload(
            "W3 denied",
            "GET",
            vec![("origin", "https://evil.example.org".to_owned())],
        ),
        many("W4 10", 10),
        many("W4 1,000", 1_000),
        many("W4 100,000", 100_000),
        Workload {
            wildcard: true,
            ..workload(
                "W5 wildcard",
                "GET",
                vec![("origin", "https://app.example.com".to_owned())],
            )
        },
        workload("W6 2,000 names", "OPTIONS", preflight(names)),
        workload("W6 10,000 commas", "OPTIONS", preflight(",".repeat(10_000))),
    ]
}

/// Runs a future that never waits, where it is made: a server moves it once at most.
macro_rules! run {
    ($future:expr) => {
        match std::future::Future::poll(
            std::pin::pin!($future),
            &mut std::task::Context::from_waker(std::task::Waker::noop()),
        ) {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => unreachable!("the handler answers at once"),
        }
    };
}
pub(crate) use run;

/// Nanoseconds a call over prepared requests.
fn time<R>(request: impl Fn() -> R, mut call: impl FnMut(R)) -> f64 {
    let mut nanoseconds = 0;
    for _ in 0..BATCHES {
        let requests: Vec<R> = (0..CALLS).map(|_| request()).collect();
        let started = Instant::now();
        requests.into_iter().for_each(&mut call);
        nanoseconds += started.elapsed().as_nanos();
    }
    nanoseconds as f64 / (BATCHES * CALLS) as f64
}

/// One workload's rounds.
#[derive(Default)]
struct Row {
    bare: Vec<f64>,
    peer: Vec<f64>,
    ours: Vec<f64>,
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let sorted = sorted(values);
    sorted[((sorted.len() - 1) as f64 * part) as usize]
}

impl Row {
    /// Over the bare handler of the same round, at least the bare handler's own spread.
    fn net(&self, layer: &[f64]) -> f64 {
        let spread = quantile(&self.bare, 0.75) - quantile(&self.bare, 0.25);
        let net: Vec<f64> = layer
            .iter()
            .zip(&self.bare)
            .map(|(layer, bare)| layer - bare)
            .collect();
        quantile(&net, 0.5).max(spread)
    }

    fn ratio(&self) -> f64 {
        self.net(&self.peer) / self.net(&self.ours)
    }
}

/// How many times faster the contract wants the layer.
type Goal = fn(&str) -> Option<f64>;

fn report(title: &str, path: &str, goal: Goal, rows: &[(&'static str, Row)]) {
    println!(
        "{title}: ns over the bare handler, median of {ROUNDS} rounds of {} requests",
        BATCHES * CALLS
    );
    println!(
        "{:<18} {:>10} {:>10} {:>10} {:>8}  goal",
        "", "bare", "peer", "ours", "x"
    );
    let mut json = String::from("[\n");
    for (index, (name, row)) in rows.iter().enumerate() {
        let (bare, peer, ours, ratio) = (
            quantile(&row.bare, 0.5),
            row.net(&row.peer),
            row.net(&row.ours),
            row.ratio(),
        );
        let verdict = goal(name).map_or(String::new(), |goal| {
            let word = if ratio >= goal {
                "met"
            } else if ratio * 1.15 >= goal {
                "met within 15 %"
            } else {
                "MISSED"
            };
            format!(">= {goal} {word}")
        });
        println!("{name:<18} {bare:>10.1} {peer:>10.1} {ours:>10.1} {ratio:>8.2}  {verdict}");
        let comma = if index + 1 < rows.len() { "," } else { "" };
        let goal = goal(name).map_or("null".to_owned(), |goal| goal.to_string());
        let _ = writeln!(
            json,
            "  {{\"name\": \"{name}\", \"bare_ns\": {bare:.1}, \"peer_net_ns\": {peer:.1}, \
                \"ours_net_ns\": {ours:.1}, \"times_faster\": {ratio:.2}, \"goal\": {goal}}}{comma}"
        );
    }
    json.push_str("]\n");
    let flat = rows
        .iter()
        .filter(|(name, _)| name.starts_with("W4"))
        .map(|(_, row)| row.net(&row.ours))
        .collect::<Vec<_>>();
    if let [first, .., last] = flat[..] {
        println!("W4 from 10 to 100,000 origins: ours {:.2} x", last / first);
    }
    println!();
    if let Err(error) =
        std::fs::create_dir_all(path.rsplit_once('/').map_or(".", |(folder, _)| folder))
            .and_then(|()| std::fs::write(path, json))
    {
        eprintln!("cannot write {path}: {error}");
    }
}

/// The fields of a request as servers hand them on: pieces of the buffer that was read.
fn fields(workload: &Workload) -> impl Iterator<Item = (&str, Bytes)> {
    let fields: Vec<(&str, &str)> = ALWAYS
        .into_iter()
        .chain(
            workload
                .headers
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        )
        .collect();
    let buffer = Bytes::from(fields.iter().map(|(_, value)| *value).collect::<String>());
    // The first clone makes a buffer shared.
    drop(buffer.clone());
    let mut end = 0;
    fields.into_iter().map(move |(name, value)| {
        let start = end;
        end += value.len();
        (name, buffer.slice(start..end))
    })
}

macro_rules! output {
    ($name:literal) => {
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../build/bench-",
            $name,
            ".json"
        )
    };
}

fn main() {
    // `cargo test --benches` asks for a list.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let only = std::env::args()
        .nth(1)
        .filter(|argument| argument.starts_with('W'));
    let workloads: Vec<Workload> = workloads()
        .into_iter()
        .filter(|workload| {
            only.as_ref()
                .is_none_or(|only| workload.name.starts_with(only))
        })
        .collect();
    report(
        "tower layer beside tower-http's CorsLayer",
        output!("tower"),
        |name| match name {
            "W4 100,000" => Some(1_000.0),
            _ => match &name[..2] {
                "W0" => Some(5.0),
                "W1" => Some(3.0),
                "W2" => Some(2.0),
                "W6" => Some(10.0),
                _ => None,
            },
        },
        &tower::measure(&workloads),
    );
    report(
        "actix middleware beside actix-cors",
        output!("actix"),
        |name| match &name[..2] {
            "W0" => Some(1.5),
            "W1" => Some(1.3),
            "W2" => Some(2.0),
            "W6" => Some(100.0),
            _ => None,
        },
        &actix::measure(&workloads),
    );
}

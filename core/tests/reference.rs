//! The fast engine against a slow, obvious one that was written from the contract, on random
//! policies and requests.

#![allow(clippy::unwrap_used, reason = "a reference that fails fails the test")]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use crossgate::{Decision, OptionValue, Policy, Reason, Request, SocketAccess, WebSocketCheck};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Random policies, each asked about [`QUESTIONS`] origins: 208,000 comparisons.
const POLICIES: u32 = 4_000;
const QUESTIONS: usize = 52;

mod obvious {
    use super::*;

    /// The grammar of the contract's section 4, as one regex; what it cannot say follows in
    /// `well_formed`.
    static GRAMMAR: LazyLock<regex::Regex> = LazyLock::new(|| {
        let grammar = [
            r"^(?<scheme>[a-z][a-z0-9+.-]*)://",
            r"(?<host>\[[0-9a-f:]+\]|[A-Za-z0-9._-]+)",
            r"(?::(?<port>[1-9][0-9]{0,4}))?$",
        ];
        regex::Regex::new(&grammar.concat()).unwrap()
    });

    pub(super) struct Parts {
        pub(super) scheme: String,
        pub(super) host: String,
        pub(super) port: Option<u32>,
    }

    pub(super) fn well_formed(text: &str) -> Option<Parts> {
        if text.len() > 330 || text.ends_with('\n') {
            return None;
        }
        let found = GRAMMAR.captures(text)?;
        let scheme = found["scheme"].to_owned();
        let host = found["host"].to_owned();
        let port = found
            .name("port")
            .map(|port| port.as_str().parse::<u32>().unwrap());
        if port.is_some_and(|port| port > 65535) {
            return None;
        }
        if scheme != "http" && scheme != "https" {
            return (!host.starts_with('[')).then_some(Parts { scheme, host, port });
        }
        if port == Some(if scheme == "http" { 80 } else { 443 }) {
            return None;
        }
        if let Some(inner) = host.strip_prefix('[') {
            let inner = inner.strip_suffix(']')?;
            let address: Ipv6Addr = inner.parse().ok()?;
            // std writes mapped and compatible addresses with a dotted quad, which browsers never
            // do.
            let pieces = address
                .segments()
                .map(|piece| format!("{piece:x}"))
                .join(":");
            let written = address.to_string();
            let canonical = if written.contains('.') {
                compress(&pieces)
            } else {
                written
            };
            return (inner == canonical).then_some(Parts { scheme, host, port });
        }
        let name = host.strip_suffix('.').unwrap_or(&host);
        let labels: Vec<&str> = name.split('.').collect();
        let label_ok = |label: &&str| {
            (1..=63).contains(&label.len()) && !label.bytes().any(|b| b.is_ascii_uppercase())
        };
        if name.len() > 253 || !labels.iter().all(label_ok) {
            return None;
        }
        let last = labels[labels.len() - 1];
        let number = last.bytes().all(|b| b.is_ascii_digit())
            || last
                .strip_prefix("0x")
                .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if number && host.parse::<Ipv4Addr>().is_err() {
            return None;
        }
        Some(Parts { scheme, host, port })
    }

    /// The first longest run of two or more zero pieces becomes `::`.
    fn compress(pieces: &str) -> String {
        for length in (2..=8).rev() {
            let run = vec!["0"; length].join(":");
            let padded = format!(":{pieces}:");
            if let Some(at) = padded.find(&format!(":{run}:")) {
                let (before, after) = (&padded[..at], &padded[at + run.len() + 2..]);
                return format!(
                    "{}::{}",
                    before.trim_start_matches(':'),
                    after.trim_end_matches(':')
                );
            }
        }
        pieces.to_owned()
    }

    pub(super) fn loopback(host: &str) -> bool {
        host == "localhost"
            || host.ends_with(".localhost")
            || host == "[::1]"
            || host
                .parse::<Ipv4Addr>()
                .is_ok_and(|ip| ip.octets()[0] == 127)
    }

    /// One entry of `allow_origins` against one origin.
    pub(super) fn matches(entry: &str, origin: &str) -> bool {
        // A pattern is no origin, though a request may say it.
        if !entry.contains(['*', '{']) {
            return entry == origin;
        }
        let Some(parts) = well_formed(origin) else {
            return false;
        };
        let (scheme, rest) = entry.split_once("://").unwrap();
        if scheme != parts.scheme {
            return false;
        }
        if rest == "*" {
            return parts.port.is_none();
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let port_fits = match port {
            Some("*") => true,
            Some(port) => parts.port == Some(port.parse().unwrap()),
            None => parts.port.is_none(),
        };
        let host_fits = if let Some(base) = host.strip_prefix("*.") {
            parts.host.len() > base.len() + 1 && parts.host.ends_with(&format!(".{base}"))
        } else if let Some((before, after)) = host.split_once('{') {
            let (class, after) = after.split_once('}').unwrap();
            let allowed = match class {
                "digits" => "0123456789",
                "hex" => "0123456789abcdef",
                "slug" => "abcdefghijklmnopqrstuvwxyz0123456789-",
                other => panic!("{other}"),
            };
            let value = parts
                .host
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after));
            value.is_some_and(|value| {
                !value.is_empty() && value.chars().all(|c| allowed.contains(c))
            })
        } else {
            host == parts.host
        };
        port_fits && host_fits
    }

    /// The reason for an actual request's origin.
    pub(super) fn reason(entries: &[String], null: bool, line: &[u8]) -> Reason {
        let text: String = line.iter().map(|b| char::from(*b)).collect();
        let text = text.trim_matches([' ', '\t']);
        if entries.iter().any(|entry| matches(entry, text)) || (null && text == "null") {
            Reason::Allowed
        } else if text == "null" {
            Reason::OriginNull
        } else if text.contains([',', ' ', '\t']) {
            Reason::OriginMultiple
        } else if well_formed(text).is_none() {
            Reason::OriginMalformed
        } else {
            Reason::OriginNotListed
        }
    }

    fn token(text: &str) -> bool {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    }

    /// A preflight's list of names against the configured ones.
    pub(super) fn names(configured: &[&str], lines: &[String]) -> Result<Vec<String>, Reason> {
        let joined = lines.join(", ");
        let elements: Vec<&str> = if lines.is_empty() {
            Vec::new()
        } else {
            joined
                .split(',')
                .map(|e| e.trim_matches([' ', '\t']))
                .collect()
        };
        let names: Vec<&str> = elements.iter().copied().filter(|e| !e.is_empty()).collect();
        if joined.len() > 4096.max(2 * configured.join(", ").len())
            || names.len() > 256
            || elements.len() - names.len() > 64
        {
            return Err(Reason::HeaderListTooLong);
        }
        if !names.iter().all(|name| token(name)) {
            return Err(Reason::HeaderListMalformed);
        }
        let any = configured.contains(&"*");
        if !any
            && !names
                .iter()
                .all(|name| configured.iter().any(|c| c.eq_ignore_ascii_case(name)))
        {
            return Err(Reason::HeaderNotAllowed);
        }
        let mut echoed: Vec<String> = Vec::new();
        for name in names {
            let lower = name.to_ascii_lowercase();
            if !echoed.contains(&lower) {
                echoed.push(lower);
            }
        }
        Ok(echoed)
    }
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "a",
            "b",
            "ab",
            "aa",
            "x",
            "www",
            "app",
            "example",
            "a-b",
            "a_b",
            "xn--mnchen-3ya",
            "1",
            "7f",
            "pr-1",
            "0x1",
            "pr-12--app",
            "-a"
        ])
        .prop_map(str::to_owned),
        "[a-b0-1-]{1,4}",
    ]
}

fn name() -> impl Strategy<Value = String> {
    let base = select(vec![
        "example.com",
        "a.example",
        "b.a.example",
        "localhost",
        "example.net",
        "netlify.app",
        "co.uk",
        "a.co.uk",
    ]);
    (prop::collection::vec(label(), 0..4), base).prop_map(|(labels, base)| {
        labels
            .into_iter()
            .chain([base.to_owned()])
            .collect::<Vec<_>>()
            .join(".")
    })
}

fn port() -> impl Strategy<Value = String> {
    let written = select(vec![
        ":8080", ":8443", ":443", ":80", ":1", ":65535", ":65536", ":0", ":080",
    ]);
    prop_oneof![3 => Just(String::new()), 1 => written.prop_map(str::to_owned)]
}

fn web_scheme() -> impl Strategy<Value = &'static str> {
    select(vec!["https", "https", "https", "http"])
}

/// Entries; most build, and those that do not are left out of the policy.
fn entry() -> impl Strategy<Value = String> {
    let address = select(vec![
        "127.0.0.1",
        "10.0.0.1",
        "[::1]",
        "[2001:db8::1]",
        "[::ffff:7f00:1]",
    ]);
    let placeholder = (
        select(vec!["", "pr-", "a", "x.pr-"]),
        select(vec!["{digits}", "{hex}", "{slug}"]),
        select(vec!["", "--app", "-b", "0"]),
        name(),
    )
        .prop_map(|(before, class, after, name)| format!("{before}{class}{after}.{name}"));
    let of_scheme = select(vec![
        "moz-extension://*",
        "capacitor://localhost",
        "app://Obsidian.md",
        "tauri://localhost:*",
    ]);
    let any_port = || prop_oneof![2 => port(), 1 => Just(":*".to_owned())];
    prop_oneof![
        4 => (web_scheme(), name(), port()).prop_map(|(s, n, p)| format!("{s}://{n}{p}")),
        3 => (web_scheme(), name(), any_port()).prop_map(|(s, n, p)| format!("{s}://*.{n}{p}")),
        1 => (web_scheme(), name()).prop_map(|(s, n)| format!("{s}://{n}:*")),
        2 => (web_scheme(), placeholder, any_port()).prop_map(|(s, n, p)| format!("{s}://{n}{p}")),
        1 => (web_scheme(), address, any_port()).prop_map(|(s, n, p)| format!("{s}://{n}{p}")),
        1 => of_scheme.prop_map(str::to_owned),
    ]
}

/// The entry that it comes from, if any, an origin of its own, a filler, and the byte to change.
type Question = (Option<Index>, String, String, Option<(Index, u8)>);

/// Something close to an entry: its stars and placeholders filled in, then perhaps a byte changed.
fn question() -> impl Strategy<Value = Question> {
    let labels = (label(), label()).prop_map(|(a, b)| format!("{a}.{b}"));
    let filler = prop_oneof![
        3 => label(),
        1 => labels,
        1 => Just(String::new()),
        1 => "[0-9a-f]{1,3}",
    ];
    let byte = prop_oneof![
        Just(b'.'),
        Just(b':'),
        Just(b','),
        Just(b' '),
        Just(b'A'),
        Just(b'/'),
        Just(b'-'),
        Just(b'0'),
        Just(0xff),
        Just(b'_'),
        any::<u8>()
    ];
    let changed = prop_oneof![2 => Just(None), 1 => (any::<Index>(), byte).prop_map(Some)];
    let fresh = (web_scheme(), name(), port()).prop_map(|(s, n, p)| format!("{s}://{n}{p}"));
    (
        prop::option::weighted(0.8, any::<Index>()),
        prop_oneof![9 => fresh, 1 => Just("null".to_owned())],
        filler,
        changed,
    )
}

fn ask(entries: &[String], (from, fresh, filler, changed): &Question) -> Vec<u8> {
    let text = match from {
        Some(index) if !entries.is_empty() => {
            let entry = index.get(entries);
            let port = entry.strip_suffix(":*");
            let filled = ["{digits}", "{hex}", "{slug}", "*"]
                .iter()
                .fold(port.unwrap_or(entry).to_owned(), |text, star| {
                    text.replace(star, filler)
                });
            if port.is_some() && filler.len() % 2 == 0 {
                format!("{filled}:8080")
            } else {
                filled
            }
        }
        _ => fresh.clone(),
    };
    let mut bytes = text.into_bytes();
    if let (Some((index, byte)), false) = (changed, bytes.is_empty()) {
        *index.get_mut(&mut bytes) = *byte;
    }
    bytes
}

/// `PROPTEST_CASES` asks for more (`make test-long`).
fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: asked.map_or(cases, |asked: u32| asked.max(cases)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// What a random case says: rustfmt does not reach into `proptest!`, so the cases stand here.
type Checked = Result<(), TestCaseError>;

fn builds(origin: &str) -> bool {
    Policy::builder().allow_origins([origin]).build().is_ok()
}

fn header_of<'a>(decision: &'a Decision<'_>, name: &str) -> Option<&'a str> {
    decision
        .headers()
        .find(|header| header.name.lower() == name)
        .map(|header| header.value)
}

fn check_origins(entries: Vec<String>, null: bool, questions: &[Question]) -> Checked {
    let good: Vec<String> = entries.into_iter().filter(|entry| builds(entry)).collect();
    let policy = Policy::builder()
        .allow_origins(good)
        .allow_null_origin(null)
        .origin_predicate(true)
        .build()
        .unwrap();
    // Canonical text, which the reference matches byte by byte.
    let document = policy.document();
    let canonical = strings(document.get("allow_origins")).unwrap();
    prop_assert_eq!(&Policy::from_document(&document).unwrap(), &policy);
    for question in questions {
        let origin = ask(&canonical, question);
        let expected = obvious::reason(&canonical, null, &origin);
        let request = Request::new("GET").header("Origin", &origin);
        let decision = policy.evaluate(&request);
        prop_assert_eq!(
            decision.reason(),
            expected,
            "{} for {:?}",
            origin.escape_ascii(),
            canonical
        );
        let trimmed = origin.trim_ascii();
        let named = header_of(&decision, "access-control-allow-origin").map(str::as_bytes);
        prop_assert_eq!(named, (expected == Reason::Allowed).then_some(trimmed));
        // What a WebSocket gets is never more than what a request gets, nor anything insecure.
        if policy.check_websocket(request.origin(), SocketAccess::Private) == WebSocketCheck::Allow
        {
            prop_assert_eq!(expected, Reason::Allowed);
            let parts = obvious::well_formed(std::str::from_utf8(trimmed).unwrap()).unwrap();
            prop_assert!(parts.scheme != "http" || obvious::loopback(&parts.host));
        }
    }
    Ok(())
}

/// The texts of a list.
fn strings(value: Option<&OptionValue>) -> Option<Vec<String>> {
    let Some(OptionValue::List(entries)) = value else {
        return None;
    };
    let text = |entry: &OptionValue| match entry {
        OptionValue::Str(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    Some(entries.iter().map(text).collect())
}

proptest! {
    #![proptest_config(config(POLICIES))]

    #[test]
    fn origins_match_as_the_reference_says(
        entries in prop::collection::vec(entry(), 1..24),
        null in any::<bool>(),
        questions in prop::collection::vec(question(), QUESTIONS),
    ) {
        check_origins(entries, null, &questions)?;
    }
}

const CONFIGURED: [&str; 11] = [
    "X-A",
    "x-b",
    "Content-Type",
    "Authorization",
    "X-C",
    "X-D",
    "X-E",
    "X-F",
    "X-G",
    "X-H",
    "X-I",
];
const REQUESTED: [&str; 16] = [
    "x-a",
    "X-B",
    "content-type",
    "authorization",
    "x-c",
    "x-i",
    "x-z",
    "",
    " ",
    "\t",
    "a b",
    "\"q\"",
    "x-a ",
    " x-b\t",
    ":",
    "\u{e9}",
];

/// Cut into so many lines more at commas, as gateways do.
fn lines(text: String, split: usize) -> Vec<String> {
    let mut lines = vec![text];
    for _ in 0..split {
        let last = lines.pop().unwrap_or_default();
        match last.split_once(',') {
            Some((first, rest)) => lines.extend([first.to_owned(), rest.to_owned()]),
            None => {
                lines.push(last);
                break;
            }
        }
    }
    lines
}

fn check_names(configured: Vec<&str>, lines: &[String]) -> Checked {
    let policy = Policy::builder()
        .allow_origins(["https://a.example"])
        .allow_credentials(true)
        .allow_headers(configured.clone())
        .build()
        .unwrap();
    let preflight = Request::new("OPTIONS")
        .header("origin", "https://a.example")
        .header("access-control-request-method", "GET");
    let request = lines.iter().fold(preflight, |request, line| {
        request.header("access-control-request-headers", line)
    });
    let decision = policy.evaluate(&request);
    // The engine counts bytes of the wire, the reference characters of the same text.
    let expected = obvious::names(&configured, lines);
    let reason = expected.as_ref().err().copied();
    prop_assert_eq!(
        decision.reason(),
        reason.unwrap_or(Reason::Allowed),
        "{:?}",
        lines
    );
    if configured == ["*"] {
        let echoed = header_of(&decision, "access-control-allow-headers").map(str::to_owned);
        let names = expected.ok().filter(|names| !names.is_empty());
        prop_assert_eq!(echoed, names.map(|names| names.join(", ")));
    }
    Ok(())
}

const PARTS: [&str; 43] = [
    "https",
    "http",
    "://",
    ":",
    "/",
    ".",
    "*",
    "*.",
    "{digits}",
    "{slug}",
    "[",
    "]",
    "::1",
    "a",
    "Example",
    "com",
    "co.uk",
    "xn--",
    "xn--mnchen-3ya",
    "m\u{fc}nchen",
    "1",
    "0x7f",
    "127",
    "443",
    "@",
    "?",
    "#",
    " ",
    ",",
    ";",
    "|",
    "\"",
    "'",
    "{",
    "}",
    "\\",
    "blob:",
    "%41",
    "\u{3002}",
    "null",
    "file",
    "ws",
    "app",
];

fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(PARTS.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
}

/// White space and quotes are also said of what nobody can correct.
const WITHOUT_A_WHOLE_HINT: [&str; 4] = [
    "origin_is_list",
    "origin_null",
    "origin_whitespace",
    "origin_quoted",
];

fn check_configured(text: &str) -> Checked {
    match Policy::builder().allow_origins([text]).build() {
        Err(error) => {
            for problem in error.problems() {
                prop_assert!(problem.value.is_ascii() && !problem.message.is_empty());
                // A hint is a whole entry: nobody is sent from one error to the next.
                let whole = !WITHOUT_A_WHOLE_HINT.contains(&problem.code.as_str());
                if let (Some(hint), true) = (&problem.hint, whole) {
                    prop_assert!(builds(hint), "{}: {}", text, problem);
                }
            }
        }
        Ok(policy) => {
            let document = policy.document();
            let again = Policy::from_document(&document).unwrap();
            prop_assert_eq!(again.document(), document.clone());
            let entries = strings(document.get("allow_origins")).unwrap_or_default();
            if let Some(origin) = entries.first()
                && !origin.contains(['*', '{'])
            {
                // Never silently dead: what was accepted matches itself, and passes the grammar.
                let request = Request::new("GET").header("Origin", origin);
                prop_assert_eq!(policy.evaluate(&request).allowed(), Some(true), "{}", text);
                prop_assert!(obvious::well_formed(origin).is_some(), "{}", origin);
            }
        }
    }
    Ok(())
}

fn check_hint(entry: &str, damaged: String) -> Checked {
    if builds(entry) {
        let error = Policy::builder()
            .allow_origins([damaged])
            .build()
            .unwrap_err();
        let hint = error.problems().iter().find_map(|p| p.hint.clone());
        prop_assert!(builds(&hint.unwrap()));
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(20_000))]

    #[test]
    fn lists_of_names_are_judged_as_the_reference_says(
        configured in prop::sample::subsequence(CONFIGURED.to_vec(), 0..11),
        any_name in any::<bool>(),
        parts in prop::collection::vec(select(REQUESTED.to_vec()), 0..12),
        separator in select(vec![",", ", ", " ,", ",,"]),
        split in 0usize..4,
        repeat in prop_oneof![30 => Just(1usize), 1 => 20..90usize],
    ) {
        let text = vec![parts.join(separator); repeat].join(",");
        let configured = if any_name { vec!["*"] } else { configured };
        check_names(configured, &lines(text, split))?;
    }

    #[test]
    fn configured_origins_never_panic_and_are_canonical_at_once(
        parts in prop::collection::vec(part(), 0..10),
        start in select(vec!["", "https://", "http://", "app://"]),
    ) {
        check_configured(&format!("{start}{}", parts.concat()))?;
    }

    #[test]
    fn hints_are_right(
        entry in entry(),
        damage in select(vec!["{}/", " {}", "{}?x", "\"{}\"", "{}#", "{}/path/x"]),
    ) {
        check_hint(&entry, damage.replace("{}", &entry))?;
    }
}

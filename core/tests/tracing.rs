//! Events as real subscribers write them. One process-wide limit holds for all, so each reason is
//! used by one test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod log;

use crossgate::trace::DENIALS_A_SECOND;
use crossgate::{Policy, Request, SharedPolicy};
use log::{Log, logged};
use tracing::Level;

fn policy() -> Policy {
    Policy::builder()
        .allow_origins(["https://a.example"])
        .allow_methods(["PUT"])
        .allow_headers(["X-A"])
        .build()
        .unwrap()
}

fn trace(policy: &Policy, request: &Request<'_>) {
    policy.evaluate(request).trace(policy, request);
}

#[test]
fn an_event_says_what_and_why() {
    let policy = policy();
    let preflight = |method: &'static str| {
        Request::new("OPTIONS")
            .header("Origin", "https://a.example")
            .header("Access-Control-Request-Method", method)
    };
    let lines = logged(Level::TRACE, || {
        trace(&policy, &Request::new("GET"));
        trace(
            &policy,
            &Request::new("GET").header("Origin", "https://a.example"),
        );
        trace(&policy, &preflight("PATCH"));
        trace(&policy, &preflight("put"));
        trace(
            &policy,
            &preflight("PUT").header("Access-Control-Request-Headers", "x-a,x-b"),
        );
    });
    let digest = policy.digest();
    assert_eq!(
        lines,
        [
            format!(
                "TRACE crossgate: CORS kind=\"not_cors\" reason=\"no_origin\" action=\"forward\" \
                    policy={digest}"
            ),
            format!(
                "DEBUG crossgate: CORS kind=\"actual\" reason=\"allowed\" action=\"forward\" \
                    origin=https://a.example policy={digest}"
            ),
            format!(
                " WARN crossgate: CORS kind=\"preflight\" reason=\"method_not_allowed\" \
                    action=\"answer\" origin=https://a.example denied_name=PATCH \
                    policy={digest}"
            ),
            format!(
                " WARN crossgate: CORS kind=\"preflight\" reason=\"method_case\" action=\"answer\" \
                    origin=https://a.example denied_name=put policy={digest}"
            ),
            format!(
                " WARN crossgate: CORS kind=\"preflight\" reason=\"header_not_allowed\" \
                    action=\"answer\" origin=https://a.example denied_name=x-b \
                    requested_headers=x-a,x-b \
                    policy={digest}"
            ),
        ]
    );
}

#[test]
fn denials_are_limited_and_the_rest_is_debug() {
    let policy = policy();
    let request = Request::new("GET").header("Origin", "https://evil.example");
    let started = std::time::Instant::now();
    let mut lines = logged(Level::DEBUG, || {
        (0..1000).for_each(|_| trace(&policy, &request))
    });
    assert_eq!(lines.len(), 1000);
    // The clock's seconds that the 1000 may have lain in: one more begins in every second.
    let seconds = started.elapsed().as_secs() as usize + 2;
    // In another second there is a warning again.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let next = logged(Level::DEBUG, || trace(&policy, &request)).remove(0);
    assert!(next.starts_with(" WARN"), "{next}");
    lines.push(next);

    let (warnings, others): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| line.starts_with(" WARN"));
    let limit = DENIALS_A_SECOND as usize;
    assert!(
        (limit + 1..=limit * seconds + 1).contains(&warnings.len()),
        "{} in {seconds} s",
        warnings.len()
    );
    assert!(others.iter().all(|line| line.starts_with("DEBUG")));
    // The warnings say how many were left out.
    let left_out: usize = warnings
        .iter()
        .filter_map(|line| line.split_once("suppressed="))
        .map(|(_, count)| count.trim().parse::<usize>().unwrap())
        .sum();
    assert_eq!(left_out, others.len());
}

#[test]
fn a_request_cannot_forge_a_line_or_a_field() {
    let policy = policy();
    // Origins that are malformed or several; both have limits of their own.
    let origins: [&[u8]; 8] = [
        b"https://a\r\n WARN crossgate: CORS kind=\"actual\" reason=\"allowed\"",
        b"https://a reason=allowed",
        b"https://a\",\"reason\":\"allowed",
        b"\x1b[2J\x1b]0;owned\x07",
        b"https://a%0aWARN\0\x7f\xc2\x85\xe2\x80\xa8\xff",
        b"https://${jndi:ldap://evil}",
        b"<script>alert(1)</script>",
        &[b'a'; 100_000],
    ];
    let requests = origins.map(|origin| Request::new("GET").header("Origin", origin));
    let lines = logged(Level::DEBUG, || {
        requests.iter().for_each(|request| trace(&policy, request))
    });
    assert_eq!(lines.len(), requests.len(), "{lines:#?}");
    for line in &lines {
        assert!(
            line.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && line.len() < 1500,
            "{line:?}"
        );
        let names: Vec<_> = line
            .split(' ')
            .filter_map(|part| part.split_once('='))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            names,
            ["kind", "reason", "action", "origin", "policy"],
            "{line}"
        );
        assert!(!line.contains(['<', '$', '{', '%', ';']), "{line}");
    }

    let log = Log::default();
    let writer = log.clone();
    let json = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(json, || {
        requests.iter().for_each(|request| trace(&policy, request))
    });
    let lines = log.lines();
    assert_eq!(lines.len(), requests.len());
    for line in lines {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(
            matches!(
                event["reason"].as_str(),
                Some("origin_malformed" | "origin_multiple")
            ),
            "{line}"
        );
        assert_eq!(line.matches("\"reason\"").count(), 1, "{line}");
    }
}

#[test]
fn requested_names_are_escaped_too() {
    let policy = policy();
    let ask = |method: &'static [u8], names: &'static [u8]| {
        let request = Request::new("OPTIONS")
            .header("Origin", "https://a.example")
            .header("Access-Control-Request-Method", method);
        let request = request.header("Access-Control-Request-Headers", names);
        logged(Level::DEBUG, || trace(&policy, &request)).remove(0)
    };
    assert!(ask(b"PUT", b"x-a\n, x b").contains(r"requested_headers=x-a\x0a,\x20x\x20b policy="));
    assert!(ask(b"P T\n", b"").contains(r"denied_name=P\x20T\x0a policy="));
}

#[test]
fn a_shadow_difference_is_an_event() {
    let shared = SharedPolicy::new(policy());
    let shadow = Policy::builder()
        .allow_origins(["https://b.example"])
        .build()
        .unwrap();
    let digests = (shared.policy().digest(), shadow.digest());
    shared.set_shadow(Some(shadow.into()));
    let snapshot = shared.load();
    let request = Request::new("GET").header("Origin", "https://a.example");
    let difference = snapshot.shadow_difference(&request, None).unwrap().unwrap();
    let started = std::time::Instant::now();
    let lines = logged(Level::WARN, || {
        (0..1000).for_each(|_| difference.trace(&snapshot, &request))
    });
    let seconds = started.elapsed().as_secs() as usize + 2;
    assert_eq!(
        lines[0],
        format!(
            " WARN crossgate: CORS shadow kind=\"actual\" reason=\"allowed\" action=\"forward\" \
             shadow_reason=\"origin_not_listed\" shadow_action=\"forward\" \
             origin=https://a.example policy={} shadow_policy={}",
            digests.0, digests.1
        )
    );
    assert!(
        lines.len() <= seconds * DENIALS_A_SECOND as usize,
        "{} in {seconds} s",
        lines.len()
    );
}

//! Any request to policies of every kind: what the contract says of every decision holds, whatever
//! was asked.
#![no_main]

use std::sync::LazyLock;

use crossgate::{HeaderName, HeaderOp, Policy, Reason, Request, Verdict};
use libfuzzer_sys::fuzz_target;

static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let one = || Policy::builder().allow_origins(["https://a.example"]);
    let many = || {
        let exact = (0..20).map(|n| format!("https://{n}.a.example"));
        let patterns = [
            "https://*.b.example",
            "http://localhost:*",
            "https://pr-{digits}.c.example",
            "moz-extension://abc",
        ];
        Policy::builder().allow_origins(exact.chain(patterns.map(String::from)))
    };
    [
        Policy::builder().allow_origins(["*"]),
        Policy::builder()
            .allow_origins(["*"])
            .allow_methods(["*"])
            .allow_headers(["*", "Authorization"])
            .expose_headers(["*"]),
        one()
            .allow_credentials(true)
            .allow_methods(["PUT", "PATCH"])
            .allow_headers(["X-A", "Content-Type"])
            .max_age(600),
        one()
            .allow_credentials(true)
            .allow_methods(["*"])
            .allow_headers(["*"])
            .allow_private_network(true),
        one()
            .single_origin(crossgate::SingleOrigin::Static)
            .expose_headers(["X-A"]),
        one()
            .denied_actual(crossgate::DeniedActual::Reject)
            .own_origins(["https://own.example"])
            .preflight_status(200),
        many()
            .allow_credentials(true)
            .expose_headers(["X-A", "X-B"]),
        many().allow_null_origin(true).allow_headers(["X-A"]),
        Policy::builder()
            .allow_origin_regexes(["https://[a-z]+-x\\.d\\.example"])
            .origin_predicate(true)
            .allow_credentials(true),
    ]
    .into_iter()
    .map(|builder| builder.build().expect("a policy of this file"))
    .collect()
});

/// The first byte chooses the policy and the verdict, a line each the method and the headers.
fn ask(data: &[u8]) -> Option<()> {
    let (choice, text) = data.split_first()?;
    let policy = POLICIES.get(usize::from(choice & 15))?;
    let verdict = [None, Some(Verdict::Allow), Some(Verdict::Deny)][usize::from(choice >> 4) % 3];
    let mut lines = text.split(|byte| *byte == b'\n');
    let mut request = Request::new(lines.next()?);
    for line in lines {
        let (name, value) = line.split_at(
            line.iter()
                .position(|byte| *byte == b':')
                .unwrap_or(line.len()),
        );
        request.push(name, value.get(1..)?);
    }

    let Ok(decision) = policy.evaluate_with(&request, verdict) else {
        assert!(
            verdict.is_some()
                && policy.document().get("origin_predicate")
                    != Some(&crossgate::OptionValue::Bool(true))
        );
        return None;
    };
    let written = format!("{decision:?}");
    let mut scratch = vec![0; policy.scratch_size()];
    let into = policy
        .evaluate_into(&request, verdict, &mut scratch)
        .expect("the verdict was accepted");
    assert_eq!(format!("{into:?}"), written);
    assert_eq!(
        format!("{:?}", decision.to_owned_decision().decision(policy)),
        written
    );

    let mut names = Vec::new();
    let mut block = String::new();
    for header in decision.headers() {
        assert!(
            header
                .value
                .bytes()
                .all(|byte| (b' '..=b'~').contains(&byte)),
            "{header:?}"
        );
        names.push(header.name);
        block += &format!("{}: {}\r\n", header.name, header.value);
        match (header.name, header.value) {
            (HeaderName::AllowOrigin, "*") => assert_eq!(
                policy.document().get("allow_credentials"),
                Some(&crossgate::OptionValue::Bool(false))
            ),
            (HeaderName::AllowOrigin, "https://a.example") => {}
            (HeaderName::AllowOrigin, value) => {
                assert_eq!(request.origin().single(), Some(value.as_bytes()))
            }
            (HeaderName::AllowCredentials, value) => assert_eq!(value, "true"),
            _ => {}
        }
    }
    if decision.status().is_some_and(|status| status != 204)
        && decision.action() == crossgate::Action::Answer
    {
        block += "Content-Length: 0\r\n";
    }
    let mut buffer = vec![0; block.len()];
    assert_eq!(decision.write_http1(&mut buffer), Ok(block.len()));
    assert_eq!(buffer, block.as_bytes());

    // Vary is a constant of the policy and whether the method is OPTIONS.
    let vary = |decision: &crossgate::Decision<'_>| {
        decision
            .headers()
            .find(|header| header.name == HeaderName::Vary)
            .map(|header| header.value.to_owned())
    };
    assert_eq!(
        vary(&decision),
        vary(&policy.evaluate(&Request::new(request.method())))
    );

    let refused = matches!(
        decision.reason(),
        Reason::OriginNotListed
            | Reason::OriginNull
            | Reason::OriginMalformed
            | Reason::OriginMultiple
    );
    if refused && policy.document().get("single_origin") != Some(&"static".into()) {
        assert_eq!(names, [HeaderName::Vary]);
    }
    assert_eq!(
        decision.allowed() == Some(true),
        matches!(decision.reason(), Reason::Allowed | Reason::AllowedAny)
    );

    // Afterwards a response says what the policy says, whatever the application said.
    let mut response: Vec<(String, String)> = HeaderName::ALL
        .iter()
        .map(|name| (name.as_str().to_owned(), "evil".to_owned()))
        .collect();
    decision.apply(&mut response);
    for &name in HeaderName::ALL {
        let found: Vec<&str> = response
            .iter()
            .filter(|(found, _)| found.eq_ignore_ascii_case(name.as_str()))
            .map(|(_, value)| value.as_str())
            .collect();
        match decision.headers().find(|header| header.name == name) {
            Some(header) if header.op == HeaderOp::Set => assert_eq!(found, [header.value]),
            Some(header) => assert_eq!(found, [format!("evil, {}", header.value)]),
            None if name == HeaderName::Vary => assert_eq!(found, ["evil"]),
            None if name == HeaderName::ExposeHeaders
                && names.contains(&HeaderName::AllowOrigin) =>
            {
                assert_eq!(found, ["evil"])
            }
            None => assert!(found.is_empty()),
        }
    }
    Some(())
}

fuzz_target!(|data: &[u8]| {
    ask(data);
});

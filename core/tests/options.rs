//! The table of the options (`options.json`), from which the documentation and the JSON Schema are
//! written: every example does what the page says of it, and everything refused is refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crossgate::{Policy, Request, Verdict};
use serde_json::{Value, json};

fn options() -> Vec<Value> {
    let table: Value = serde_json::from_str(include_str!("../options.json")).unwrap();
    table["options"].as_array().unwrap().clone()
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pairs = value.as_array().into_iter().flatten();
    pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}

#[test]
fn every_example_has_the_effect_that_is_said() {
    for option in options() {
        let name = option["name"].as_str().unwrap();
        let policy = Policy::from_json(&option["example"].to_string())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(option["example"].get(name).is_some(), "{name} is used");
        let headers = pairs(&option["request"]["headers"]);
        let method = option["request"]["method"].as_str().unwrap();
        let lines = headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()));
        let request = Request::from_pairs(method.as_bytes(), lines);
        let verdict = option["request"].get("verdict").map(|_| Verdict::Allow);
        let decision = policy.evaluate_with(&request, verdict).unwrap();
        if let Some(line) = option.get("gives") {
            let mut response = pairs(&option["response"]);
            decision.apply(&mut response);
            let found = response.iter().map(|(n, v)| json!([n, v]));
            assert!(
                found.clone().any(|found| found == *line),
                "{name}: {response:?}"
            );
        } else {
            assert_eq!(json!(decision.status()), option["status"], "{name}");
        }
        for header in option["headers"].as_array().unwrap() {
            let header = header.as_str().unwrap().to_ascii_lowercase();
            let is_sent = decision.headers().any(|line| line.name.lower() == header);
            assert!(is_sent, "{name} makes {header}");
        }
    }
}

#[test]
fn everything_that_is_refused_is_refused() {
    for option in options() {
        let refused = option["refused"].as_array().unwrap();
        assert!(!refused.is_empty());
        for case in refused {
            let error = Policy::from_json(&case["policy"].to_string()).unwrap_err();
            let code = case["code"].as_str().unwrap();
            let mut problems = error.problems().iter();
            assert!(
                problems.any(|problem| problem.code.as_str() == code),
                "{case} {error}"
            );
        }
    }
}

#[test]
fn every_default_is_the_one_of_the_engine() {
    let everybody = Policy::from_json(r#"{"allow_origins": "*"}"#).unwrap();
    let document: Value = serde_json::from_str(&everybody.document().to_json()).unwrap();
    for option in options() {
        let name = option["name"].as_str().unwrap();
        if name != "allow_origins" {
            assert_eq!(document[name], option["default"], "{name}");
        }
    }
}

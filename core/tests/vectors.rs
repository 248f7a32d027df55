//! The vectors that every language must pass, run in Rust. `tests/vectors/README.md` has their
//! shapes.

#[cfg(unix)]
mod cpu_time;

use std::path::PathBuf;

use crossgate::binding::{Answer, judge};
use crossgate::{
    Action, Document, Evaluation, Field, OptionValue, Policy, PolicyError, Problem, RegexDialect,
    Request, Severity, SocketAccess, Verdict, WebSocketCheck,
};
use serde_json::{Value, json};

fn read(name: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/vectors")
        .join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"))
        })
        .collect()
}

/// Runs every case of a file and fails with all that failed.
fn run(name: &str, case: impl Fn(&Value) -> Result<(), String>) {
    let cases = read(name);
    assert!(!cases.is_empty(), "{name} has no cases");
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|c| case(c).err().map(|error| format!("{}: {error}", c["id"])))
        .collect();
    println!(
        "rust: {name} {} passed, {} failed",
        cases.len() - failed.len(),
        failed.len()
    );
    assert!(failed.is_empty(), "{name}:\n{}", failed.join("\n"));
}

fn policy(case: &Value) -> Result<Policy, PolicyError> {
    Policy::from_json(&case["policy"].to_string())
}

/// Text whose characters are bytes.
fn latin1(value: &Value) -> Vec<u8> {
    value
        .as_str()
        .unwrap_or_default()
        .chars()
        .map(|c| u8::try_from(u32::from(c)).expect("a vector's header value is Latin-1"))
        .collect()
}

fn verdict(value: &Value) -> Option<Verdict> {
    match value.as_str() {
        Some("allow") => Some(Verdict::Allow),
        Some("deny") => Some(Verdict::Deny),
        _ => None,
    }
}

fn same(what: &str, expected: &Value, found: &Value) -> Result<(), String> {
    if expected == found {
        Ok(())
    } else {
        Err(format!("{what}: expected {expected}, found {found}"))
    }
}

/// Regexes in the dialects of the languages.
#[test]
fn regexes() {
    run("regexes.jsonl", |case| {
        let texts = |key: &str| -> Vec<&str> {
            let texts = case[key].as_array().into_iter().flatten();
            texts.filter_map(Value::as_str).collect()
        };
        let dialect = match case["dialect"].as_str() {
            Some("python") => RegexDialect::Python,
            Some("javascript") => RegexDialect::JavaScript,
            _ => RegexDialect::Rust,
        };
        let regexes = texts("regexes")
            .into_iter()
            .map(|source| OptionValue::Regex {
                source: source.to_owned(),
                flags: case["flags"].as_str().unwrap_or_default().to_owned(),
                dialect,
            });
        let mut document = Document::new();
        document.push("allow_origin_regexes", OptionValue::List(regexes.collect()));
        let has_code = |problems: &[Problem]| {
            let mut codes = problems.iter().map(|problem| problem.code.as_str());
            case["code"]
                .as_str()
                .is_none_or(|code| codes.any(|c| c == code))
        };
        let policy = match Policy::from_document(&document) {
            Ok(policy) => policy,
            Err(error) if case["expect"] == "error" && has_code(error.problems()) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        let found = if policy.warnings().is_empty() {
            "ok"
        } else {
            "warn"
        };
        same("expect", &case["expect"], &json!(found))?;
        if !has_code(policy.warnings()) {
            return Err(format!("{:?}", policy.warnings()));
        }
        for (key, allowed) in [("allow", true), ("deny", false)] {
            for origin in texts(key) {
                let request = Request::new("GET").header("Origin", origin);
                let decision = policy.evaluate(&request);
                same(origin, &json!(allowed), &json!(decision.allowed()))?;
                let limit = texts("step_limit").contains(&origin);
                same(
                    "steps",
                    &json!(limit),
                    &json!(decision.hit_regex_step_limit()),
                )?;
            }
        }
        Ok(())
    });
}

#[test]
fn decisions() {
    run("decisions.jsonl", |case| {
        let policy = policy(case).map_err(|error| error.to_string())?;
        let method = case["request"]["method"].as_str().unwrap_or_default();
        let headers: Vec<(Vec<u8>, Vec<u8>)> = case["request"]["headers"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|pair| (latin1(&pair[0]), latin1(&pair[1])))
            .collect();
        let request = Request::from_pairs(
            method.as_bytes(),
            headers
                .iter()
                .map(|(name, value)| (name.as_slice(), value.as_slice())),
        );
        let decision = policy
            .evaluate_with(&request, verdict(&case["request"]["verdict"]))
            .map_err(|error| error.to_string())?;
        let pairs: Vec<_> = decision
            .headers()
            .map(|header| (header.name.lower(), header.value))
            .collect();
        let remove: Vec<_> = decision.remove().iter().map(|name| name.lower()).collect();
        let found = json!({
            "kind": decision.kind().as_str(),
            "reason": decision.reason().as_str(),
            "action": decision.action().as_str(),
            "allowed": decision.allowed(),
            "status": decision.status(),
            "headers": pairs,
            "remove": remove,
        });
        same("decision", &case["decision"], &found)?;

        let mut lines: String = decision
            .headers()
            .map(|header| format!("{}: {}\r\n", header.name, header.value))
            .collect();
        if decision.action() == Action::Answer && decision.status() != Some(204) {
            lines.push_str("Content-Length: 0\r\n");
        }
        let mut buffer = vec![0; lines.len()];
        let length = decision
            .write_http1(&mut buffer)
            .map_err(|error| format!("{error}, not {}", lines.len()))?;
        same(
            "HTTP/1.1 block",
            &json!(lines),
            &json!(String::from_utf8_lossy(&buffer[..length])),
        )?;

        let mut scratch = vec![0; policy.scratch_size()];
        let without_allocation = policy
            .evaluate_into(&request, verdict(&case["request"]["verdict"]), &mut scratch)
            .map_err(|error| error.to_string())?;
        same(
            "evaluate_into",
            &json!(format!("{decision:?}")),
            &json!(format!("{without_allocation:?}")),
        )
    });
}

#[test]
fn contract_origins() {
    run("contract/origins.jsonl", |case| {
        let lines: Vec<Vec<u8>> = case["origin_lines"]
            .as_array()
            .into_iter()
            .flatten()
            .map(latin1)
            .collect();
        let policy = match policy(case) {
            Ok(policy) => policy,
            Err(error) if case["expect"] == "allow" => return Err(error.to_string()),
            Err(_) => return Ok(()),
        };
        let request = lines.iter().fold(Request::new("GET"), |request, line| {
            request.header("Origin", line)
        });
        let decision = policy.evaluate(&request);
        let origin = decision
            .headers()
            .find(|header| header.name.lower() == "access-control-allow-origin")
            .map(|header| header.value);
        same(
            "expect",
            &case["expect"],
            &json!(if origin.is_some() { "allow" } else { "deny" }),
        )?;
        if case.get("acao").is_some() {
            same("acao", &case["acao"], &json!(origin))?;
        }
        if case["linear"] == true {
            linear(&policy, &lines[0])?;
        }
        Ok(())
    });
}

/// The line with what it is full of, its middle byte, so often more that it is `times` as long.
fn grown(line: &[u8], times: usize) -> Vec<u8> {
    let (head, tail) = line.split_at(line.len() / 2);
    let more = vec![tail[0]; line.len() * (times - 1)];
    [head, &more, tail].concat()
}

/// Once with an Origin 32 times as long takes about as long as 32 times with this one; something
/// quadratic takes 32 times as long. What is exponential never ends.
#[cfg(unix)]
fn linear(policy: &Policy, line: &[u8]) -> Result<(), String> {
    let cost = |times: usize| {
        let line = grown(line, times);
        let request = Request::new("GET").header("Origin", &line);
        cpu_time::least(|| {
            for _ in 0..32 / times {
                std::hint::black_box(policy.evaluate(&request));
            }
        })
    };
    let (short, long) = (cost(1), cost(32));
    if long > 8 * short.max(std::time::Duration::from_micros(200)) {
        return Err(format!("{short:?} in 32 parts, {long:?} in one"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn linear(policy: &Policy, line: &[u8]) -> Result<(), String> {
    policy.evaluate(&Request::new("GET").header("Origin", &grown(line, 32)));
    Ok(())
}

fn described(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(Problem::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

fn check_config(case: &Value, built: Result<Policy, PolicyError>) -> Result<(), String> {
    let problems: Vec<Problem> = match &built {
        Ok(policy) => [policy.warnings(), policy.notes()].concat(),
        Err(error) => error.problems().to_vec(),
    };
    let outcome = match &built {
        Err(_) => "error",
        Ok(policy) if !policy.warnings().is_empty() => "warn",
        Ok(policy) if !policy.notes().is_empty() => "note",
        Ok(_) => "ok",
    };
    let explain = |error: String| format!("{error} [{}]", described(&problems));
    same("expect", &case["expect"], &json!(outcome)).map_err(explain)?;
    if let Some(code) = case["code"].as_str() {
        let severity = match outcome {
            "error" => Severity::Error,
            "warn" => Severity::Warning,
            _ => Severity::Note,
        };
        // Other codes may also say it.
        let others = case["or"].as_array().into_iter().flatten();
        let others: Vec<&str> = others.filter_map(Value::as_str).collect();
        let is_meant = |problem: &Problem| {
            problem.code.as_str() == code || others.contains(&problem.code.as_str())
        };
        let found = problems
            .iter()
            .filter(|problem| is_meant(problem) && problem.severity == severity);
        let fits = |key: &str, text: Option<&str>| {
            case.get(key)
                .is_none_or(|expected| expected.as_str() == text)
        };
        if !found.clone().any(|problem| {
            fits("path", Some(&problem.path)) && fits("hint", problem.hint.as_deref())
        }) {
            return Err(explain(format!(
                "no problem {code} with path {} and hint {}",
                case["path"], case["hint"]
            )));
        }
    }
    if let Some(expected) = case.get("problems") {
        let mut found: Vec<_> = problems
            .iter()
            .map(|problem| format!("{} {}", problem.severity, problem.code))
            .collect();
        found.sort();
        same("problems", expected, &json!(found)).map_err(explain)?;
    }
    if let Ok(policy) = &built {
        let text = policy.document().to_json();
        let document: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        for (key, expected) in case["document"].as_object().into_iter().flatten() {
            same(key, expected, &document[key])?;
        }
        let again = Policy::from_json(&text)
            .map_err(|error| format!("the policy's own document: {error}"))?;
        same(
            "the policy of its own document",
            &json!(format!("{:?}", policy.document())),
            &json!(format!("{:?}", again.document())),
        )?;
        let toml = Policy::from_toml(&policy.document().to_toml())
            .map_err(|error| format!("the policy's own document as TOML: {error}"))?;
        assert_eq!(*policy, toml);
    }
    Ok(())
}

#[test]
fn contract_configs() {
    run("contract/configs.jsonl", |case| {
        check_config(case, policy(case))
    });
}

#[test]
fn contract_lint() {
    run("contract/lint.jsonl", |case| {
        check_config(case, policy(case))
    });
}

#[test]
fn configs() {
    run("configs.jsonl", |case| check_config(case, policy(case)));
}

#[test]
fn documents() {
    run("documents.jsonl", |case| {
        let text = case["text"].as_str().unwrap_or_default();
        check_config(
            case,
            if case["format"] == "toml" {
                Policy::from_toml(text)
            } else {
                Policy::from_json(text)
            },
        )
    });
}

#[test]
fn websocket() {
    run("websocket.jsonl", |case| {
        let policy = policy(case).map_err(|error| error.to_string())?;
        let lines: Vec<Vec<u8>> = case["origin_lines"]
            .as_array()
            .into_iter()
            .flatten()
            .map(latin1)
            .collect();
        let mut origin = Field::ABSENT;
        lines.iter().for_each(|line| origin.push(line));
        let access = if case["public"] == true {
            SocketAccess::Public
        } else {
            SocketAccess::Private
        };
        let found = policy
            .check_websocket_with(origin, access, verdict(&case["verdict"]))
            .map_err(|error| error.to_string())?;
        if case["verdict"].is_null() {
            assert_eq!(policy.check_websocket(origin, access), found);
        }
        same(
            "expect",
            &case["expect"],
            &json!(WebSocketCheck::as_str(found)),
        )
    });
}

/// An answer as a vector spells it.
fn answer(value: &Value) -> Answer<'_> {
    match value {
        Value::Bool(true) => Answer::Yes,
        Value::Bool(false) | Value::Null => Answer::No,
        Value::Number(_) => Answer::Other("number"),
        Value::String(text) => Answer::Text(text),
        Value::Array(values) => Answer::List(values.iter().map(answer).collect()),
        Value::Object(fields) => match fields.get("regex").and_then(Value::as_str) {
            Some(source) => Answer::Regex {
                source,
                flags: fields["flags"].as_str().unwrap_or_default(),
                dialect: RegexDialect::JavaScript,
            },
            None => Answer::Other(fields["other"].as_str().unwrap_or_default()),
        },
    }
}

#[test]
fn answers() {
    run("answers.jsonl", |case| {
        let policy = policy(case).map_err(|error| error.to_string())?;
        let origin = case["origin"].as_str().unwrap_or_default();
        let socket = match case["socket"].as_str() {
            Some("private") => Some(SocketAccess::Private),
            Some("public") => Some(SocketAccess::Public),
            _ => None,
        };
        let judged = judge(&policy, origin, socket, &answer(&case["answer"]));
        let allowed = match socket {
            Some(access) => {
                let field = Field::one(origin.as_bytes());
                policy.check_websocket_with(field, access, Some(judged.verdict))
                    == Ok(WebSocketCheck::Allow)
            }
            None => {
                let request = Request::new("GET").header("Origin", origin);
                let Evaluation::NeedsVerdict(open) = policy.begin(&request) else {
                    return Err("nothing is asked".to_owned());
                };
                open.resume(Some(judged.verdict)).allowed() == Some(true)
            }
        };
        let found = if allowed { "allow" } else { "deny" };
        same("expect", &case["expect"], &json!(found))?;
        same("told", &case["told"], &json!(judged.fault.is_some()))
    });
}

#[test]
fn responses() {
    run("responses.jsonl", |case| {
        let policy = policy(case).map_err(|error| error.to_string())?;
        let pairs = |value: &Value| -> Vec<(String, String)> {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let pairs = value.as_array().into_iter().flatten();
            pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
        };
        let headers = pairs(&case["request"]["headers"]);
        let method = case["request"]["method"].as_str().unwrap_or_default();
        let headers = headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()));
        let request = Request::from_pairs(method.as_bytes(), headers);
        let mut response = pairs(&case["response"]);
        let overwrote = policy.evaluate(&request).apply(&mut response);
        // The lines of one name stay in their order.
        response.sort_by(|one, other| one.0.cmp(&other.0));
        same("response", &case["expect"], &json!(response))?;
        same("overwrote", &case["overwrote"], &json!(overwrote))?;
        // Doing it twice is as good as once.
        policy.evaluate(&request).apply(&mut response);
        response.sort_by(|one, other| one.0.cmp(&other.0));
        same(
            "response after the second time",
            &case["expect"],
            &json!(response),
        )
    });
}

/// The files of the contract that the tests above run.
const CONTRACT: [&str; 3] = ["configs.jsonl", "lint.jsonl", "origins.jsonl"];

/// The copies that a release is tested with are those of the contract, where that lies beside the
/// project, and there is no copy that is not run.
#[test]
fn contract_copies_are_current() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let copies = root.join("tests/vectors/contract");
    let mut names: Vec<_> = std::fs::read_dir(&copies)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, CONTRACT);
    for name in CONTRACT {
        if let Ok(original) = std::fs::read(root.join("../shared/vectors").join(name)) {
            assert!(
                original == std::fs::read(copies.join(name)).unwrap(),
                "tests/vectors/contract/{name} differs from the contract's"
            );
        }
    }
}

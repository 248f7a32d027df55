//! Policies from files: what decides how they are read, and what is said of files that are no
//! policy.

use std::path::PathBuf;

use crossgate::{LoadError, Policy, ProblemCode};

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).expect("the folder for tests is writable");
    path
}

#[test]
fn the_ending_decides() {
    let json = Policy::from_file(file(
        "a.json",
        br#"{"allow_origins": ["https://a.example"]}"#,
    ))
    .unwrap();
    let toml = Policy::from_file(file(
        "a.TOML",
        b"\xef\xbb\xbfallow_origins = ['https://a.example']",
    ))
    .unwrap();
    assert_eq!(json, toml);
    let error = Policy::from_file(file("a.yaml", b"")).unwrap_err();
    assert!(
        matches!(&error, LoadError::Io { .. }) && error.to_string().contains(".json or .toml"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Policy::from_file("/no/such/policy.json").unwrap_err();
    assert!(
        error.to_string().contains("/no/such/policy.json"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_text_is_an_invalid_document() {
    let LoadError::Policy(error) =
        Policy::from_file(file("b.json", b"{\n  \"allow_origins\": \"\xff\"")).unwrap_err()
    else {
        panic!("not the file's fault")
    };
    assert_eq!(error.problems()[0].code, ProblemCode::DocumentInvalid);
    assert!(
        error.problems()[0].message.contains("line 2, column 21"),
        "{error}"
    );
}

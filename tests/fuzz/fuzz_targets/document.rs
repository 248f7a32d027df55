//! Any text as a policy document: nothing panics, every problem is written out, and what is built
//! is stable: its own document gives an equal policy.
#![no_main]

use crossgate::{Policy, PolicyError};
use libfuzzer_sys::fuzz_target;

fn check(built: Result<Policy, PolicyError>) {
    match built {
        Ok(policy) => {
            let again =
                Policy::from_document(&policy.document()).expect("the canonical document builds");
            assert_eq!(again, policy);
            assert_eq!(again.digest(), policy.digest());
        }
        Err(error) => {
            assert!(!error.problems().is_empty());
            let text = error.to_string();
            for problem in error.problems() {
                assert!(text.contains(problem.code.as_str()));
                assert!(
                    !problem.value.contains(char::is_control),
                    "{:?}",
                    problem.value
                );
            }
        }
    }
}

fuzz_target!(|text: &str| {
    check(Policy::from_json(text));
    check(Policy::from_toml(text));
});

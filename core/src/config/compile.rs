//! From judged options to the compiled policy.

use foldhash::fast::RandomState;

use super::check::Check;
use super::document::Document;
use super::options::Options;
use crate::policy::digest::PolicyDigest;
use crate::policy::header_set::{HeaderSetSettings, HeaderSets};
use crate::policy::requested_headers::NameRule;
use crate::policy::settings::{DeniedActual, SafetyException};
use crate::policy::vary::Vary;
use crate::policy::{Configured, Policy};
use crate::problem::{PolicyError, Problems, Severity};

/// Builds the policy, or says everything that is wrong.
pub(crate) fn compile(options: &Options, problems: Problems) -> Result<Policy, PolicyError> {
    let misread = ["allow_origin", "origin_predicate", "allow_credentials"]
        .iter()
        .any(|option| problems.has_path(option));
    let mut check = Check {
        options,
        problems,
        misread,
        needed: Vec::new(),
        exceptions: Vec::new(),
        steps: 0,
    };
    let policy = check.policy();
    #[cfg(test)]
    STEPS.set(check.steps);
    let problems = check.problems;
    if problems.error_count() > 0 {
        return Err(PolicyError::new(problems));
    }
    let omitted_problems = problems.omitted();
    let (notes, warnings) = problems
        .into_vec()
        .into_iter()
        .partition(|problem| problem.severity == Severity::Note);
    Ok(Policy {
        warnings,
        notes,
        omitted_problems,
        digest: PolicyDigest::of(&policy),
        ..policy
    })
}

/// Types a document and builds the policy. `problems` were found while it was read.
pub(super) fn compile_document(
    document: &Document,
    mut problems: Problems,
) -> Result<Policy, PolicyError> {
    let options = Options::read(document, &mut problems);
    compile(&options, problems)
}

impl Check<'_> {
    fn policy(&mut self) -> Policy {
        self.read_exceptions();
        let options = self.options;
        let credentials = options.allow_credentials;
        let any_origin = options.allow_origins.iter().any(|item| item.text == "*");
        let (mut matcher, places) = self.origins();
        let regexes = self.regexes(&mut matcher);
        matcher.refuse_insecure = credentials
            && !self
                .exceptions
                .contains(&SafetyException::InsecureOriginsWithCredentials);
        self.whole_origins(any_origin);
        let methods = self.allow_methods();
        let allow_headers = self.allow_headers();
        let expose_headers = self.expose_headers();
        let max_age = self.max_age();
        let preflight_status =
            self.status("preflight_status", options.preflight_status.as_ref(), 204);
        let denied_preflight_status = self.status(
            "denied_preflight_status",
            options.denied_preflight_status.as_ref(),
            403,
        );
        let own_origins = self.own_origins();
        self.denied_actual(any_origin, &own_origins);
        let fixed_origin = self.single_origin(any_origin, &matcher);
        self.private_network(any_origin);
        let exceptions = self.needed_exceptions();

        let names = NameRule::new(allow_headers.clone(), credentials);
        let vary = Vary::new(
            fixed_origin.is_some(),
            matches!(names, NameRule::Echo),
            options.allow_private_network,
        );
        let header_sets = HeaderSets::new(&HeaderSetSettings {
            origin: fixed_origin.as_deref(),
            credentials,
            methods: &methods,
            allow_headers: &allow_headers,
            expose_headers: &expose_headers,
            max_age,
            private_network: options.allow_private_network,
            vary: &vary,
            separator: options.list_separator,
        });
        Policy {
            any_origin,
            constant: fixed_origin.is_some(),
            allow_null_origin: options.allow_null_origin,
            origin_predicate: options.origin_predicate,
            matcher,
            own_origins,
            echoes_method: methods.any && credentials,
            methods,
            names,
            allow_private_network: options.allow_private_network,
            list_separator: options.list_separator,
            preflight_status,
            denied_preflight_status,
            rejects: options.denied_actual == DeniedActual::Reject,
            upstream: options.upstream,
            header_sets,
            seed: RandomState::default(),
            configured: Configured {
                pattern_places: places,
                regexes,
                allow_headers: allow_headers.list,
                expose_headers,
                allow_credentials: credentials,
                max_age,
                single_origin: options.single_origin,
                exceptions,
            },
            warnings: Vec::new(),
            notes: Vec::new(),
            omitted_problems: 0,
            digest: PolicyDigest::default(),
            #[cfg(any(feature = "tower", feature = "actix"))]
            attachments: Default::default(),
        }
    }
}

#[cfg(test)]
thread_local! {
    /// The steps of the last judgement.
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(all(test, feature = "regex"))]
mod tests {
    use super::*;
    use crate::origin::regex::reach::MAX_STEPS;

    fn steps(origins: &[String], regexes: &[String]) -> usize {
        let builder = Policy::builder()
            .allow_origins(origins)
            .allow_origin_regexes(regexes);
        let _ = builder.allow_credentials(true).build();
        STEPS.get()
    }

    /// Entries are compared with each other up to a number of them; a regex costs no more beside
    /// many, whatever is wrong with it and however many hints are tried.
    #[test]
    fn judging_takes_bounded_steps() {
        let all = |count: usize, entry: fn(usize) -> String| (0..count).map(entry).collect();
        let kinds: [fn(usize) -> String; 4] = [
            |n| format!("https://*.a{n}.example"),
            |n| format!("https://p{n}-{{digits}}.a.example"),
            |n| format!("http://a{n}.example:*"),
            |n| format!("https://a{n}.example/"),
        ];
        for kind in kinds {
            for count in [100, 512, 513, 5_000] {
                let entries: Vec<String> = all(count, kind);
                assert!(steps(&entries, &[]) <= 512 * 512, "{}: {count}", entries[0]);
            }
        }
        let hostile: [fn(usize) -> String; 5] = [
            |n| format!("http://(.*{n})*([a-z]+\\.)*example\\.com"),
            |n| format!("{n}|https?://.*(a|b|c|.)*"),
            |n| format!("/^https:\\/\\/(.*a{n}?)*:443$/i"),
            |n| format!("https://A{n}(X|.*Y)*/"),
            |n| format!("https://(a|b.?|c){{1,9}}{n}\\.com"),
        ];
        for kind in hostile {
            let one = steps(&[], &all(1, kind));
            // A judgement, hints that take as much as one, and the one that takes too much.
            assert!(one <= 3 * MAX_STEPS, "{}: {one}", kind(0));
            assert!(one > 1_000, "{}: {one}", kind(0));
            assert!(steps(&[], &all(6, kind)) <= 18 * MAX_STEPS, "{}", kind(0));
        }
    }
}

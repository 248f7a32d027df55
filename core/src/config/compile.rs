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
    };
    let policy = check.policy();
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

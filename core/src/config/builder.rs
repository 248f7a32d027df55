//! The policy builder: one method an option.

use super::compile::compile;
use super::document::{Document, OptionValue};
use super::options::{Options, items, regex_items};
use crate::policy::Policy;
use crate::policy::settings::{
    DeniedActual, ListSeparator, SafetyException, SingleOrigin, UpstreamHeaders,
};
use crate::problem::{PolicyError, Problems};

impl Policy {
    /// Builds a policy from a document.
    ///
    /// # Errors
    /// Every problem of the document.
    pub fn from_document(document: &Document) -> Result<Policy, PolicyError> {
        PolicyBuilder::from_document(document).build()
    }

    /// Starts a policy; the methods are named as the options of the document.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }
}

/// Builds a [`Policy`]. Options that are not set keep their defaults; lists replace what was set
/// before.
///
/// ```
/// use crossgate::Policy;
/// let error = Policy::builder().allow_origins(["*"]).allow_credentials(true).build().unwrap_err();
/// assert_eq!(error.problems()[0].code.as_str(), "any_with_credentials");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct PolicyBuilder {
    options: Options,
    /// What was found while a document was read.
    problems: Problems,
}

impl PolicyBuilder {
    /// Starts from a document. What is wrong with its names and types is reported by
    /// [`PolicyBuilder::build`].
    pub fn from_document(document: &Document) -> Self {
        let mut problems = Problems::default();
        PolicyBuilder {
            options: Options::read(document, &mut problems),
            problems,
        }
    }

    /// Exact origins and patterns, or `["*"]` for everybody.
    ///
    /// ```
    /// use crossgate::{Policy, Request};
    /// let everybody = Policy::builder().allow_origins(["*"]).build()?;
    /// let request = Request::new("GET").header("Origin", "https://any.example");
    /// assert_eq!(everybody.evaluate(&request).allowed(), Some(true));
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    #[doc(alias = "allow_any_origin")]
    pub fn allow_origins<S: Into<String>>(mut self, origins: impl IntoIterator<Item = S>) -> Self {
        self.options.allow_origins = items(origins);
        self
    }

    /// Regexes that match the whole origin.
    pub fn allow_origin_regexes<S: Into<String>>(
        mut self,
        regexes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.options.allow_origin_regexes = regex_items(regexes);
        self
    }

    /// Opaque origins (`Origin: null`). Never with credentials.
    pub fn allow_null_origin(mut self, allow: bool) -> Self {
        self.options.allow_null_origin = allow;
        self
    }

    /// The application may allow further origins at request time, see [`Policy::begin`].
    pub fn origin_predicate(mut self, ask: bool) -> Self {
        self.options.origin_predicate = ask;
        self
    }

    /// Methods beyond GET, HEAD and POST, or `["*"]`.
    pub fn allow_methods<S: Into<String>>(mut self, methods: impl IntoIterator<Item = S>) -> Self {
        self.options.allow_methods = items(methods);
        self
    }

    /// Request-header names; `*` may stand beside them.
    pub fn allow_headers<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.options.allow_headers = items(names);
        self
    }

    /// Response-header names that script may read beyond the safelisted ones, or `["*"]`.
    pub fn expose_headers<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.options.expose_headers = items(names);
        self
    }

    /// Whether responses to requests with cookies, client certificates or HTTP authentication may
    /// be read.
    pub fn allow_credentials(mut self, allow: bool) -> Self {
        self.options.allow_credentials = allow;
        self
    }

    /// How many seconds browsers may keep a preflight, 0 to 86400. Not set: they use 5.
    pub fn max_age(mut self, seconds: u32) -> Self {
        self.options.max_age = Some(OptionValue::Int(seconds.into()));
        self
    }

    /// The status of an answered preflight; 204 if not set.
    pub fn preflight_status(mut self, status: u16) -> Self {
        self.options.preflight_status = Some(OptionValue::Int(status.into()));
        self
    }

    /// The status of a preflight whose origin is not allowed; 403 if not set.
    pub fn denied_preflight_status(mut self, status: u16) -> Self {
        self.options.denied_preflight_status = Some(OptionValue::Int(status.into()));
        self
    }

    /// What happens to an actual request whose origin is not allowed.
    pub fn denied_actual(mut self, denied: DeniedActual) -> Self {
        self.options.denied_actual = denied;
        self
    }

    /// The server's own public origins.
    pub fn own_origins<S: Into<String>>(mut self, origins: impl IntoIterator<Item = S>) -> Self {
        self.options.own_origins = items(origins);
        self
    }

    /// Whether one exact origin is matched or sent always.
    pub fn single_origin(mut self, single: SingleOrigin) -> Self {
        self.options.single_origin = single;
        self
    }

    /// What happens to CORS headers that the application or an upstream set.
    pub fn upstream(mut self, upstream: UpstreamHeaders) -> Self {
        self.options.upstream = upstream;
        self
    }

    /// Answers the legacy Private Network Access request header.
    pub fn allow_private_network(mut self, allow: bool) -> Self {
        self.options.allow_private_network = allow;
        self
    }

    /// Named exceptions to safety rules.
    pub fn dangerously_allow(mut self, gates: impl IntoIterator<Item = SafetyException>) -> Self {
        self.options.dangerously_allow = items(gates.into_iter().map(SafetyException::as_str));
        self
    }

    /// What stands between the names that the answer lists; no part of the document.
    pub fn list_separator(mut self, separator: ListSeparator) -> Self {
        self.options.list_separator = separator;
        self
    }

    /// Compiles the policy.
    ///
    /// # Errors
    /// Every problem of the options, warnings included.
    pub fn build(&self) -> Result<Policy, PolicyError> {
        compile(&self.options, self.problems.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;

    #[test]
    fn the_list_separator_is_no_part_of_the_document_but_of_the_policy() {
        let document = Document::from_iter([
            ("allow_origins", OptionValue::from("*")),
            (
                "allow_methods",
                OptionValue::List(vec!["PUT".into(), "DELETE".into()]),
            ),
            (
                "allow_headers",
                OptionValue::List(vec!["X-A".into(), "X-B".into()]),
            ),
        ]);
        let build = |separator| {
            PolicyBuilder::from_document(&document)
                .list_separator(separator)
                .build()
                .unwrap()
        };
        let (wide, narrow) = (
            build(ListSeparator::CommaSpace),
            build(ListSeparator::Comma),
        );
        let request = Request::new("OPTIONS")
            .header("Origin", "https://a.example")
            .header("Access-Control-Request-Method", "PUT");
        let lists = |policy: &Policy| {
            policy
                .evaluate(&request)
                .headers()
                .map(|header| header.value.to_owned())
                .collect::<Vec<_>>()[1..3]
                .to_vec()
        };
        assert_eq!(lists(&wide), ["PUT, DELETE", "X-A, X-B"]);
        assert_eq!(lists(&narrow), ["PUT,DELETE", "X-A,X-B"]);
        assert_eq!(wide.document(), narrow.document());
        assert!(wide != narrow && wide == Policy::from_document(&document).unwrap());
    }

    #[test]
    fn what_a_document_has_wrong_is_said_when_the_policy_is_built() {
        let document = Document::from_iter([("alow_origins", OptionValue::from("*"))]);
        let error = PolicyBuilder::from_document(&document).build().unwrap_err();
        assert!(
            error
                .problems()
                .iter()
                .any(|problem| problem.code.as_str() == "unknown_option"),
            "{error}"
        );
    }
}

//! The canonical document of a policy: every option, origins and methods as browsers write them.

use super::document::{Document, OptionValue};
use crate::policy::Policy;
use crate::policy::settings::DeniedActual;

impl Policy {
    /// The canonical document: every option, origins and methods as browsers write them, nothing
    /// twice. A policy built from it is equal to this one.
    ///
    /// ```
    /// use crossgate::{OptionValue, Policy};
    /// let policy = Policy::builder()
    ///     .allow_origins(["HTTPS://A.example:443", "https://a.example"])
    ///     .build()?;
    /// assert_eq!(
    ///     policy.document().get("allow_origins"),
    ///     Some(&OptionValue::List(vec!["https://a.example".into()]))
    /// );
    /// assert_eq!(Policy::from_document(&policy.document())?, policy);
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn document(&self) -> Document {
        let mut origins =
            Vec::with_capacity(self.matcher.exact.len() + self.configured.pattern_places.len());
        self.each_written_origin(|origin| origins.push(OptionValue::from(origin)));
        self.document_with(if self.any_origin {
            OptionValue::from("*")
        } else {
            OptionValue::List(origins)
        })
    }

    /// The document with this as `allow_origins`.
    pub(crate) fn document_with(&self, allow_origins: OptionValue) -> Document {
        let configured = &self.configured;
        let number = |n: u32| OptionValue::Int(i64::from(n));
        let text = |text: &str| OptionValue::Str(text.to_owned());
        let mut document = Document::new();
        document.push("allow_origins", allow_origins);
        document.push("allow_origin_regexes", list(configured.regexes.iter()));
        document.push(
            "allow_null_origin",
            OptionValue::Bool(self.allow_null_origin),
        );
        document.push("origin_predicate", OptionValue::Bool(self.origin_predicate));
        document.push(
            "allow_methods",
            if self.methods.any {
                text("*")
            } else {
                list(self.methods.list.iter())
            },
        );
        document.push("allow_headers", any_or_list(&configured.allow_headers));
        document.push(
            "expose_headers",
            any_or_list(&configured.expose_headers.list),
        );
        document.push(
            "allow_credentials",
            OptionValue::Bool(configured.allow_credentials),
        );
        document.push(
            "max_age",
            configured.max_age.map_or(OptionValue::Null, number),
        );
        document.push("preflight_status", number(self.preflight_status.into()));
        document.push(
            "denied_preflight_status",
            number(self.denied_preflight_status.into()),
        );
        let denied_actual = if self.rejects {
            DeniedActual::Reject
        } else {
            DeniedActual::Forward
        };
        document.push("denied_actual", text(denied_actual.as_str()));
        document.push("own_origins", list(self.own_origins.iter()));
        document.push("single_origin", text(configured.single_origin.as_str()));
        document.push("upstream", text(self.upstream.as_str()));
        document.push(
            "allow_private_network",
            OptionValue::Bool(self.allow_private_network),
        );
        document.push(
            "dangerously_allow",
            list(
                configured
                    .exceptions
                    .iter()
                    .map(|exception| exception.as_str()),
            ),
        );
        document
    }

    /// The entries of `allow_origins` in their configured order, unless they are `*`.
    pub(crate) fn each_written_origin(&self, mut each: impl FnMut(&str)) {
        let mut patterns = self
            .matcher
            .patterns
            .list()
            .iter()
            .zip(&self.configured.pattern_places)
            .peekable();
        for (index, origin) in self.matcher.exact.iter().enumerate() {
            while let Some((pattern, _)) = patterns.next_if(|(_, place)| **place <= index) {
                each(&pattern.to_string());
            }
            each(origin);
        }
        patterns.for_each(|(pattern, _)| each(&pattern.to_string()));
    }
}

fn list<S: Into<String> + AsRef<str>>(texts: impl IntoIterator<Item = S>) -> OptionValue {
    OptionValue::List(
        texts
            .into_iter()
            .map(|text| OptionValue::from(text.as_ref()))
            .collect(),
    )
}

fn any_or_list(names: &[String]) -> OptionValue {
    if names == ["*"] {
        OptionValue::from("*")
    } else {
        list(names)
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.list_separator == other.list_separator && self.document() == other.document()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::option_names::OPTION_NAMES;
    use crate::policy::Policy;

    /// An option that is missing here would be lost in the digest and when policies are compared.
    #[test]
    fn the_document_has_every_option_in_order() {
        let policy = Policy::builder().allow_origins(["*"]).build().unwrap();
        let document = policy.document();
        let names: Vec<&str> = document.entries().iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, OPTION_NAMES);
    }
}

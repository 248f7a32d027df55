//! A policy document from environment variables.

use super::compile::compile_document;
use super::document::{Document, OptionValue};
use super::option_names::{self, OPTION_NAMES};
use crate::policy::Policy;
use crate::problem::{PolicyError, ProblemCode, Problems};

impl Policy {
    /// Builds a policy from environment variables: `PREFIX_ALLOW_ORIGINS`,
    /// `PREFIX_ALLOW_CREDENTIALS` and so on. Lists are split at commas and trimmed,
    /// `PREFIX_ALLOW_ORIGIN_REGEXES` at line breaks only. A variable whose name is nearly an
    /// option's is an error.
    ///
    /// # Errors
    /// Every problem of the values.
    ///
    /// ```
    /// // Nothing is set: nobody is allowed, and that is an error.
    /// let error = crossgate::Policy::from_env("CROSSGATE_DOC_EXAMPLE").unwrap_err();
    /// assert_eq!(error.problems()[0].code.as_str(), "origins_empty");
    /// ```
    pub fn from_env(prefix: &str) -> Result<Policy, PolicyError> {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((
                name.into_string().ok()?,
                value.to_string_lossy().into_owned(),
            ))
        });
        Self::from_variables(prefix, variables)
    }

    /// As [`Policy::from_env`], from given variables.
    ///
    /// # Errors
    /// As [`Policy::from_env`].
    ///
    /// ```
    /// use crossgate::Policy;
    /// let variables = [(
    ///     "CORS_ALLOW_ORIGINS".to_string(),
    ///     "https://a.example, https://b.example".to_string(),
    /// )];
    /// assert!(Policy::from_variables("CORS", variables).is_ok());
    /// ```
    pub fn from_variables(
        prefix: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Policy, PolicyError> {
        let mut problems = Problems::default();
        let document = read(prefix, variables, &mut problems);
        compile_document(&document, problems)
    }
}

/// The kind of value that an option takes, as far as text must be turned into it.
enum ValueKind {
    List,
    /// One a line: a regex may hold commas.
    Lines,
    Bool,
    Number,
    Text,
}

fn kind(name: &str) -> ValueKind {
    match name {
        "allow_null_origin"
        | "origin_predicate"
        | "allow_credentials"
        | "allow_private_network" => ValueKind::Bool,
        "max_age" | "preflight_status" | "denied_preflight_status" => ValueKind::Number,
        "denied_actual" | "single_origin" | "upstream" => ValueKind::Text,
        "allow_origin_regexes" => ValueKind::Lines,
        _ => ValueKind::List,
    }
}

/// Reads `PREFIX_ALLOW_ORIGINS`, … from the given variables. Lists are split at commas, regexes at
/// line breaks, and trimmed; empty parts are left out. A name that is nearly an
/// option's is an error; others under the prefix belong to somebody else.
fn read(
    prefix: &str,
    variables: impl IntoIterator<Item = (String, String)>,
    problems: &mut Problems,
) -> Document {
    let prefix = if prefix.is_empty() || prefix.ends_with('_') {
        prefix.to_owned()
    } else {
        format!("{prefix}_")
    };
    let mut variables: Vec<_> = variables
        .into_iter()
        .filter(|(name, _)| name.starts_with(&prefix))
        .collect();
    variables.sort();
    let mut document = Document::new();
    for (variable, text) in variables {
        let name = variable[prefix.len()..].to_ascii_lowercase();
        if OPTION_NAMES.contains(&name.as_str()) {
            if let Some(value) = value(&name, text.trim()) {
                document.push(name, value);
            }
        } else if !prefix.is_empty()
            && let Some(ours) = option_names::nearest(&name)
        {
            let hint = format!("{prefix}{}", ours.to_ascii_uppercase());
            problems.error(
                ProblemCode::UnknownOption,
                &variable,
                &text,
                "there is no such option",
                Some(hint),
            );
        }
    }
    document
}

fn value(name: &str, text: &str) -> Option<OptionValue> {
    Some(match kind(name) {
        ValueKind::List if text == "*" => OptionValue::Str("*".into()),
        ValueKind::List => parts(text.split(',')),
        ValueKind::Lines => parts(text.lines()),
        // An empty scalar is a variable that was not meant to be set.
        _ if text.is_empty() => return None,
        ValueKind::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => OptionValue::Bool(true),
            "false" | "0" | "no" | "off" => OptionValue::Bool(false),
            _ => OptionValue::Str(text.to_owned()),
        },
        ValueKind::Number => match text.parse::<i64>() {
            Ok(number) => OptionValue::Int(number),
            // Digits that fit no integer are a number all the same.
            Err(_) => match text.parse::<f64>() {
                Ok(number) if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
                    OptionValue::Float(number)
                }
                _ => OptionValue::Str(text.to_owned()),
            },
        },
        ValueKind::Text => OptionValue::Str(text.to_owned()),
    })
}

fn parts<'t>(parts: impl Iterator<Item = &'t str>) -> OptionValue {
    let parts = parts.map(str::trim).filter(|part| !part.is_empty());
    OptionValue::List(parts.map(OptionValue::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_pairs(pairs: &[(&str, &str)]) -> (Document, Vec<crate::Problem>) {
        let mut problems = Problems::default();
        let document = read(
            "CORS",
            pairs
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
            &mut problems,
        );
        (document, problems.into_vec())
    }

    #[test]
    fn lists_are_split_and_trimmed() {
        let (document, problems) = read_pairs(&[
            (
                "CORS_ALLOW_ORIGINS",
                " https://a.example , https://b.example,",
            ),
            ("CORS_ALLOW_CREDENTIALS", "1"),
            ("CORS_MAX_AGE", "600"),
            ("CORS_UPSTREAM", ""),
            ("CORS_WORKERS", "4"),
            ("PATH", "/bin"),
        ]);
        assert!(problems.is_empty());
        assert_eq!(
            document.get("allow_origins"),
            Some(&OptionValue::List(vec![
                "https://a.example".into(),
                "https://b.example".into()
            ]))
        );
        assert_eq!(
            document.get("allow_credentials"),
            Some(&OptionValue::Bool(true))
        );
        assert_eq!(document.get("max_age"), Some(&OptionValue::Int(600)));
        assert_eq!(document.entries().len(), 3);
    }

    #[test]
    fn regexes_are_split_at_line_breaks_alone() {
        let regexes = "https://a{1,3}\\.example\r\n  https://b,c\\.example \n\n";
        let (document, problems) = read_pairs(&[("CORS_ALLOW_ORIGIN_REGEXES", regexes)]);
        assert!(problems.is_empty());
        assert_eq!(
            document.get("allow_origin_regexes"),
            Some(&OptionValue::List(vec![
                "https://a{1,3}\\.example".into(),
                "https://b,c\\.example".into()
            ]))
        );
    }

    #[test]
    fn a_near_miss_is_an_error() {
        let (_, problems) = read_pairs(&[("CORS_ALLOWED_ORIGINS", "*")]);
        assert_eq!(
            (problems[0].code, problems[0].hint.as_deref()),
            (ProblemCode::UnknownOption, Some("CORS_ALLOW_ORIGINS"))
        );
    }

    /// The document that a policy gives has a value of every option, of the kind that is read here.
    #[test]
    fn every_option_is_read_as_what_it_is() {
        let policy = Policy::builder()
            .allow_origins(["https://a.example"])
            .max_age(1);
        let document = policy.build().unwrap().document();
        for (name, expected) in document.entries() {
            let text = match expected {
                OptionValue::List(_) => "a,b\nc".to_owned(),
                scalar => scalar.shown(),
            };
            let variable = format!("CORS_{}", name.to_ascii_uppercase());
            let (read, problems) = read_pairs(&[(&variable, &text)]);
            assert!(problems.is_empty(), "{name}");
            let found = read.get(name).map(OptionValue::type_name);
            assert_eq!(found, Some(expected.type_name()), "{name}");
        }
    }
}

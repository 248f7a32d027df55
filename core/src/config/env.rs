//! A policy document from environment variables.

use super::document::{Document, Value};
use super::options::{self, NAMES};
use crate::problem::{Code, Problems};

/// The kind of value that an option takes, as far as text must be turned into it.
enum Kind {
    List,
    Bool,
    Number,
    Text,
}

fn kind(name: &str) -> Kind {
    match name {
        "allow_null_origin" | "host_origins" | "allow_credentials" | "allow_private_network" => {
            Kind::Bool
        }
        "max_age" | "preflight_status" | "denied_preflight_status" => Kind::Number,
        "denied_actual" | "single_origin" | "upstream" => Kind::Text,
        _ => Kind::List,
    }
}

/// Reads `PREFIX_ALLOW_ORIGINS`, … from the given variables. Lists are split at commas and trimmed
/// (empty parts are left out), so a regex with a comma needs a file. A name that is nearly an
/// option's is an error; others under the prefix belong to somebody else.
pub(crate) fn read(
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
        if NAMES.contains(&name.as_str()) {
            if let Some(value) = value(&name, text.trim()) {
                document.push(name, value);
            }
        } else if !prefix.is_empty()
            && let Some(ours) = options::nearest(&name)
        {
            let hint = format!("{prefix}{}", ours.to_ascii_uppercase());
            problems.error(
                Code::UnknownOption,
                &variable,
                &text,
                "there is no such option",
                Some(hint),
            );
        }
    }
    document
}

fn value(name: &str, text: &str) -> Option<Value> {
    Some(match kind(name) {
        Kind::List if text == "*" => Value::Str("*".into()),
        Kind::List => Value::List(
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(Value::from)
                .collect(),
        ),
        // An empty scalar is a variable that was not meant to be set.
        _ if text.is_empty() => return None,
        Kind::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Value::Bool(true),
            "false" | "0" | "no" | "off" => Value::Bool(false),
            _ => Value::Str(text.to_owned()),
        },
        Kind::Number => match text.parse::<i64>() {
            Ok(number) => Value::Int(number),
            // Digits that fit no integer are a number all the same.
            Err(_) => match text.parse::<f64>() {
                Ok(number) if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
                    Value::Float(number)
                }
                _ => Value::Str(text.to_owned()),
            },
        },
        Kind::Text => Value::Str(text.to_owned()),
    })
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
            Some(&Value::List(vec![
                "https://a.example".into(),
                "https://b.example".into()
            ]))
        );
        assert_eq!(document.get("allow_credentials"), Some(&Value::Bool(true)));
        assert_eq!(document.get("max_age"), Some(&Value::Int(600)));
        assert_eq!(document.entries().len(), 3);
    }

    #[test]
    fn a_near_miss_is_an_error() {
        let (_, problems) = read_pairs(&[("CORS_ALLOWED_ORIGINS", "*")]);
        assert_eq!(
            (problems[0].code, problems[0].hint.as_deref()),
            (Code::UnknownOption, Some("CORS_ALLOW_ORIGINS"))
        );
    }
}

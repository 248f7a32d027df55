//! The names of the options.

/// Every option's name, in the order of the documentation.
pub(crate) const OPTION_NAMES: [&str; 17] = [
    "allow_origins",
    "allow_origin_regexes",
    "allow_null_origin",
    "origin_predicate",
    "allow_methods",
    "allow_headers",
    "expose_headers",
    "allow_credentials",
    "max_age",
    "preflight_status",
    "denied_preflight_status",
    "denied_actual",
    "own_origins",
    "single_origin",
    "upstream",
    "allow_private_network",
    "dangerously_allow",
];

/// Names that people type from other libraries, and ours.
const ALIASES: [(&str, &str); 15] = [
    ("origin", "allow_origins"),
    ("origins", "allow_origins"),
    ("allowed_origins", "allow_origins"),
    ("allow_origin_regex", "allow_origin_regexes"),
    ("methods", "allow_methods"),
    ("allowed_methods", "allow_methods"),
    ("headers", "allow_headers"),
    ("allowed_headers", "allow_headers"),
    ("request_headers", "allow_headers"),
    ("exposed_headers", "expose_headers"),
    ("response_headers", "expose_headers"),
    ("credentials", "allow_credentials"),
    ("supports_credentials", "allow_credentials"),
    ("credentialed", "allow_credentials"),
    ("options_success_status", "preflight_status"),
];

/// The option that was probably meant.
pub(crate) fn nearest(name: &str) -> Option<String> {
    let mut plain = String::new();
    let mut after_lower = false;
    for c in name.chars().take(64) {
        if c.is_ascii_uppercase() && after_lower {
            plain.push('_');
        }
        after_lower = c.is_ascii_lowercase();
        plain.push(if c == '-' {
            '_'
        } else {
            c.to_ascii_lowercase()
        });
    }
    let plain = plain.as_str();
    if let Some((_, ours)) = ALIASES.iter().find(|(alias, _)| *alias == plain) {
        return Some((*ours).to_owned());
    }
    let (distance, best) = OPTION_NAMES
        .iter()
        .map(|known| (strsim::damerau_levenshtein(plain, known), *known))
        .min()?;
    (distance * 3 <= best.len()).then(|| best.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names() {
        assert_eq!(nearest("allowOrigins").as_deref(), Some("allow_origins"));
        assert_eq!(nearest("allow_orgins").as_deref(), Some("allow_origins"));
        assert_eq!(nearest("allowedHeaders").as_deref(), Some("allow_headers"));
        assert_eq!(nearest("max-age").as_deref(), Some("max_age"));
        assert_eq!(nearest("ALLOW_ORIGINS").as_deref(), Some("allow_origins"));
        assert_eq!(nearest("colour"), None);
    }
}

//! `Vary`: what a response depends on, merged with what the response already says.

/// The `Vary` of a policy: constant for each of its two kinds of method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vary {
    /// For OPTIONS, preflight or not.
    pub(crate) options: String,
    /// For every other method.
    pub(crate) other: Option<&'static str>,
}

impl Vary {
    pub(crate) fn new(constant: bool, echoes_names: bool, private_network: bool) -> Self {
        let mut options = String::from("Origin, Access-Control-Request-Method");
        if echoes_names {
            options.push_str(", Access-Control-Request-Headers");
        }
        if private_network {
            options.push_str(", Access-Control-Request-Private-Network");
        }
        Vary { options, other: (!constant).then_some("Origin") }
    }
}

/// Merges field names into the `Vary` lines that a response has (RFC 9110, 12.5.5): one value, each name once whatever
/// its case, the response's own first. A `*` among them says it all and stays alone.
///
/// ```
/// use crossgate::merge_vary;
/// assert_eq!(merge_vary(["Accept-Encoding, origin"], "Origin, X-A"), "Accept-Encoding, origin, X-A");
/// assert_eq!(merge_vary(["*"], "Origin"), "*");
/// assert_eq!(merge_vary([""], "Origin"), "Origin");
/// ```
pub fn merge_vary<'a>(existing: impl IntoIterator<Item = &'a str>, added: &'a str) -> String {
    merge_tokens(existing, added, true)
}

/// Merges field names into the `Access-Control-Expose-Headers` lines that a response has, as [`merge_vary`] does for its
/// header; a `*` is a name beside others here.
///
/// ```
/// assert_eq!(crossgate::merge_names(["X-A"], "x-a, X-B"), "X-A, X-B");
/// ```
pub fn merge_names<'a>(existing: impl IntoIterator<Item = &'a str>, added: &'a str) -> String {
    merge_tokens(existing, added, false)
}

/// `any_alone`: a `*` swallows everything else.
fn merge_tokens<'a>(existing: impl IntoIterator<Item = &'a str>, added: &'a str, any_alone: bool) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in existing.into_iter().chain([added]).flat_map(|line| line.split(',')).map(|name| name.trim_matches([' ', '\t'])) {
        if any_alone && name == "*" {
            return "*".to_owned();
        }
        if !name.is_empty() && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lines_become_one() {
        assert_eq!(merge_vary(["Accept", "Origin,,Accept"], "Origin"), "Accept, Origin");
        assert_eq!(merge_vary(["Accept, *"], "Origin"), "*");
        assert_eq!(merge_vary([], "Origin"), "Origin");
        assert_eq!(merge_tokens(["X-A"], "*", false), "X-A, *");
    }
}

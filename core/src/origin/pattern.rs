//! Patterns: `*.` sub-domains, `:*` ports, one typed placeholder, any host of a scheme.

use super::host::is_loopback;
use super::public_suffix::{
    any_towards_suffixes, has_suffix_below, is_public_suffix, keeps_double_hyphens,
};
use super::serialized::Origin;

/// What a placeholder stands for, inside one label.
// In the order of what they match: each matches what those in front of it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Class {
    /// `[0-9]+`
    Digits,
    /// `[0-9a-f]+`
    Hex,
    /// `[a-z0-9-]+`
    Slug,
}

impl Class {
    pub(crate) const ALL: [(&'static str, Class); 3] = [
        ("{digits}", Class::Digits),
        ("{hex}", Class::Hex),
        ("{slug}", Class::Slug),
    ];

    pub(crate) const fn has(self, byte: u8) -> bool {
        match self {
            Class::Digits => byte.is_ascii_digit(),
            Class::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Class::Slug => matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-'),
        }
    }

    fn text(self) -> &'static str {
        Class::ALL
            .iter()
            .find(|(_, class)| *class == self)
            .map_or("", |(text, _)| text)
    }
}

/// The host of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostPattern {
    /// The name itself (with `:*`).
    Exactly(String),
    /// `*.name`: one or more labels below, never the name itself.
    Below(String),
    /// `before{class}after`, the placeholder inside one label.
    Placeholder {
        before: String,
        class: Class,
        after: String,
    },
    /// `scheme://*`.
    Any,
}

/// The port of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PortPattern {
    /// This port; `None` is the scheme's default.
    Exactly(Option<u16>),
    /// `:*`, the implicit port included.
    Any,
}

/// One pattern entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) scheme: String,
    pub(crate) host: HostPattern,
    pub(crate) port: PortPattern,
}

/// Why a pattern is not safe with credentials, or a warning without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Danger {
    /// `*.` directly below a public suffix or above one, or a placeholder that can stand for one.
    PublicSuffix,
    /// A placeholder in a name that any tenant of the suffix can choose.
    TenantControlled,
    /// Any host of a scheme.
    SchemeWide,
    /// Plain http beyond loopback.
    Insecure,
}

impl Pattern {
    /// Whether an origin that passed the gate matches.
    pub(crate) fn matches(&self, origin: &Origin<'_>) -> bool {
        self.scheme == origin.scheme
            && match self.port {
                PortPattern::Any => true,
                PortPattern::Exactly(port) => port == origin.port,
            }
            && self.host.matches(origin.host)
    }

    /// Everything about the pattern that credentials do not go with.
    pub(crate) fn dangers(&self) -> Vec<Danger> {
        let web = matches!(self.scheme.as_str(), "http" | "https");
        let mut found = Vec::new();
        match &self.host {
            HostPattern::Any => found.push(Danger::SchemeWide),
            HostPattern::Below(base)
                if web && (is_public_suffix(base) || has_suffix_below(base)) =>
            {
                found.push(Danger::PublicSuffix)
            }
            HostPattern::Placeholder {
                before,
                class,
                after,
            } => {
                let (tail, base) = after.split_once('.').unwrap_or((after, ""));
                if is_public_suffix(base) {
                    // "deploy-preview-{digits}--app": whoever has the name `app` has it, too.
                    let kept = keeps_double_hyphens(base) && *class != Class::Slug;
                    if !(kept && ends_in_a_name(tail)) {
                        found.push(Danger::TenantControlled);
                    }
                } else if any_towards_suffixes(base, |label| fits(label, before, *class, tail)) {
                    found.push(Danger::PublicSuffix);
                }
            }
            HostPattern::Exactly(_) | HostPattern::Below(_) => {}
        }
        if self.scheme == "http" && !self.is_loopback() {
            found.push(Danger::Insecure);
        }
        found
    }

    /// Every host it matches is the machine itself.
    pub(crate) fn is_loopback(&self) -> bool {
        match &self.host {
            HostPattern::Exactly(host) | HostPattern::Below(host) => is_loopback(host),
            HostPattern::Placeholder { after, .. } => after.ends_with(".localhost"),
            HostPattern::Any => false,
        }
    }

    /// Whether everything that `other` matches is matched by this one (never says so wrongly).
    pub(crate) fn covers(&self, other: &Pattern) -> bool {
        self.scheme == other.scheme
            && (self.port == PortPattern::Any || self.port == other.port)
            && match (&self.host, &other.host) {
                (HostPattern::Any, _) => true,
                (HostPattern::Below(base), HostPattern::Below(name)) => {
                    name == base || is_below(name, base)
                }
                (HostPattern::Below(base), HostPattern::Exactly(name)) => is_below(name, base),
                (HostPattern::Below(base), HostPattern::Placeholder { after, .. }) => {
                    is_below(after, base) || after.strip_prefix('.') == Some(base)
                }
                (
                    HostPattern::Placeholder {
                        before,
                        class,
                        after,
                    },
                    HostPattern::Placeholder {
                        before: b,
                        class: c,
                        after: a,
                    },
                ) => before == b && after == a && (c <= class),
                (HostPattern::Placeholder { .. }, HostPattern::Exactly(name)) => {
                    self.host.matches(name)
                }
                (mine, theirs) => mine == theirs,
            }
    }
}

impl HostPattern {
    fn matches(&self, host: &str) -> bool {
        match self {
            HostPattern::Exactly(name) => host == name,
            HostPattern::Below(base) => is_below(host, base),
            HostPattern::Placeholder {
                before,
                class,
                after,
            } => fits(host, before, *class, after),
            HostPattern::Any => true,
        }
    }
}

/// Between two literal pieces stands what a placeholder stands for.
fn fits(text: &str, before: &str, class: Class, after: &str) -> bool {
    text.strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|value| !value.is_empty() && value.bytes().all(|b| class.has(b)))
}

/// The rest of a label ends in `--name`.
fn ends_in_a_name(tail: &str) -> bool {
    tail.rsplit_once("--")
        .is_some_and(|(_, name)| !name.is_empty())
}

/// `host` is one or more labels below `base`. Only for hosts that passed the gate: they have no
/// empty label.
fn is_below(host: &str, base: &str) -> bool {
    host.strip_suffix(base)
        .is_some_and(|head| head.len() > 1 && head.ends_with('.'))
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match &self.host {
            HostPattern::Exactly(name) => f.write_str(name)?,
            HostPattern::Below(base) => write!(f, "*.{base}")?,
            HostPattern::Placeholder {
                before,
                class,
                after,
            } => write!(f, "{before}{}{after}", class.text())?,
            HostPattern::Any => f.write_str("*")?,
        }
        match self.port {
            PortPattern::Exactly(None) => Ok(()),
            PortPattern::Exactly(Some(port)) => write!(f, ":{port}"),
            PortPattern::Any => f.write_str(":*"),
        }
    }
}

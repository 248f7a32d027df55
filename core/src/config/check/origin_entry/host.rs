//! The host of an entry: a name or address, a pattern, or what was meant as one.

use super::reader::{Hint, Reader, UNSUPPORTED};
use crate::config::check::scheme_names;
use crate::origin::host::{MAX_HOST, ends_in_a_number};
use crate::origin::pattern::{Class, HostPattern, Pattern, PortPattern};
use crate::origin::public_suffix::is_public_suffix;
use crate::origin::serialized::is_app_host;
use crate::problem::{ProblemCode, Severity};

/// platform keeps names for their owners, numbers follow a word and hashes stand alone.
fn placeholder_for(host: &str) -> Option<String> {
    let (before, after) = host
        .split_once('*')
        .filter(|(_, after)| !after.contains('*'))?;
    let narrow = Class::ALL[usize::from(before.is_empty())];
    [Class::ALL[2], narrow]
        .into_iter()
        .find_map(|(text, class)| {
            let pattern = Pattern {
                scheme: "https".to_owned(),
                host: HostPattern::Placeholder {
                    before: before.to_ascii_lowercase(),
                    class,
                    after: after.to_ascii_lowercase(),
                },
                port: PortPattern::Exactly(None),
            };
            let is_safe = after.contains('.') && pattern.dangers().is_empty();
            is_safe.then(|| format!("{before}{text}{after}"))
        })
}

impl Reader<'_> {
    /// The host of an application scheme keeps its bytes.
    pub(super) fn app_host(&mut self, scheme: &str, host: &str) -> Option<HostPattern> {
        if host == "*" {
            return Some(HostPattern::Any);
        }
        if host.contains(['*', '{', '}']) {
            let bare = host.trim_end_matches('*');
            let hint = if is_app_host(bare) {
                Hint::Text(format!("{scheme}://{bare}"))
            } else {
                Hint::None
            };
            self.error(
                ProblemCode::PatternUnsupported,
                "with a scheme other than http and https the only host pattern is `*` alone",
                hint,
            );
            return None;
        }
        if !is_app_host(host) {
            self.error(
                ProblemCode::OriginInvalidHost,
                "the host of an application scheme is made of letters, digits, `.`, `_` and `-`",
                Hint::None,
            );
            return None;
        }
        let sent = scheme_names::sent_host(scheme, host);
        if sent != host {
            self.warn(
                ProblemCode::OriginNeverMatches,
                "browsers write the identifier of an extension in lower case",
                Hint::Text(format!("{scheme}://{sent}")),
            );
        }
        Some(HostPattern::Exactly(host.to_owned()))
    }

    pub(super) fn web_host(&mut self, host: &str) -> Option<HostPattern> {
        if host.starts_with('[') {
            return self.ipv6(host);
        }
        if host.contains(['{', '}']) {
            return self.placeholder(host);
        }
        if let Some(base) = host.strip_prefix("*.")
            && !base.contains(['*', '['])
            && !base.is_empty()
        {
            let base = self.name(base, true)?;
            // With a label and its dot in front.
            if base.trim_end_matches('.').len() > MAX_HOST - 2 {
                let message = "a name below it would be longer than 253 bytes";
                self.error(ProblemCode::OriginInvalidHost, message, Hint::None);
                return None;
            }
            return Some(HostPattern::Below(base));
        }
        if host.contains('*') {
            return self.stray_wildcard(host);
        }
        self.name(host, false).map(HostPattern::Exactly)
    }

    fn stray_wildcard(&mut self, host: &str) -> Option<HostPattern> {
        let label_below = host
            .split_once('.')
            .filter(|(label, base)| label.contains('*') && *label != "*" && !base.contains('*'));
        if let Some((label, base)) = label_below
            && is_public_suffix(base)
            && !base.is_empty()
            && !ends_in_a_number(base)
            && placeholder_for(host).is_none()
        {
            let severity = if self.credentials {
                Severity::Error
            } else {
                Severity::Warning
            };
            let message = format!(
                "anybody can register a name like {label:?} below {base} (previews: \
                    docs/policy.md#preview-deployments)"
            );
            self.push(
                severity,
                ProblemCode::PatternTenantControlled,
                message,
                Hint::None,
            );
        }
        // `app-*.example.com`: a piece of a label is meant.
        if let Some(with_placeholder) = label_below.and_then(|_| placeholder_for(host)) {
            self.error(
                ProblemCode::PatternUnsupported,
                UNSUPPORTED,
                Hint::Corrected,
            );
            return self.placeholder(&with_placeholder);
        }
        // `example.com*`: the name itself is meant.
        let bare = host.trim_end_matches('*');
        let is_name = bare.contains('.') && !bare.ends_with('.') && !bare.contains('*');
        if is_name && bare.len() < host.len() {
            self.error(
                ProblemCode::PatternUnsupported,
                UNSUPPORTED,
                Hint::Corrected,
            );
            return self.name(bare, false).map(HostPattern::Exactly);
        }
        self.error(
            ProblemCode::PatternUnsupported,
            UNSUPPORTED,
            Hint::Corrected,
        );
        // `*example.com` and `**.example.com`: the names below are meant.
        let base = host.trim_start_matches('*').trim_start_matches('.');
        let meant = host.starts_with('*')
            && base.starts_with(|c: char| c.is_alphanumeric())
            && !base.contains('*')
            && !is_public_suffix(base);
        if meant {
            self.name(base, true).map(HostPattern::Below)
        } else {
            None
        }
    }

    fn placeholder(&mut self, host: &str) -> Option<HostPattern> {
        let found = Class::ALL.iter().find_map(|(text, class)| {
            host.split_once(text)
                .map(|(before, after)| (before, *class, after))
        });
        let Some((before, class, after)) = found.filter(|(before, _, after)| {
            !before.contains(['{', '}', '*']) && !after.contains(['{', '}', '*'])
        }) else {
            self.unsupported(UNSUPPORTED);
            return None;
        };
        // A stand-in that is always a good piece of a label takes part in the checks of the name.
        let digit = "0";
        self.name(&format!("{before}{digit}{after}"), true)?;
        if !before.is_ascii() || !after.is_ascii() {
            self.unsupported("beside a placeholder write the name in its ASCII form (A-labels)");
            return None;
        }
        let (before, after) = (before.to_ascii_lowercase(), after.to_ascii_lowercase());
        if !after.trim_end_matches('.').contains('.') {
            self.error(
                ProblemCode::PatternTooBroad,
                "a placeholder in the last label matches every top-level name",
                Hint::None,
            );
            self.unsupported(UNSUPPORTED);
            return None;
        }
        Some(HostPattern::Placeholder {
            before,
            class,
            after,
        })
    }
}

//! The whole text of an entry: whether it is one origin at all, and where its scheme ends.

use std::net::Ipv6Addr;

use super::corrected;
use super::other_syntax::{as_list, unquote, would_match_everybody};
use super::reader::{Entry, Hint, Reader, UNSUPPORTED};
use super::scheme::{MISSING_SCHEME, REFUSED, is_local};
use crate::origin::host::serialize_ipv6;
use crate::problem::ProblemCode;

impl<'a> Reader<'a> {
    pub(super) fn read(&mut self) -> Option<Entry> {
        let text = self.text;
        let trimmed = text.trim();
        if trimmed.is_empty() {
            self.error(
                ProblemCode::OriginBlank,
                "an empty entry: often an environment variable that is not set",
                Hint::None,
            );
            return None;
        }
        if trimmed != text {
            self.error(
                ProblemCode::OriginWhitespace,
                "white space around the entry; it would never match",
                Hint::CorrectedOr(trimmed.to_owned()),
            );
        }
        let bare = unquote(trimmed);
        if bare != trimmed {
            let hint = if bare.is_empty() {
                Hint::None
            } else {
                Hint::CorrectedOr(bare.to_owned())
            };
            self.error(
                ProblemCode::OriginQuoted,
                "quotes or brackets around the entry belong to another syntax",
                hint,
            );
        }
        if bare.is_empty() {
            self.error(
                ProblemCode::OriginBlank,
                "an empty entry: often an environment variable that is not set",
                Hint::None,
            );
            return None;
        }
        if bare == "*" && bare != text {
            return None;
        }
        let name = bare
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let after = bare.get(name.len() + 1..).unwrap_or_default();
        if bare.len() > name.len() && REFUSED.contains(&name.as_str()) && !after.starts_with("//") {
            let has_inner = matches!(name.as_str(), "blob" | "filesystem" | "view-source")
                && after.starts_with("http");
            let inner = if has_inner { corrected(after) } else { None };
            let message = "pages of this scheme have the origin of the page that made them, or \
                `null`; never one of this scheme";
            self.error(
                ProblemCode::OriginInvalid,
                message,
                inner.map_or(Hint::None, Hint::Text),
            );
            return None;
        }
        if let Some(parts) = as_list(bare) {
            let hint = parts.iter().map(|part| {
                format!(
                    "{:?}",
                    corrected(part).unwrap_or_else(|| (*part).to_owned())
                )
            });
            let hint = hint.collect::<Vec<_>>().join(", ");
            self.error(
                ProblemCode::OriginIsList,
                "several origins in one string; list them one by one",
                Hint::Text(hint),
            );
            return None;
        }
        if bare.eq_ignore_ascii_case("null") {
            let message = "`null` is what every sandboxed frame, data: and file: page sends; \
                nobody in particular is behind it. If they all are meant, set allow_null_origin";
            self.error(
                ProblemCode::OriginNull,
                message,
                Hint::Text("allow_null_origin".into()),
            );
            return None;
        }
        if would_match_everybody(bare) {
            self.error(
                ProblemCode::PatternTooBroad,
                "this would match every host; list the origins that are meant",
                Hint::None,
            );
        }
        // A `://` behind the host belongs to a path or a query.
        match bare
            .split_once("://")
            .filter(|(scheme, _)| !scheme.contains(['/', '?', '#', '\\']))
        {
            Some((scheme, rest)) => {
                let (scheme, rest) = self.scheme(scheme, rest)?;
                self.authority(&scheme, rest)
            }
            None => self.without_scheme(bare, &name),
        }
    }

    /// An entry with no `scheme://`.
    fn without_scheme(&mut self, text: &'a str, name: &str) -> Option<Entry> {
        if name == "file" {
            self.file();
            return None;
        }
        let web = ["https", "http"].into_iter().find(|web| {
            *web == name
                || text
                    .strip_prefix(web)
                    .is_some_and(|rest| rest.starts_with("//") || rest.starts_with(":\\"))
        });
        let bare = web.map_or(text, |web| &text[web.len()..]);
        let bare = bare
            .strip_prefix(':')
            .filter(|_| web.is_some())
            .unwrap_or(bare);
        // A mangled `://`, but not the start of an IPv6 address.
        let bare = bare
            .strip_prefix(":")
            .filter(|rest| rest.starts_with('/'))
            .unwrap_or(bare)
            .trim_start_matches(['/', '\\']);
        if text.contains(['*', '{', '}']) && corrected(&format!("https://{bare}")).is_none() {
            self.unsupported(UNSUPPORTED);
            return None;
        }
        if bare.starts_with("*.") {
            self.error(
                ProblemCode::PatternUnsupported,
                "a pattern starts with its scheme, too",
                Hint::Corrected,
            );
        }
        self.error(
            ProblemCode::OriginMissingScheme,
            MISSING_SCHEME,
            Hint::Corrected,
        );
        self.guessed = true;
        let scheme = web.unwrap_or(if is_local(bare) { "http" } else { "https" });
        match bare.parse::<Ipv6Addr>() {
            Ok(address) => Some(Entry::Exact(format!(
                "{scheme}://[{}]",
                serialize_ipv6(address)
            ))),
            Err(_) => self.authority(scheme, bare),
        }
    }
}

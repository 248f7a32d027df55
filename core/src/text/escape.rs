//! Text of strangers, made safe to show: no log line can be forged (CVE-2024-1681).

use std::fmt;

const VALUE_LIMIT: usize = 200;

/// Printable ASCII as it is, everything else as `\u{…}`: safe to log (CVE-2024-1681 was a log
/// injection).
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(VALUE_LIMIT));
    for (count, c) in text.chars().enumerate() {
        if count == VALUE_LIMIT {
            out.push_str("...");
            break;
        }
        match c {
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            '\t' | '\n' | '\r' => out.extend(c.escape_default()),
            _ => out.extend(c.escape_unicode()),
        }
    }
    out
}

/// How many bytes of a header a log shows.
pub(crate) const SHOWN_BYTES: usize = 256;

/// Bytes of a request, in a form that is safe in every kind of log.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte: &u8| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'[' | b']' | b'+' | b'*' | b','
                )
        };
        let shown = &self.0[..self.0.len().min(SHOWN_BYTES)];
        for run in shown.chunk_by(|a, b| plain(a) && plain(b)) {
            match std::str::from_utf8(run) {
                Ok(text) if run.iter().all(plain) => f.write_str(text)?,
                _ => run.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?,
            }
        }
        if shown.len() < self.0.len() {
            f.write_str("...")
        } else {
            Ok(())
        }
    }
}

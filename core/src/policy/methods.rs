//! `allow_methods`: whether a preflight's requested method passes.

use crate::fetch::methods::{FORBIDDEN, is_safelisted};
use crate::fetch::reason::Reason;
use crate::text::list::is_token;
use crate::text::prefix::pack8;

/// Under `*` a longer method does not pass: it would be echoed, and no real one comes near.
const MAX_ANY: usize = 128;

/// The methods of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MethodSet {
    /// `*`
    pub(crate) any: bool,
    /// The configured names in their order; empty under `*`.
    pub(crate) list: Vec<String>,
    /// Length and bytes of those that have at most eight: most of all.
    short: Vec<(usize, u64)>,
}

impl MethodSet {
    /// Whether the method is safelisted, or listed and of at most eight bytes.
    #[inline(always)]
    pub(crate) fn lists(&self, requested: &[u8]) -> bool {
        if requested.len() > 8 {
            return false;
        }
        let asked = (requested.len(), pack8(requested));
        self.short
            .iter()
            .any(|(length, bytes)| (*length, *bytes) == asked)
            || is_safelisted(requested)
    }

    pub(crate) fn push(&mut self, method: String) {
        if method.len() <= 8 {
            self.short.push((method.len(), pack8(method.as_bytes())));
        }
        self.list.push(method);
    }

    /// Whether the requested method passes ([CORS-preflight fetch][preflight], the step on the
    /// request's method).
    ///
    /// [preflight]: https://fetch.spec.whatwg.org/#cors-preflight-fetch
    pub(crate) fn check(&self, requested: &[u8]) -> Result<(), Reason> {
        if self.lists(requested) {
            Ok(())
        } else {
            self.check_unlisted(requested)
        }
    }

    /// [`MethodSet::check`] of a method that [`MethodSet::lists`] said no to.
    pub(crate) fn check_unlisted(&self, requested: &[u8]) -> Result<(), Reason> {
        if self
            .list
            .iter()
            .any(|method| method.as_bytes() == requested)
        {
            return Ok(());
        }
        let requested_is = |method: &&str| method.as_bytes().eq_ignore_ascii_case(requested);
        if self.any {
            let passes = requested.len() <= MAX_ANY
                && is_token(requested)
                && !FORBIDDEN.iter().any(requested_is);
            return if passes {
                Ok(())
            } else {
                Err(Reason::MethodNotAllowed)
            };
        }
        let by_case = ["GET", "HEAD", "POST"].iter().any(requested_is)
            || self
                .list
                .iter()
                .any(|method| requested_is(&method.as_str()));
        Err(if by_case {
            Reason::MethodCase
        } else {
            Reason::MethodNotAllowed
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_methods_never_pass() {
        let any = MethodSet {
            any: true,
            ..MethodSet::default()
        };
        for method in ["TRACE", "connect", "Track"] {
            assert_eq!(any.check(method.as_bytes()), Err(Reason::MethodNotAllowed));
        }
        assert_eq!(any.check(b"patch"), Ok(()));
        assert_eq!(any.check(&[b'A'; 128]), Ok(()));
        assert_eq!(any.check(&[b'A'; 129]), Err(Reason::MethodNotAllowed));
        assert_eq!(any.check(b"GET, DELETE"), Err(Reason::MethodNotAllowed));
    }

    #[test]
    fn methods_of_every_length_are_compared_whole() {
        let mut methods = MethodSet::default();
        let listed: Vec<String> = (1..20).map(|length| "M".repeat(length)).collect();
        listed
            .iter()
            .for_each(|method| methods.push(method.clone()));
        for method in &listed {
            assert_eq!(methods.check(method.as_bytes()), Ok(()));
            for changed in 0..method.len() {
                let mut other = method.clone().into_bytes();
                other[changed] = b'\0';
                assert_eq!(methods.check(&other), Err(Reason::MethodNotAllowed));
            }
        }
        assert_eq!(methods.check(&[b'M'; 20]), Err(Reason::MethodNotAllowed));
    }

    #[test]
    fn case_is_named_as_the_cause() {
        let mut methods = MethodSet::default();
        methods.push("PATCH".into());
        assert_eq!(methods.check(b"patch"), Err(Reason::MethodCase));
        assert_eq!(methods.check(b"get"), Err(Reason::MethodCase));
        assert_eq!(methods.check(b"PUT"), Err(Reason::MethodNotAllowed));
        assert_eq!(methods.check(b""), Err(Reason::MethodNotAllowed));
    }
}

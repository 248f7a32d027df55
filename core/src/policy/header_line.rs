//! One header of a policy's answers: its name, what is done with it, and where its value comes
//! from.

use crate::fetch::header::{HeaderName, HeaderOp};
use crate::text::nul_text::NulText;

#[cfg(any(feature = "tower", feature = "actix"))]
/// Texts that most policies send. A framework can make constants of them, so that sending one
/// allocates and counts nothing; [`FixedText::known`] is a place in this list.
pub(crate) const KNOWN_TEXTS: [&str; 7] = [
    "*",
    "true",
    "Origin",
    "Origin, Access-Control-Request-Method",
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    "Origin, Access-Control-Request-Method, Access-Control-Request-Private-Network",
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, \
     Access-Control-Request-Private-Network",
];

/// A header value that is the same in every decision.
#[derive(Clone, Debug)]
pub(crate) struct FixedText {
    pub(crate) text: NulText,
    /// Its place in [`KNOWN_TEXTS`], if it is one of them.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) known: Option<u8>,
}

impl FixedText {
    fn new(text: &str) -> Self {
        FixedText {
            #[cfg(any(feature = "tower", feature = "actix"))]
            known: KNOWN_TEXTS
                .iter()
                .position(|known| *known == text)
                .map(|place| place as u8),
            text: NulText::new(text),
        }
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        self.text.as_str()
    }
}

/// The value of a header line: known to the policy, or the request's.
#[derive(Clone, Debug)]
pub(crate) enum LineValue {
    Fixed(FixedText),
    /// The origin that matched.
    Origin,
    /// The requested method, if it passed.
    Method,
    /// The requested names, if they passed and there are any.
    Names,
}

/// One header of a set.
#[derive(Clone, Debug)]
pub(crate) struct HeaderLine {
    pub(crate) name: HeaderName,
    pub(crate) op: HeaderOp,
    pub(crate) value: LineValue,
}

pub(super) fn set(name: HeaderName, value: &str) -> HeaderLine {
    HeaderLine {
        name,
        op: HeaderOp::Set,
        value: LineValue::Fixed(FixedText::new(value)),
    }
}

pub(super) fn merged(name: HeaderName, value: &str) -> HeaderLine {
    HeaderLine {
        name,
        op: HeaderOp::Merge,
        value: LineValue::Fixed(FixedText::new(value)),
    }
}

pub(super) fn echoed(name: HeaderName, value: LineValue) -> HeaderLine {
    HeaderLine {
        name,
        op: HeaderOp::Set,
        value,
    }
}

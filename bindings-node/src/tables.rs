//! The numbers and names that the JavaScript package and [`encode`](crate::encode) share. They are
//! read once, when the package is loaded.

use crossgate::{Action, HeaderName, Reason, Request, RequestKind};
use napi_derive::napi;

use crate::encode;
use crate::evaluate;

/// What a policy's function can be asked: the numbers that it takes first.
#[napi(object, object_from_js = false)]
pub(crate) struct Questions {
    pub encode: i32,
    pub begin: i32,
    pub needs_verdict: i32,
    pub apply: i32,
    pub differs: i32,
    pub shown: i32,
}

/// The bits of an encoded decision's flags.
#[napi(object, object_from_js = false)]
pub(crate) struct Flags {
    /// How many bits there are.
    pub bits: u32,
    pub depends_on_origin: u32,
    pub depends_on_acrm: u32,
    pub depends_on_acrh: u32,
    pub depends_on_acrpn: u32,
    pub depends_on_sec_fetch_site: u32,
    pub origin_is_listed: u32,
    pub is_policy_text: u32,
    pub echoes: u32,
}

/// What the letters and numbers of an encoded decision stand for.
#[napi(object, object_from_js = false)]
pub(crate) struct Tables {
    pub questions: Questions,
    pub flags: Flags,
    pub request_headers: Vec<&'static str>,
    pub kinds: Vec<&'static str>,
    pub reasons: Vec<&'static str>,
    pub actions: Vec<&'static str>,
    pub response_headers: Vec<&'static str>,
    pub slots: Vec<u32>,
    /// Empty without one.
    pub public_suffix_list_date: &'static str,
}

/// The tables that the package asks and reads decisions with.
#[napi(catch_unwind)]
pub(crate) fn tables() -> Tables {
    Tables {
        questions: Questions {
            encode: evaluate::ENCODE,
            begin: evaluate::BEGIN,
            needs_verdict: evaluate::NEEDS_VERDICT,
            apply: evaluate::APPLY,
            differs: evaluate::DIFFERS,
            shown: evaluate::SHOWN,
        },
        flags: encode::flag_table(),
        request_headers: Request::NAMES.to_vec(),
        kinds: texts(RequestKind::ALL, |kind| kind.as_str()),
        reasons: texts(Reason::ALL, |reason| reason.as_str()),
        actions: texts(Action::ALL, |action| action.as_str()),
        response_headers: texts(HeaderName::ALL, |name| name.lower()),
        slots: slots(),
        public_suffix_list_date: crossgate::public_suffix_list_date().unwrap_or_default(),
    }
}

fn texts<T: Copy>(all: &[T], text: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|item| text(*item)).collect()
}

/// Requests of one slot that agree in what a decision depends on get the same decision: a slot is a
/// kind of request, split by whether the method is OPTIONS. The index has three bits: 4 for
/// OPTIONS, 2 for an `Origin`, 1 for an `Access-Control-Request-Method`.
fn slots() -> Vec<u32> {
    (0..8)
        .map(|index| {
            let is_options = index & 4 != 0;
            let mut request = Request::new(if is_options { "OPTIONS" } else { "GET" });
            if index & 2 != 0 {
                request.push(b"origin", b"");
            }
            if index & 1 != 0 {
                request.push(b"access-control-request-method", b"");
            }
            request.kind() as u32 * 2 + u32::from(is_options)
        })
        .collect()
}

//! The decision, as C reads it.

use std::ffi::{CStr, c_char};

use crossgate::{Action, HeaderName, Kind, Op, Reason};

use crate::status::{
    CROSSGATE_INVALID_ARGUMENT, CROSSGATE_NULL_ARGUMENT, CROSSGATE_STRUCT_SIZE, Outcome,
    crossgate_status, guard, guard_or,
};
use crate::text::{Buffer, crossgate_str};

/// No Origin: no CORS request.
pub const CROSSGATE_KIND_NOT_CORS: i32 = 0;
/// A request with an Origin that is no preflight.
pub const CROSSGATE_KIND_ACTUAL: i32 = 1;
/// A CORS-preflight request.
pub const CROSSGATE_KIND_PREFLIGHT: i32 = 2;

/// Run the handler; apply the headers to its response, whatever its status.
pub const CROSSGATE_ACTION_FORWARD: i32 = 0;
/// Answer a preflight now: status, headers, no body, and Content-Length: 0 unless the status is
/// 204.
pub const CROSSGATE_ACTION_ANSWER: i32 = 1;
/// Refuse now, with status 403, the headers and no body.
pub const CROSSGATE_ACTION_REJECT: i32 = 2;

/// Origin, method and headers passed.
pub const CROSSGATE_REASON_ALLOWED: i32 = 0;
/// The same under "*": the origin was not looked at.
pub const CROSSGATE_REASON_ALLOWED_ANY: i32 = 1;
/// No Origin.
pub const CROSSGATE_REASON_NO_ORIGIN: i32 = 2;
/// The server's own origin.
pub const CROSSGATE_REASON_OWN_ORIGIN: i32 = 3;
/// A well-formed origin that nothing matches.
pub const CROSSGATE_REASON_ORIGIN_NOT_LISTED: i32 = 4;
/// null
pub const CROSSGATE_REASON_ORIGIN_NULL: i32 = 5;
/// Nothing that a browser serialises.
pub const CROSSGATE_REASON_ORIGIN_MALFORMED: i32 = 6;
/// Several Origin lines, or several values in one.
pub const CROSSGATE_REASON_ORIGIN_MULTIPLE: i32 = 7;
/// The requested method is not allowed.
pub const CROSSGATE_REASON_METHOD_NOT_ALLOWED: i32 = 8;
/// It would be, in another case.
pub const CROSSGATE_REASON_METHOD_CASE: i32 = 9;
/// A requested header name is not allowed.
pub const CROSSGATE_REASON_HEADER_NOT_ALLOWED: i32 = 10;
/// An element of the list of names is no token.
pub const CROSSGATE_REASON_HEADER_LIST_MALFORMED: i32 = 11;
/// The list of names exceeds its bounds.
pub const CROSSGATE_REASON_HEADER_LIST_TOO_LONG: i32 = 12;

/// Replace every line of that name by this one.
pub const CROSSGATE_OP_SET: i32 = 0;
/// Add the names in the value to those that the response has: crossgate_header_merge().
pub const CROSSGATE_OP_MERGE: i32 = 1;

/// Access-Control-Allow-Origin
pub const CROSSGATE_HEADER_ALLOW_ORIGIN: i32 = 0;
/// Access-Control-Allow-Credentials
pub const CROSSGATE_HEADER_ALLOW_CREDENTIALS: i32 = 1;
/// Access-Control-Allow-Methods
pub const CROSSGATE_HEADER_ALLOW_METHODS: i32 = 2;
/// Access-Control-Allow-Headers
pub const CROSSGATE_HEADER_ALLOW_HEADERS: i32 = 3;
/// Access-Control-Expose-Headers
pub const CROSSGATE_HEADER_EXPOSE_HEADERS: i32 = 4;
/// Access-Control-Max-Age
pub const CROSSGATE_HEADER_MAX_AGE: i32 = 5;
/// Access-Control-Allow-Private-Network
pub const CROSSGATE_HEADER_ALLOW_PRIVATE_NETWORK: i32 = 6;
/// Vary
pub const CROSSGATE_HEADER_VARY: i32 = 7;

/// In crossgate_decision.flags: leave a response that already has Access-Control-Allow-Origin as it
/// is, Vary merged (upstream = "keep").
pub const CROSSGATE_DECISION_KEEP_UPSTREAM: u32 = 1;

/// The room in a decision for text that is the request's.
pub const CROSSGATE_DECISION_TEXT_SIZE: usize = 512;

const MAX_HEADERS: usize = 8;

/// One header of a decision. All strings have a NUL behind them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct crossgate_header {
    /// Like "Access-Control-Allow-Origin". Static.
    pub name: crossgate_str,
    /// Like "access-control-allow-origin". Static.
    pub lower_name: crossgate_str,
    /// The value: the policy's, or in the decision's own text, or in the scratch buffer.
    pub value: crossgate_str,
    /// CROSSGATE_OP_...
    pub op: i32,
    /// CROSSGATE_HEADER_...
    pub id: i32,
}

/// The answer to one request. Made ready by crossgate_decision_init(), filled by
/// crossgate_evaluate(), usable as long as the policy and the scratch buffer. Values may lie in the
/// decision itself, so do not copy or move it: copy the strings.
#[repr(C)]
pub struct crossgate_decision {
    /// sizeof (crossgate_decision).
    pub struct_size: u32,
    /// CROSSGATE_DECISION_...
    pub flags: u32,
    /// CROSSGATE_KIND_...: what the request is.
    pub kind: i32,
    /// CROSSGATE_REASON_...: why; the first failing check in the order origin, method, headers.
    pub reason: i32,
    /// CROSSGATE_ACTION_...: what the host does next.
    pub action: i32,
    /// 1: allowed, 0: not, -1: there is nothing to allow (no CORS request, or the server's own).
    pub allowed: i32,
    /// The status to answer with; 0 with CROSSGATE_ACTION_FORWARD.
    pub status: i32,
    /// How many of headers are used.
    pub header_count: u32,
    /// How many of remove are used.
    pub remove_count: u32,
    /// 0.
    pub reserved: u32,
    /// The headers that the response gets, in their order.
    pub headers: [crossgate_header; 8],
    /// The lower-case names of the headers that the response loses if the application or an
    /// upstream set them. Static.
    pub remove: [crossgate_str; 8],
    /// Where copied values lie.
    pub text: [c_char; 512],
}

const _: () = assert!(CROSSGATE_DECISION_TEXT_SIZE == 512 && MAX_HEADERS == 8);

/// Makes a decision ready: forward, no headers. So a host that forgets to look at the status of
/// crossgate_evaluate() sends no permission. size is sizeof (crossgate_decision). One decision may
/// be used for one request after another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_decision_init(
    decision: *mut crossgate_decision,
    size: usize,
) -> crossgate_status {
    guard(|| {
        if decision.is_null() {
            return Err(CROSSGATE_NULL_ARGUMENT);
        }
        if size != size_of::<crossgate_decision>() {
            return Err(CROSSGATE_STRUCT_SIZE);
        }
        // SAFETY: the caller's memory, of the right size. Member by member: the arrays stay
        // uninitialised.
        unsafe {
            (*decision).struct_size = size as u32;
            (*decision).flags = 0;
            (*decision).kind = CROSSGATE_KIND_NOT_CORS;
            (*decision).reason = CROSSGATE_REASON_NO_ORIGIN;
            (*decision).action = CROSSGATE_ACTION_FORWARD;
            (*decision).allowed = -1;
            (*decision).status = 0;
            (*decision).header_count = 0;
            (*decision).remove_count = 0;
            (*decision).reserved = 0;
        }
        Ok(())
    })
}

/// # Safety
/// NULL, or a decision whose `struct_size` is set.
#[inline]
pub(crate) unsafe fn check_size(decision: *const crossgate_decision) -> Outcome {
    if decision.is_null() {
        return Err(CROSSGATE_NULL_ARGUMENT);
    }
    // SAFETY: not NULL; the size is the first member of every version of the struct.
    if unsafe { (*decision).struct_size } as usize == size_of::<crossgate_decision>() {
        Ok(())
    } else {
        Err(CROSSGATE_STRUCT_SIZE)
    }
}

/// The start of an HTTP/1.1 line, `Name: `, in a room of one size.
struct Line {
    start: [u8; 40],
    length: usize,
}

/// By the number of the header.
static LINES: [Line; 8] = {
    let mut lines = [const {
        Line {
            start: [0; 40],
            length: 0,
        }
    }; 8];
    let mut index = 0;
    while index < HeaderName::ALL.len() {
        let name = HeaderName::ALL[index].as_str().as_bytes();
        let line = &mut lines[header_number(HeaderName::ALL[index]) as usize];
        line.start.split_at_mut(name.len()).0.copy_from_slice(name);
        line.start[name.len()] = b':';
        line.start[name.len() + 1] = b' ';
        line.length = name.len() + 2;
        index += 1;
    }
    lines
};

/// Writes the headers as HTTP/1.1 lines, each with its CRLF, without the empty line that ends a
/// header section; an answer whose status is not 204 gets "Content-Length: 0". For hosts that write
/// responses themselves. The buffer is filled as with snprintf.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_decision_write_http1(
    decision: *const crossgate_decision,
    buffer: *mut c_char,
    buffer_size: usize,
    length: *mut usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or the caller's decision.
        unsafe { check_size(decision) }?;
        // SAFETY: the caller's outputs.
        let mut buffer = unsafe { Buffer::new(buffer, buffer_size, length) }?;
        // SAFETY: of the right size, so the members outside the arrays are initialised.
        let (count, action, status) = unsafe {
            (
                (*decision).header_count as usize,
                (*decision).action,
                (*decision).status,
            )
        };
        if count > MAX_HEADERS {
            return Err(CROSSGATE_INVALID_ARGUMENT);
        }
        // SAFETY: the first `count` headers are written by `crossgate_evaluate`.
        let headers = unsafe {
            std::slice::from_raw_parts(
                (&raw const (*decision).headers).cast::<crossgate_header>(),
                count,
            )
        };
        for header in headers {
            let line = usize::try_from(header.id)
                .ok()
                .and_then(|id| LINES.get(id))
                .ok_or(CROSSGATE_INVALID_ARGUMENT)?;
            // SAFETY: the string that `crossgate_evaluate` wrote; policy and scratch outlive the
            // use of a decision.
            let value = unsafe { header.value.bytes() }?.unwrap_or_default();
            buffer.put_start(&line.start, line.length);
            buffer.put(value);
            buffer.put_start(b"\r\n", 2);
        }
        if action == CROSSGATE_ACTION_ANSWER && status != 204 {
            buffer.put(b"Content-Length: 0\r\n");
        }
        buffer.finish()
    })
}

pub(crate) const fn kind_number(kind: Kind) -> i32 {
    match kind {
        Kind::NotCors => CROSSGATE_KIND_NOT_CORS,
        Kind::Actual => CROSSGATE_KIND_ACTUAL,
        Kind::Preflight => CROSSGATE_KIND_PREFLIGHT,
    }
}

pub(crate) const fn action_number(action: Action) -> i32 {
    match action {
        Action::Forward => CROSSGATE_ACTION_FORWARD,
        Action::Answer => CROSSGATE_ACTION_ANSWER,
        Action::Reject => CROSSGATE_ACTION_REJECT,
    }
}

pub(crate) const fn reason_number(reason: Reason) -> i32 {
    match reason {
        Reason::Allowed => CROSSGATE_REASON_ALLOWED,
        Reason::AllowedAny => CROSSGATE_REASON_ALLOWED_ANY,
        Reason::NoOrigin => CROSSGATE_REASON_NO_ORIGIN,
        Reason::OwnOrigin => CROSSGATE_REASON_OWN_ORIGIN,
        Reason::OriginNotListed => CROSSGATE_REASON_ORIGIN_NOT_LISTED,
        Reason::OriginNull => CROSSGATE_REASON_ORIGIN_NULL,
        Reason::OriginMalformed => CROSSGATE_REASON_ORIGIN_MALFORMED,
        Reason::OriginMultiple => CROSSGATE_REASON_ORIGIN_MULTIPLE,
        Reason::MethodNotAllowed => CROSSGATE_REASON_METHOD_NOT_ALLOWED,
        Reason::MethodCase => CROSSGATE_REASON_METHOD_CASE,
        Reason::HeaderNotAllowed => CROSSGATE_REASON_HEADER_NOT_ALLOWED,
        Reason::HeaderListMalformed => CROSSGATE_REASON_HEADER_LIST_MALFORMED,
        Reason::HeaderListTooLong => CROSSGATE_REASON_HEADER_LIST_TOO_LONG,
        // The core may learn new reasons before this table does; the tests notice.
        _ => -1,
    }
}

pub(crate) const fn op_number(op: Op) -> i32 {
    match op {
        Op::Set => CROSSGATE_OP_SET,
        Op::Merge => CROSSGATE_OP_MERGE,
    }
}

pub(crate) const fn header_number(name: HeaderName) -> i32 {
    match name {
        HeaderName::AllowOrigin => CROSSGATE_HEADER_ALLOW_ORIGIN,
        HeaderName::AllowCredentials => CROSSGATE_HEADER_ALLOW_CREDENTIALS,
        HeaderName::AllowMethods => CROSSGATE_HEADER_ALLOW_METHODS,
        HeaderName::AllowHeaders => CROSSGATE_HEADER_ALLOW_HEADERS,
        HeaderName::ExposeHeaders => CROSSGATE_HEADER_EXPOSE_HEADERS,
        HeaderName::MaxAge => CROSSGATE_HEADER_MAX_AGE,
        HeaderName::AllowPrivateNetwork => CROSSGATE_HEADER_ALLOW_PRIVATE_NETWORK,
        HeaderName::Vary => CROSSGATE_HEADER_VARY,
    }
}

/// The stable name of a kind, like "preflight"; "unknown" for other numbers. Static.
#[unsafe(no_mangle)]
pub extern "C" fn crossgate_kind_string(kind: i32) -> *const c_char {
    guard_or(c"unknown".as_ptr(), || {
        let text: &CStr = match kind {
            CROSSGATE_KIND_NOT_CORS => c"not_cors",
            CROSSGATE_KIND_ACTUAL => c"actual",
            CROSSGATE_KIND_PREFLIGHT => c"preflight",
            _ => c"unknown",
        };
        text.as_ptr()
    })
}

/// The stable name of an action, like "forward"; "unknown" for other numbers. Static.
#[unsafe(no_mangle)]
pub extern "C" fn crossgate_action_string(action: i32) -> *const c_char {
    guard_or(c"unknown".as_ptr(), || {
        let text: &CStr = match action {
            CROSSGATE_ACTION_FORWARD => c"forward",
            CROSSGATE_ACTION_ANSWER => c"answer",
            CROSSGATE_ACTION_REJECT => c"reject",
            _ => c"unknown",
        };
        text.as_ptr()
    })
}

/// The stable name of a reason, like "origin_not_listed"; "unknown" for other numbers. Static.
#[unsafe(no_mangle)]
pub extern "C" fn crossgate_reason_string(reason: i32) -> *const c_char {
    guard_or(c"unknown".as_ptr(), || {
        let text: &CStr = match reason {
            CROSSGATE_REASON_ALLOWED => c"allowed",
            CROSSGATE_REASON_ALLOWED_ANY => c"allowed_any",
            CROSSGATE_REASON_NO_ORIGIN => c"no_origin",
            CROSSGATE_REASON_OWN_ORIGIN => c"own_origin",
            CROSSGATE_REASON_ORIGIN_NOT_LISTED => c"origin_not_listed",
            CROSSGATE_REASON_ORIGIN_NULL => c"origin_null",
            CROSSGATE_REASON_ORIGIN_MALFORMED => c"origin_malformed",
            CROSSGATE_REASON_ORIGIN_MULTIPLE => c"origin_multiple",
            CROSSGATE_REASON_METHOD_NOT_ALLOWED => c"method_not_allowed",
            CROSSGATE_REASON_METHOD_CASE => c"method_case",
            CROSSGATE_REASON_HEADER_NOT_ALLOWED => c"header_not_allowed",
            CROSSGATE_REASON_HEADER_LIST_MALFORMED => c"header_list_malformed",
            CROSSGATE_REASON_HEADER_LIST_TOO_LONG => c"header_list_too_long",
            _ => c"unknown",
        };
        text.as_ptr()
    })
}

//! The decision, as C reads it.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use crossgate::{Action, HeaderName, Reason, RequestKind};

use crate::growable::{Growable, caller_size, clear_unknown, served};
use crate::header_sets::MAX_HEADERS;
use crate::status::{
    CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NULL_ARGUMENT, CROSSGATE_OK, Outcome,
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

/// The value is the policy's text, the same for every request. It lives as long as the policy.
pub const CROSSGATE_SOURCE_POLICY: i32 = 0;
/// The value was copied from the request (an origin that a pattern matched, an echoed method). It
/// lies in the decision and lives until the decision is used again.
pub const CROSSGATE_SOURCE_DECISION: i32 = 1;
/// The value is an echoed list of names in the caller's scratch buffer.
pub const CROSSGATE_SOURCE_SCRATCH: i32 = 2;
/// Only in the set callback of crossgate_decision_apply(): the value was merged with the response's
/// own and lives until the callback returns.
pub const CROSSGATE_SOURCE_MERGED: i32 = 3;

/// In crossgate_decision.flags: leave a response that already has Access-Control-Allow-Origin as it
/// is, Vary merged (upstream = "keep"). crossgate_decision_apply() does.
pub const CROSSGATE_DECISION_KEEP_UPSTREAM: u32 = 1;
/// In crossgate_decision.flags: the request's origin is one of the policy's exact origins. A
/// cache of only such decisions cannot be filled by strangers.
pub const CROSSGATE_DECISION_ORIGIN_LISTED: u32 = 2;
/// In crossgate_decision.flags: the policy has origin_predicate and nothing in it matches the
/// origin. Look crossgate_decision.origin up and call crossgate_decision_resume(). Until then the
/// decision denies.
pub const CROSSGATE_DECISION_NEEDS_VERDICT: u32 = 4;

/// In crossgate_decision.depends_on: the value of Origin.
pub const CROSSGATE_DEPENDS_ON_ORIGIN: u32 = 1;
/// In crossgate_decision.depends_on: the value of Access-Control-Request-Method.
pub const CROSSGATE_DEPENDS_ON_ACRM: u32 = 2;
/// In crossgate_decision.depends_on: the lines of Access-Control-Request-Headers.
pub const CROSSGATE_DEPENDS_ON_ACRH: u32 = 4;
/// In crossgate_decision.depends_on: the value of Access-Control-Request-Private-Network.
pub const CROSSGATE_DEPENDS_ON_ACRPN: u32 = 8;
/// In crossgate_decision.depends_on: the value of Sec-Fetch-Site.
pub const CROSSGATE_DEPENDS_ON_SEC_FETCH_SITE: u32 = 16;
/// In crossgate_decision.depends_on: the application's verdict on the origin.
pub const CROSSGATE_DEPENDS_ON_VERDICT: u32 = 32;

/// One header of a decision. All strings have a NUL behind them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct crossgate_header {
    /// Like "Access-Control-Allow-Origin". Static.
    pub name: crossgate_str,
    /// Like "access-control-allow-origin". Static.
    pub lower_name: crossgate_str,
    /// The value.
    pub value: crossgate_str,
    /// CROSSGATE_OP_...
    pub op: i32,
    /// CROSSGATE_HEADER_...
    pub id: i32,
    /// CROSSGATE_SOURCE_...: whose memory the value is, and so how long it lives.
    pub source: i32,
    /// 0.
    pub reserved: i32,
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
    /// CROSSGATE_ACTION_...: what the server does next.
    pub action: i32,
    /// 1: allowed, 0: not, -1: there is nothing to allow (no CORS request, or the server's own).
    pub allowed: i32,
    /// The status to answer with; 0 with CROSSGATE_ACTION_FORWARD.
    pub status: i32,
    /// A set of CROSSGATE_DEPENDS_ON_...: what a remembered decision must be keyed by. Two requests
    /// of one kind, both or neither with the method OPTIONS, that agree in these values get the
    /// same decision from the policy.
    pub depends_on: u32,
    /// The number of headers.
    pub header_count: u32,
    /// The number of names in remove.
    pub remove_count: u32,
    /// The headers that the response gets, in their order.
    pub headers: *const crossgate_header,
    /// The lower-case names of the headers that the response loses if the application or an
    /// upstream set them. Static.
    pub remove: *const crossgate_str,
    /// The library's own: neither read nor write it.
    pub reserved: [MaybeUninit<u64>; 144],
    /// With CROSSGATE_DECISION_NEEDS_VERDICT: the origin that the application decides about, with a
    /// NUL behind it. Otherwise absent.
    pub origin: crossgate_str,
}

// SAFETY: `repr(C)`, the size first.
unsafe impl Growable for crossgate_decision {
    const LEAST: usize = std::mem::offset_of!(crossgate_decision, origin);
}

/// What a decision says, but for the origin in question.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    pub(crate) flags: u32,
    pub(crate) kind: i32,
    pub(crate) reason: i32,
    pub(crate) action: i32,
    pub(crate) allowed: i32,
    pub(crate) status: i32,
    pub(crate) depends_on: u32,
    pub(crate) header_count: u32,
    pub(crate) remove_count: u32,
    pub(crate) headers: *const crossgate_header,
    pub(crate) remove: *const crossgate_str,
}

/// The room in a decision for text that is the request's.
pub(crate) const TEXT_SIZE: usize = 512;

/// What lies in `reserved`.
#[repr(C)]
pub(crate) struct Room {
    /// The headers of a set with values of the request.
    pub(crate) headers: [crossgate_header; MAX_HEADERS],
    /// Those values.
    pub(crate) text: [u8; TEXT_SIZE],
    /// With CROSSGATE_DECISION_NEEDS_VERDICT: what the decision says if the verdict allows.
    pub(crate) if_allowed: Said,
}

const _: () = {
    assert!(size_of::<Room>() <= size_of::<[MaybeUninit<u64>; 144]>());
    assert!(align_of::<Room>() <= align_of::<u64>());
};

impl Said {
    /// Forward, no permission, no header.
    const NOTHING: Said = Said {
        flags: 0,
        kind: CROSSGATE_KIND_NOT_CORS,
        reason: CROSSGATE_REASON_NO_ORIGIN,
        action: CROSSGATE_ACTION_FORWARD,
        allowed: -1,
        status: 0,
        depends_on: 0,
        header_count: 0,
        remove_count: 0,
        headers: std::ptr::null(),
        remove: std::ptr::null(),
    };

    /// # Safety
    /// `from` is a decision of at least the first size that was made ready.
    pub(crate) unsafe fn read(from: *const crossgate_decision) -> Said {
        // SAFETY: this function's own contract.
        unsafe {
            Said {
                flags: (*from).flags,
                kind: (*from).kind,
                reason: (*from).reason,
                action: (*from).action,
                allowed: (*from).allowed,
                status: (*from).status,
                depends_on: (*from).depends_on,
                header_count: (*from).header_count,
                remove_count: (*from).remove_count,
                headers: (*from).headers,
                remove: (*from).remove,
            }
        }
    }

    /// # Safety
    /// `out` is a writable decision of at least the first size.
    #[inline(always)]
    pub(crate) unsafe fn write(self, out: *mut crossgate_decision) {
        // SAFETY: this function's own contract. Member by member: `reserved` stays as it is.
        unsafe {
            (*out).flags = self.flags;
            (*out).kind = self.kind;
            (*out).reason = self.reason;
            (*out).action = self.action;
            (*out).allowed = self.allowed;
            (*out).status = self.status;
            (*out).depends_on = self.depends_on;
            (*out).header_count = self.header_count;
            (*out).remove_count = self.remove_count;
            (*out).headers = self.headers;
            (*out).remove = self.remove;
        }
    }
}

/// Where the library's own part of a decision lies.
///
/// # Safety
/// `decision` is a decision of at least the first size.
#[inline(always)]
pub(crate) unsafe fn room(decision: *mut crossgate_decision) -> *mut Room {
    // SAFETY: this function's own contract; no reference is made, it may be uninitialised.
    unsafe { (&raw mut (*decision).reserved).cast() }
}

/// Sets the origin in question, if the caller's decision has a place for it.
///
/// # Safety
/// `decision` is a writable decision whose `struct_size` is right.
#[inline(always)]
pub(crate) unsafe fn set_origin(decision: *mut crossgate_decision, origin: crossgate_str) {
    // SAFETY: this function's own contract; the member is there if the size says so.
    unsafe {
        if (*decision).struct_size as usize >= size_of::<crossgate_decision>() {
            (*decision).origin = origin;
        }
    }
}

/// # Safety
/// NULL, or a decision whose `struct_size` is set.
#[inline(always)]
pub(crate) unsafe fn check_size(decision: *const crossgate_decision) -> Outcome {
    // SAFETY: this function's own contract.
    unsafe { caller_size(decision) }.map(|_| ())
}

/// Runs what fills a decision. After any status but CROSSGATE_OK it says: forward, no permission,
/// no header.
///
/// # Safety
/// `decision` is NULL or a writable decision whose `struct_size` is set.
#[inline(always)]
pub(crate) unsafe fn filling(
    decision: *mut crossgate_decision,
    body: impl FnOnce() -> Outcome,
) -> crossgate_status {
    // SAFETY: this function's own contract.
    let status = guard(|| unsafe { check_size(decision) }.and_then(|()| body()));
    if status != CROSSGATE_OK {
        // SAFETY: this function's own contract.
        unsafe { say_nothing(decision) };
    }
    status
}

/// # Safety
/// As for [`filling`].
#[cold]
unsafe fn say_nothing(decision: *mut crossgate_decision) {
    // SAFETY: this function's own contract, and the size is checked.
    unsafe {
        if check_size(decision).is_ok() {
            Said::NOTHING.write(decision);
            set_origin(decision, crossgate_str::ABSENT);
        }
    }
}

/// Makes a decision ready: forward, no headers. So a server that forgets to look at the status of
/// crossgate_evaluate() sends no permission. size is sizeof (crossgate_decision). One decision may
/// be used for one request after another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_decision_init(
    decision: *mut crossgate_decision,
    size: usize,
) -> crossgate_status {
    guard(|| {
        if decision.is_null() {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        let size = served::<crossgate_decision>(size)?;
        // SAFETY: the caller's memory, of that size.
        unsafe {
            (*decision).struct_size = size as u32;
            Said::NOTHING.write(decision);
            set_origin(decision, crossgate_str::ABSENT);
            clear_unknown(decision, size);
        }
        Ok(())
    })
}

/// The start of an HTTP/1.1 line, `Name: `, in a room of one size.
struct Line {
    start: [u8; 40],
    length: usize,
}

/// By the number of the header.
static LINES: [Line; HeaderName::ALL.len()] = {
    let mut lines = [const {
        Line {
            start: [0; 40],
            length: 0,
        }
    }; HeaderName::ALL.len()];
    let mut index = 0;
    while index < HeaderName::ALL.len() {
        let name = HeaderName::ALL[index].as_str().as_bytes();
        let line = &mut lines[index];
        line.start.split_at_mut(name.len()).0.copy_from_slice(name);
        line.start[name.len()] = b':';
        line.start[name.len() + 1] = b' ';
        line.length = name.len() + 2;
        index += 1;
    }
    lines
};

/// Writes the headers as HTTP/1.1 lines, each with its CRLF, without the empty line that ends a
/// header section; an answer whose status is not 204 gets "Content-Length: 0". For servers that
/// write responses themselves. The buffer is filled as with snprintf.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_decision_write_http1(
    decision: *const crossgate_decision,
    buffer: *mut c_char,
    buffer_size: usize,
    length: *mut usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's outputs.
        let mut buffer = unsafe { Buffer::new(buffer, buffer_size, length) }?;
        // SAFETY: NULL or the caller's decision.
        unsafe { check_size(decision) }?;
        // SAFETY: of a right size, so the members in front of `reserved` are initialised.
        let (headers, action, status) =
            unsafe { (headers(decision)?, (*decision).action, (*decision).status) };
        for header in headers {
            let line = usize::try_from(header.id)
                .ok()
                .and_then(|id| LINES.get(id))
                .ok_or(CROSSGATE_ERR_INVALID_ARGUMENT)?;
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

/// The headers of a decision.
///
/// # Safety
/// `decision` is a decision of a right size that a function of this library filled.
pub(crate) unsafe fn headers<'a>(
    decision: *const crossgate_decision,
) -> Outcome<&'a [crossgate_header]> {
    // SAFETY: this function's own contract.
    let (headers, count) = unsafe { ((*decision).headers, (*decision).header_count as usize) };
    if count == 0 {
        return Ok(&[]);
    }
    if headers.is_null() || count > MAX_HEADERS {
        return Err(CROSSGATE_ERR_INVALID_ARGUMENT);
    }
    // SAFETY: so many headers were written, in the decision or with the policy, which outlives the
    // use of a decision.
    Ok(unsafe { std::slice::from_raw_parts(headers, count) })
}

pub(crate) const fn kind_number(kind: RequestKind) -> i32 {
    match kind {
        RequestKind::NotCors => CROSSGATE_KIND_NOT_CORS,
        RequestKind::Actual => CROSSGATE_KIND_ACTUAL,
        RequestKind::Preflight => CROSSGATE_KIND_PREFLIGHT,
        _ => -1,
    }
}

pub(crate) const fn action_number(action: Action) -> i32 {
    match action {
        Action::Forward => CROSSGATE_ACTION_FORWARD,
        Action::Answer => CROSSGATE_ACTION_ANSWER,
        Action::Reject => CROSSGATE_ACTION_REJECT,
        _ => -1,
    }
}

#[inline]
pub(crate) const fn reason_number(reason: Reason) -> i32 {
    reason.number() as i32
}

pub(crate) fn header_number(name: HeaderName) -> i32 {
    let is_name = |known: &HeaderName| *known == name;
    HeaderName::ALL
        .iter()
        .position(is_name)
        .map_or(-1, |number| number as i32)
}

/// A name of the core with a NUL behind it.
type Name = [u8; 32];

const fn name(text: &str) -> Name {
    let mut name = [0; 32];
    assert!(text.len() < name.len());
    name.split_at_mut(text.len())
        .0
        .copy_from_slice(text.as_bytes());
    name
}

static KINDS: [Name; RequestKind::ALL.len()] = {
    let mut names = [[0; 32]; RequestKind::ALL.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = name(RequestKind::ALL[index].as_str());
        index += 1;
    }
    names
};

static ACTIONS: [Name; Action::ALL.len()] = {
    let mut names = [[0; 32]; Action::ALL.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = name(Action::ALL[index].as_str());
        index += 1;
    }
    names
};

static REASONS: [Name; Reason::ALL.len()] = {
    let mut names = [[0; 32]; Reason::ALL.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = name(Reason::ALL[index].as_str());
        index += 1;
    }
    names
};

// The numbers above are the places in the core's lists. What is added there needs a number here.
const _: () = {
    let mut index = 0;
    while index < RequestKind::ALL.len() {
        assert!(kind_number(RequestKind::ALL[index]) == index as i32);
        index += 1;
    }
    index = 0;
    while index < Action::ALL.len() {
        assert!(action_number(Action::ALL[index]) == index as i32);
        index += 1;
    }
    assert!(
        Reason::ALL.len() as i32 == CROSSGATE_REASON_HEADER_LIST_TOO_LONG + 1,
        "a reason was added: give it a CROSSGATE_REASON_... and write the last one here"
    );
    assert!(
        HeaderName::ALL.len() as i32 == CROSSGATE_HEADER_VARY + 1,
        "a header was added: give it a CROSSGATE_HEADER_... and write the last one here"
    );
};

fn string(names: &'static [Name], number: i32) -> *const c_char {
    guard_or(c"unknown".as_ptr(), || {
        usize::try_from(number)
            .ok()
            .and_then(|index| names.get(index))
            .map_or(c"unknown".as_ptr(), |name| name.as_ptr().cast())
    })
}

/// The stable name of a kind, like "preflight"; "unknown" for other numbers. Static.
#[unsafe(no_mangle)]
pub extern "C" fn crossgate_kind_string(kind: i32) -> *const c_char {
    string(&KINDS, kind)
}

/// The stable name of an action, like "forward"; "unknown" for other numbers. Static.
#[unsafe(no_mangle)]
pub extern "C" fn crossgate_action_string(action: i32) -> *const c_char {
    string(&ACTIONS, action)
}

/// The stable name of a reason, like "origin_not_listed"; "unknown" for other numbers. Static.
#[unsafe(no_mangle)]
pub extern "C" fn crossgate_reason_string(reason: i32) -> *const c_char {
    string(&REASONS, reason)
}

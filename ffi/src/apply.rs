//! A decision put on a response that the caller keeps in a shape of its own. The rules are the
//! core's; it sees the response through three functions of the caller's.

use std::cell::Cell;
use std::ffi::c_void;

use crossgate::binding::{Response, apply};
use crossgate::{HeaderName, HeaderOp, UpstreamHeaders};

use crate::decision::{
    CROSSGATE_DECISION_KEEP_PUBLIC, CROSSGATE_DECISION_KEEP_UPSTREAM,
    CROSSGATE_HEADER_EXPOSE_HEADERS, CROSSGATE_HEADER_VARY, CROSSGATE_OP_MERGE,
    CROSSGATE_SOURCE_MERGED, check_size, crossgate_decision, crossgate_header, header_number,
    headers, names_to_remove,
};
use crate::growable::{Growable, caller_size};
use crate::status::{
    CROSSGATE_ERR_CALLBACK, CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NULL_ARGUMENT,
    CROSSGATE_OK, Outcome, crossgate_status, guard,
};
use crate::text::crossgate_str;

/// How crossgate_decision_apply() reads and changes a response. Set struct_size to
/// sizeof (crossgate_response_functions). Names are in lower case, with a NUL behind them; those of
/// the response compare in any case. context is what crossgate_decision_apply() was given. The
/// functions must not throw, longjmp, or call crossgate_decision_apply().
#[repr(C)]
pub struct crossgate_response_functions {
    /// sizeof (crossgate_response_functions).
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Gives the line with this index (from 0) of those that have this name, and returns 1; returns
    /// 0 if there is none. The value must stay as it is until set or remove is called. A server
    /// that only knows the lines joined with ", " gives that as line 0.
    pub get: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            name: *const crossgate_str,
            index: usize,
            value: *mut crossgate_str,
        ) -> i32,
    >,
    /// Replaces every line of header->lower_name by one with header->value. Copy the value, unless
    /// header->source says that it lives long enough. Returns CROSSGATE_OK, or another status if
    /// that failed.
    pub set: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            header: *const crossgate_header,
        ) -> crossgate_status,
    >,
    /// Removes every line of this name. Returns as set does.
    pub remove: Option<
        unsafe extern "C" fn(context: *mut c_void, name: *const crossgate_str) -> crossgate_status,
    >,
}

// SAFETY: `repr(C)`, the size first.
unsafe impl Growable for crossgate_response_functions {
    const LEAST: usize = size_of::<crossgate_response_functions>();
}

/// Puts a decision on a response: afterwards the response says what the policy says and nothing
/// else about CORS, whatever the application or an upstream had set. With
/// CROSSGATE_DECISION_KEEP_UPSTREAM a response that already has Access-Control-Allow-Origin is left
/// whole, Vary aside; with CROSSGATE_DECISION_KEEP_PUBLIC one that is public by its own word stays
/// so. *overwrote is 1 if that replaced or removed something that the response said, otherwise 0,
/// whatever the status; it may be NULL (see crossgate_counters_add_overwrote_upstream()). Doing it
/// twice is as good as once. Allocates only to merge into many lines or a long list of the
/// response's own. If set or remove fails, or get gives what is no text, everything else is done
/// all the same; then the status is CROSSGATE_ERR_CALLBACK. With any other failure nothing was
/// done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_decision_apply(
    decision: *const crossgate_decision,
    functions: *const crossgate_response_functions,
    context: *mut c_void,
    overwrote: *mut i32,
) -> crossgate_status {
    guard(|| {
        let report = |value| {
            if !overwrote.is_null() {
                // SAFETY: not NULL, so the caller's to write.
                unsafe { overwrote.write(value) };
            }
        };
        report(0);
        // SAFETY: NULL or the caller's decision and functions, unchanged during the call.
        let (decision, mut response) = unsafe {
            check_size(decision)?;
            caller_size(functions)?;
            let response = CallerResponse {
                context,
                get: (*functions).get.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?,
                set: (*functions).set.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?,
                remove: (*functions).remove.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?,
                has_failed: Cell::new(false),
            };
            (Parts::of(decision)?, response)
        };
        let lines = decision.headers.iter().filter_map(Value::line);
        let remove = decision.remove.iter().filter_map(name_of);
        let replaced = apply(&mut response, decision.upstream, remove, lines);
        report(i32::from(replaced));
        if response.has_failed.get() {
            return Err(CROSSGATE_ERR_CALLBACK);
        }
        Ok(())
    })
}

/// What of a decision concerns a response.
struct Parts<'a> {
    headers: &'a [crossgate_header],
    remove: &'a [crossgate_str],
    upstream: UpstreamHeaders,
}

impl Parts<'_> {
    /// # Safety
    /// `decision` was filled by this library, and its policy and scratch are there.
    unsafe fn of(decision: *const crossgate_decision) -> Outcome<Self> {
        // SAFETY: this function's own contract.
        let parts = unsafe {
            Parts {
                headers: headers(decision)?,
                remove: names_to_remove(decision)?,
                upstream: match (*decision).flags {
                    flags if flags & CROSSGATE_DECISION_KEEP_UPSTREAM != 0 => UpstreamHeaders::Keep,
                    flags if flags & CROSSGATE_DECISION_KEEP_PUBLIC != 0 => {
                        UpstreamHeaders::KeepPublic
                    }
                    _ => UpstreamHeaders::Replace,
                },
            }
        };
        let is_known = |header: &crossgate_header| Value::line(header).is_some();
        if parts.headers.iter().all(is_known) {
            Ok(parts)
        } else {
            Err(CROSSGATE_ERR_INVALID_ARGUMENT)
        }
    }
}

fn name_of(lower: &crossgate_str) -> Option<HeaderName> {
    // SAFETY: a static string of this library.
    let lower = unsafe { lower.bytes() }.ok()??;
    let is_named = |name: &HeaderName| name.lower().as_bytes() == lower;
    HeaderName::ALL.iter().copied().find(is_named)
}

/// A header of the decision, as its response takes it.
#[derive(Clone, Copy)]
struct Value<'a>(&'a crossgate_header);

impl<'a> Value<'a> {
    fn line(header: &'a crossgate_header) -> Option<(HeaderName, HeaderOp, Self)> {
        let name = HeaderName::ALL.get(usize::try_from(header.id).ok()?)?;
        let op = if header.op == CROSSGATE_OP_MERGE {
            HeaderOp::Merge
        } else {
            HeaderOp::Set
        };
        Some((*name, op, Value(header)))
    }
}

impl AsRef<[u8]> for Value<'_> {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the text that `crossgate_evaluate` wrote; policy and scratch outlive the use of a
        // decision.
        let value = unsafe { self.0.value.bytes() };
        value.ok().flatten().unwrap_or_default()
    }
}

/// A response behind the functions of the caller, which do what the header asks of them.
struct CallerResponse {
    context: *mut c_void,
    get: unsafe extern "C" fn(*mut c_void, *const crossgate_str, usize, *mut crossgate_str) -> i32,
    set: unsafe extern "C" fn(*mut c_void, *const crossgate_header) -> crossgate_status,
    remove: unsafe extern "C" fn(*mut c_void, *const crossgate_str) -> crossgate_status,
    has_failed: Cell<bool>,
}

impl CallerResponse {
    fn note(&self, is_fine: bool) {
        self.has_failed.set(self.has_failed.get() || !is_fine);
    }

    fn call_set(&self, header: &crossgate_header) {
        // SAFETY: a header that lasts for the call, as the function was promised.
        self.note(unsafe { (self.set)(self.context, header) } == CROSSGATE_OK);
    }
}

impl Response<Value<'_>> for CallerResponse {
    type Merged = Text;

    fn has(&self, name: HeaderName) -> bool {
        self.lines(name).next().is_some()
    }

    fn lines(&self, name: HeaderName) -> impl Iterator<Item: AsRef<[u8]>> {
        let name = crossgate_str::of(name.lower());
        (0..).map_while(move |index| {
            let mut value = crossgate_str::ABSENT;
            // SAFETY: a name and a place for the value, as the function was promised.
            let found = unsafe { (self.get)(self.context, &name, index, &mut value) };
            if found == 0 {
                return None;
            }
            // SAFETY: the value stays until the response is changed, and the core uses it before
            // that.
            let value = unsafe { value.bytes() };
            self.note(value.is_ok());
            Some(value.ok().flatten().unwrap_or_default())
        })
    }

    fn set(&mut self, _: HeaderName, value: Value<'_>) {
        self.call_set(value.0);
    }

    fn set_merged(&mut self, name: HeaderName, mut merged: Text) {
        let len = merged.bytes().len();
        merged.put(b"\0");
        self.call_set(&crossgate_header {
            name: crossgate_str::of(name.as_str()),
            lower_name: crossgate_str::of(name.lower()),
            value: crossgate_str {
                data: merged.bytes().as_ptr().cast(),
                len,
            },
            op: CROSSGATE_OP_MERGE,
            id: header_number(name),
            source: CROSSGATE_SOURCE_MERGED,
            reserved: 0,
        });
    }

    fn remove(&mut self, name: HeaderName) {
        let name = crossgate_str::of(name.lower());
        // SAFETY: a name, as the function was promised.
        self.note(unsafe { (self.remove)(self.context, &name) } == CROSSGATE_OK);
    }
}

/// The header whose names are merged.
pub(crate) fn merged_name(id: i32) -> Outcome<HeaderName> {
    match id {
        CROSSGATE_HEADER_VARY => Ok(HeaderName::Vary),
        CROSSGATE_HEADER_EXPOSE_HEADERS => Ok(HeaderName::ExposeHeaders),
        _ => Err(CROSSGATE_ERR_INVALID_ARGUMENT),
    }
}

/// A merged value, on the stack as long as it is short.
struct Text {
    short: [u8; 512],
    used: usize,
    long: Vec<u8>,
}

impl Default for Text {
    fn default() -> Self {
        Text {
            short: [0; 512],
            used: 0,
            long: Vec::new(),
        }
    }
}

impl<'t> Extend<&'t u8> for Text {
    fn extend<I: IntoIterator<Item = &'t u8>>(&mut self, bytes: I) {
        for byte in bytes {
            self.put(std::slice::from_ref(byte));
        }
    }
}

impl Text {
    fn put(&mut self, piece: &[u8]) {
        let end = self.used + piece.len();
        match self.short.get_mut(self.used..end) {
            Some(room) if self.long.is_empty() => {
                room.copy_from_slice(piece);
                self.used = end;
            }
            _ => {
                if self.long.is_empty() {
                    let short = self.short.get(..self.used).unwrap_or_default();
                    self.long.extend_from_slice(short);
                }
                self.long.extend_from_slice(piece);
            }
        }
    }

    fn bytes(&self) -> &[u8] {
        if self.long.is_empty() {
            self.short.get(..self.used).unwrap_or_default()
        } else {
            &self.long
        }
    }
}

//! A decision put on a response that the caller keeps in a shape of its own. This is the core's
//! `Decision::apply` for C: the response is seen through three functions.

use std::ffi::c_void;

use crossgate::HeaderName;
use crossgate::binding::merge_bytes;

use crate::decision::{
    CROSSGATE_DECISION_KEEP_UPSTREAM, CROSSGATE_HEADER_EXPOSE_HEADERS, CROSSGATE_HEADER_VARY,
    CROSSGATE_OP_MERGE, CROSSGATE_SOURCE_MERGED, check_size, crossgate_decision, crossgate_header,
    headers,
};
use crate::growable::{Growable, caller_size};
use crate::status::{
    CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NULL_ARGUMENT, CROSSGATE_OK, Outcome,
    crossgate_status, guard,
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
    /// header->source says that it lives long enough. Returns CROSSGATE_OK, or a status that ends
    /// crossgate_decision_apply().
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

/// The functions, all there.
#[derive(Clone, Copy)]
struct Response {
    context: *mut c_void,
    get: unsafe extern "C" fn(*mut c_void, *const crossgate_str, usize, *mut crossgate_str) -> i32,
    set: unsafe extern "C" fn(*mut c_void, *const crossgate_header) -> crossgate_status,
    remove: unsafe extern "C" fn(*mut c_void, *const crossgate_str) -> crossgate_status,
}

/// Puts a decision on a response: afterwards the response says what the policy says and nothing
/// else about CORS, whatever the application or an upstream had set. With
/// CROSSGATE_DECISION_KEEP_UPSTREAM a response that already has Access-Control-Allow-Origin is left
/// whole, Vary aside. *overwrote is 1 if that replaced or removed something that the response said,
/// otherwise 0; it may be NULL (see crossgate_counters_add_overwrote_upstream()). Doing it twice is
/// as good as once. Allocates only to merge into long lists of the response's own. A failing
/// callback ends it at once, with the callback's status; *overwrote is 0 then.
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
        unsafe {
            check_size(decision)?;
            caller_size(functions)?;
            let response = Response {
                context,
                get: (*functions).get.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?,
                set: (*functions).set.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?,
                remove: (*functions).remove.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?,
            };
            report(i32::from(apply(decision, response)?));
        }
        Ok(())
    })
}

/// The rule of the core's `Decision::apply`; a test compares the two.
///
/// # Safety
/// `decision` was filled by this library; the functions do what the header asks of them.
unsafe fn apply(decision: *const crossgate_decision, response: Response) -> Outcome<bool> {
    // SAFETY: this function's own contract.
    unsafe {
        let headers = headers(decision)?;
        let named = HeaderName::AllowOrigin.lower();
        if (*decision).flags & CROSSGATE_DECISION_KEEP_UPSTREAM != 0
            && response.line(&crossgate_str::of(named), 0)?.is_some()
        {
            let vary = headers
                .iter()
                .filter(|header| header.id == CROSSGATE_HEADER_VARY);
            for header in vary {
                response.merge(header)?;
            }
            return Ok(false);
        }
        let mut overwrote = false;
        let (names, count) = ((*decision).remove, (*decision).remove_count as usize);
        if count > HeaderName::ALL.len() || (names.is_null() && count > 0) {
            return Err(CROSSGATE_ERR_INVALID_ARGUMENT);
        }
        for index in 0..count {
            let name = names.add(index);
            if response.line(name, 0)?.is_some() {
                overwrote = true;
                ok((response.remove)(response.context, name))?;
            }
        }
        for header in headers {
            if header.op == CROSSGATE_OP_MERGE {
                response.merge(header)?;
                continue;
            }
            let value = header.value.bytes()?.unwrap_or_default();
            let mut index = 0;
            while let Some(line) = response.line(&header.lower_name, index)? {
                overwrote |= line != value;
                index += 1;
            }
            ok((response.set)(response.context, header))?;
        }
        Ok(overwrote)
    }
}

fn ok(status: crossgate_status) -> Outcome {
    if status == CROSSGATE_OK {
        Ok(())
    } else {
        Err(status)
    }
}

impl Response {
    /// # Safety
    /// As for [`apply`]; the line is used before the response is changed.
    unsafe fn line<'a>(
        self,
        name: *const crossgate_str,
        index: usize,
    ) -> Outcome<Option<&'a [u8]>> {
        let mut value = crossgate_str::ABSENT;
        // SAFETY: this function's own contract.
        unsafe {
            if (self.get)(self.context, name, index, &raw mut value) == 0 {
                return Ok(None);
            }
            Ok(Some(value.bytes()?.unwrap_or_default()))
        }
    }

    /// Adds names to those that the response has, each once.
    ///
    /// # Safety
    /// As for [`apply`].
    unsafe fn merge(self, header: &crossgate_header) -> Outcome {
        // SAFETY: this function's own contract.
        unsafe {
            let added = header.value.bytes()?.unwrap_or_default();
            let name = &raw const header.lower_name;
            let Some(first) = self.line(name, 0)? else {
                return ok((self.set)(self.context, header));
            };
            let second = self.line(name, 1)?;
            // As the policy writes it, its separator too.
            if second.is_none() && first == added {
                return Ok(());
            }
            let mut joined = Text::new();
            let existing = match second {
                None => first,
                Some(second) => {
                    joined.put(first);
                    let mut next = Some((second, 2));
                    while let Some((line, index)) = next {
                        joined.put(b", ");
                        joined.put(line);
                        next = self.line(name, index)?.map(|line| (line, index + 1));
                    }
                    joined.bytes()
                }
            };
            let mut merged = Text::new();
            merge_bytes(merged_name(header.id)?, existing, added, |piece| {
                merged.put(piece);
            });
            let len = merged.bytes().len();
            merged.put(b"\0");
            let merged = crossgate_header {
                value: crossgate_str {
                    data: merged.bytes().as_ptr().cast(),
                    len,
                },
                source: CROSSGATE_SOURCE_MERGED,
                ..*header
            };
            ok((self.set)(self.context, &raw const merged))
        }
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

/// Text of a response, on the stack as long as it is short.
struct Text {
    short: [u8; 512],
    used: usize,
    long: Vec<u8>,
}

impl Text {
    fn new() -> Self {
        Text {
            short: [0; 512],
            used: 0,
            long: Vec::new(),
        }
    }

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

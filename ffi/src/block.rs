//! One flat call for languages whose memory moves or is checked (Go, Java, .NET, PHP): bytes in,
//! bytes and integers out, and nothing that points from one to the other.

use std::ffi::c_char;

use crossgate::{
    Decision, Evaluation, HeaderOp, LineSource, Lines, Request, RequestHeader, RequestKind, Verdict,
};

use crate::decision::{CROSSGATE_DECISION_NEEDS_VERDICT, Said};
use crate::evaluate::said_without_headers;
use crate::growable::{Growable, init, write_common};
use crate::http1::with_scratch;
use crate::policy::{borrow, crossgate_policy};
use crate::request::verdict;
use crate::status::{
    CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NULL_ARGUMENT, CROSSGATE_ERR_PANIC,
    CROSSGATE_ERR_VERDICT_NOT_ASKED, CROSSGATE_OK, Outcome, crossgate_status, guard, guard_or_else,
};
use crate::text::Buffer;

/// What crossgate_evaluate_block() decided: integers alone, so that any language can have one.
/// Made ready by crossgate_answer_init(), or by setting struct_size to sizeof (crossgate_answer).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct crossgate_answer {
    /// sizeof (crossgate_answer), set before the call.
    pub struct_size: u32,
    /// CROSSGATE_DECISION_... With CROSSGATE_DECISION_NEEDS_VERDICT the application is to be asked
    /// about the Origin; until then the answer denies. Call again with its verdict.
    pub flags: u32,
    /// CROSSGATE_KIND_...
    pub kind: i32,
    /// CROSSGATE_REASON_...
    pub reason: i32,
    /// CROSSGATE_ACTION_...
    pub action: i32,
    /// 1, 0, or -1: the question does not arise.
    pub allowed: i32,
    /// The status to answer with; 0 if the handler answers.
    pub status: i32,
    /// CROSSGATE_DEPENDS_ON_...
    pub depends_on: u32,
}

// SAFETY: `repr(C)`, and the first member is the size.
unsafe impl Growable for crossgate_answer {
    const LEAST: usize = std::mem::offset_of!(crossgate_answer, depends_on);
}

impl crossgate_answer {
    fn of(said: &Said) -> Self {
        crossgate_answer {
            struct_size: 0,
            flags: said.flags,
            kind: said.kind,
            reason: said.reason,
            action: said.action,
            allowed: said.allowed,
            status: said.status,
            depends_on: said.depends_on,
        }
    }
}

/// Makes an answer ready to be filled: struct_size is set, the rest is 0. size is
/// sizeof (crossgate_answer). One answer may be filled again and again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_answer_init(
    answer: *mut crossgate_answer,
    size: usize,
) -> crossgate_status {
    // SAFETY: NULL or the caller's memory, of that size.
    guard(|| unsafe { init(answer, size) })
}

/// Decides about a request of which everything is text, and writes what to do as text. lines has
/// the request's header lines as HTTP/1.1 writes them, "Name: value\r\n" one after the other: all
/// of them, or those that CORS reads (Origin, Access-Control-Request-*, Sec-Fetch-Site). The last
/// may lack its end. A line without a colon, or one that begins with white space, is
/// CROSSGATE_ERR_INVALID_ARGUMENT.
///
/// out gets a line for each thing to do with the response: "Name: value\r\n" sets a header,
/// "+Name: value\r\n" adds the names in the value to those that the response has, "-Name\r\n"
/// removes a header. It is filled as with snprintf; 1,024 bytes do for most policies. An answered
/// preflight has no body.
///
/// application_verdict is CROSSGATE_VERDICT_...; absent where the policy has no origin_predicate,
/// or where the application was not asked yet. Allocates nothing and keeps nothing: neither input
/// nor output is used after the call. They must not overlap. After a failure the answer says
/// forward, no permission, and out is empty. Safe from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_evaluate_block(
    policy: *const crossgate_policy,
    method: *const c_char,
    method_len: usize,
    lines: *const c_char,
    lines_len: usize,
    application_verdict: i32,
    answer: *mut crossgate_answer,
    out: *mut c_char,
    out_size: usize,
    length: *mut usize,
) -> crossgate_status {
    // SAFETY: the caller's outputs; the answer is NULL or has its size.
    let say_nothing = || unsafe {
        let _ = Buffer::new(out, out_size, length);
        write_common(&crossgate_answer::of(&Said::NOTHING), answer)
    };
    let decide = || {
        say_nothing()?;
        // SAFETY: as above.
        let mut out = unsafe { Buffer::new(out, out_size, length) }?;
        // SAFETY: NULL or a policy of this library that is not freed during the call.
        let policy = unsafe { borrow(policy) }?;
        // SAFETY: NULL or the caller's bytes, unchanged during the call.
        let (method, lines) = unsafe { (bytes(method, method_len)?, bytes(lines, lines_len)?) };
        let verdict = verdict(application_verdict)?;
        if verdict.is_some() && !policy.policy.has_origin_predicate() {
            return Err(CROSSGATE_ERR_VERDICT_NOT_ASKED);
        }
        let block = Block { lines };
        let request = block.request(method)?;
        let said = evaluate(policy, &request, verdict, |decision, is_open| {
            write_operations(decision, &mut out);
            let said = said_without_headers(decision);
            let open = if is_open {
                CROSSGATE_DECISION_NEEDS_VERDICT
            } else {
                0
            };
            Said {
                flags: said.flags | open,
                ..said
            }
        })?;
        out.finish()?;
        // SAFETY: as above.
        unsafe { write_common(&crossgate_answer::of(&said), answer) }
    };
    let status = || decide().map_or_else(|status| status, |()| CROSSGATE_OK);
    guard_or_else(status, || {
        let _ = say_nothing();
        CROSSGATE_ERR_PANIC
    })
}

/// # Safety
/// NULL, or so many readable bytes that stay as they are while `'a` lasts.
unsafe fn bytes<'a>(data: *const c_char, len: usize) -> Outcome<&'a [u8]> {
    match (data.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(CROSSGATE_ERR_NULL_ARGUMENT),
        // SAFETY: this function's own contract.
        (false, len) => Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) }),
    }
}

/// The header lines of a request in one piece.
struct Block<'a> {
    lines: &'a [u8],
}

impl<'a> Block<'a> {
    /// Names and values; `None` for a line that is none.
    fn each(&self) -> impl Iterator<Item = Option<(&'a [u8], &'a [u8])>> {
        let lines = self.lines.split(|byte| *byte == b'\n');
        lines
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.is_empty())
            .map(|line| {
                let colon = line.iter().position(|byte| *byte == b':')?;
                let folded = matches!(line[0], b' ' | b'\t');
                (!folded).then(|| (&line[..colon], &line[colon + 1..]))
            })
    }

    fn request(&self, method: &'a [u8]) -> Outcome<Request<'_>> {
        let mut request = Request::new(method);
        let (mut first, mut count) = (None, 0);
        for line in self.each() {
            let (name, value) = line.ok_or(CROSSGATE_ERR_INVALID_ARGUMENT)?;
            if RequestHeader::from_name(name) == Some(RequestHeader::Headers) {
                // Not collected, which would allocate.
                first = first.or(Some(value));
                count += 1;
            } else {
                request.push(name, value);
            }
        }
        Ok(request.with_acrh(match (first, count) {
            (None, _) => Lines::Absent,
            (Some(line), 1) => Lines::One(line),
            _ => Lines::Many(self),
        }))
    }
}

/// The lines of Access-Control-Request-Headers.
impl LineSource for Block<'_> {
    fn each_line(&self, each: &mut dyn FnMut(&[u8]) -> bool) {
        for (name, value) in self.each().flatten() {
            let is_names = RequestHeader::from_name(name) == Some(RequestHeader::Headers);
            if is_names && !each(value) {
                break;
            }
        }
    }
}

/// Evaluates, and hands over the decision and whether the application is still to be asked.
fn evaluate(
    policy: &crossgate_policy,
    request: &Request<'_>,
    verdict: Option<Verdict>,
    mut each: impl FnMut(&Decision<'_>, bool) -> Said,
) -> Outcome<Said> {
    let unlisted = match policy.policy.evaluate_listed(request) {
        Ok(listed) => return Ok(each(&listed, false)),
        Err(unlisted) => unlisted,
    };
    let mut said = None;
    let mut finish = |scratch: &mut [u8]| {
        let evaluation = policy
            .policy
            .evaluate_unlisted(request, unlisted, Some(scratch));
        said = Some(match &evaluation {
            Evaluation::Decided(decided) => each(decided, false),
            Evaluation::NeedsVerdict(open) => {
                let [allowed, denied] = open.both();
                match verdict {
                    Some(Verdict::Allow) => each(allowed, false),
                    verdict => each(denied, verdict.is_none()),
                }
            }
        });
        Ok(())
    };
    if policy.scratch_size() > 0 && request.kind() == RequestKind::Preflight {
        with_scratch(finish)?;
    } else {
        finish(&mut [])?;
    }
    said.ok_or(CROSSGATE_ERR_PANIC)
}

fn write_operations(decision: &Decision<'_>, out: &mut Buffer) {
    for header in decision.headers() {
        if header.op == HeaderOp::Merge {
            out.put(b"+");
        }
        for text in [header.name.as_str(), ": ", header.value, "\r\n"] {
            out.put(text.as_bytes());
        }
    }
    for name in decision.remove() {
        for text in ["-", name.as_str(), "\r\n"] {
            out.put(text.as_bytes());
        }
    }
}

//! The request, as C hands it over: arrays of lines, or lines added one by one.

use std::ffi::c_char;
use std::mem::{ManuallyDrop, MaybeUninit};

use crossgate::{Field, LineSource, Lines, Request, RequestHeader, Verdict};

use crate::status::{
    CROSSGATE_INVALID_ARGUMENT, CROSSGATE_NULL_ARGUMENT, CROSSGATE_STRUCT_SIZE, Outcome,
    crossgate_status, guard,
};
use crate::text::{bytes, crossgate_str};

/// The host says nothing; for a policy with host_origins that is a no.
pub const CROSSGATE_VERDICT_ABSENT: i32 = 0;
/// The host allows the origin.
pub const CROSSGATE_VERDICT_ALLOW: i32 = 1;
/// The host does not.
pub const CROSSGATE_VERDICT_DENY: i32 = 2;

/// The lines of Access-Control-Request-Headers that crossgate_request_add_header() has room for.
/// Browsers send one.
pub const CROSSGATE_ADDED_LINES: usize = 16;

/// The lines of one header field: the values of all header lines of that name, in order. A line
/// whose data is NULL is no line.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct crossgate_lines {
    /// The first line; NULL only if there is none.
    pub data: *const crossgate_str,
    /// The number of lines.
    pub count: usize,
}

/// What a policy is asked about: the method and the few header fields that CORS reads. Made ready
/// by crossgate_request_init(), then filled by crossgate_request_add_header() or by pointing the
/// members at the host's own lines. All text stays the host's and must not change as long as the
/// request is used. Never join lines and never leave any out: two Origin lines are no origin.
#[repr(C)]
pub struct crossgate_request {
    /// sizeof (crossgate_request).
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// The method, as sent.
    pub method: crossgate_str,
    /// Origin
    pub origin: crossgate_lines,
    /// Access-Control-Request-Method
    pub acr_method: crossgate_lines,
    /// Access-Control-Request-Headers
    pub acr_headers: crossgate_lines,
    /// Access-Control-Request-Private-Network
    pub acr_private_network: crossgate_lines,
    /// Sec-Fetch-Site, read only by policies with denied_actual = "reject".
    pub sec_fetch_site: crossgate_lines,
    /// CROSSGATE_VERDICT_...: what the host says of an origin that crossgate_asks_host() gave.
    pub verdict: i32,
    /// What crossgate_request_add_header() took; its business alone. It counts behind the lines
    /// above.
    pub added_acr_headers_count: u32,
    /// Its business alone.
    pub added_origin_count: u32,
    /// Its business alone.
    pub added_acr_method_count: u32,
    /// Its business alone.
    pub added_acr_private_network_count: u32,
    /// Its business alone.
    pub added_sec_fetch_site_count: u32,
    /// Its business alone.
    pub added_origin: MaybeUninit<crossgate_str>,
    /// Its business alone.
    pub added_acr_method: MaybeUninit<crossgate_str>,
    /// Its business alone.
    pub added_acr_private_network: MaybeUninit<crossgate_str>,
    /// Its business alone.
    pub added_sec_fetch_site: MaybeUninit<crossgate_str>,
    /// Its business alone.
    pub added_acr_headers: [MaybeUninit<crossgate_str>; 16],
}

const _: () = assert!(CROSSGATE_ADDED_LINES == 16);

const NO_LINES: crossgate_lines = crossgate_lines {
    data: std::ptr::null(),
    count: 0,
};

/// Makes a request ready: no header lines, no verdict. size is sizeof (crossgate_request). The
/// method is borrowed; absent is as good as empty. Members that have counts of 0 are left as they
/// are, so this is cheap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_request_init(
    request: *mut crossgate_request,
    size: usize,
    method: *const c_char,
    method_len: usize,
) -> crossgate_status {
    guard(|| {
        if request.is_null() {
            return Err(CROSSGATE_NULL_ARGUMENT);
        }
        if size != size_of::<crossgate_request>() {
            return Err(CROSSGATE_STRUCT_SIZE);
        }
        // SAFETY: the caller's text.
        unsafe { bytes(method, method_len) }?;
        // SAFETY: the caller's memory, of the right size. Member by member and without a reference:
        // the room for lines stays uninitialised.
        unsafe {
            (*request).struct_size = size as u32;
            (*request).flags = 0;
            (*request).method = crossgate_str {
                data: method,
                len: method_len,
            };
            (*request).origin = NO_LINES;
            (*request).acr_method = NO_LINES;
            (*request).acr_headers = NO_LINES;
            (*request).acr_private_network = NO_LINES;
            (*request).sec_fetch_site = NO_LINES;
            (*request).verdict = CROSSGATE_VERDICT_ABSENT;
            (*request).added_acr_headers_count = 0;
            (*request).added_origin_count = 0;
            (*request).added_acr_method_count = 0;
            (*request).added_acr_private_network_count = 0;
            (*request).added_sec_fetch_site_count = 0;
        }
        Ok(())
    })
}

/// Takes one header line; any case of the name will do, and names that CORS does not read are
/// passed over, so a host calls it for every line. The value is borrowed, an absent one is as good
/// as empty. Of Access-Control-Request-Headers CROSSGATE_ADDED_LINES lines are kept; with more the
/// list counts as too long (under a literal "*": as one that names Authorization), so that nothing
/// passes unseen. A host that must do better points acr_headers at an array of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_request_add_header(
    request: *mut crossgate_request,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or the caller's request.
        unsafe { check_size(request) }?;
        // SAFETY: the size is right, so every member outside the room is initialised, and nobody
        // else uses it meanwhile.
        let request = unsafe { &mut *request };
        // SAFETY: the caller's texts.
        let (name, value) = unsafe { (bytes(name, name_len)?, bytes(value, value_len)?) };
        let Some(header) = RequestHeader::from_name(name) else {
            return Ok(());
        };
        let line = crossgate_str {
            data: if value.is_empty() {
                c"".as_ptr()
            } else {
                value.as_ptr().cast()
            },
            len: value.len(),
        };
        let (first, count) = match header {
            RequestHeader::Origin => (&mut request.added_origin, &mut request.added_origin_count),
            RequestHeader::Method => (
                &mut request.added_acr_method,
                &mut request.added_acr_method_count,
            ),
            RequestHeader::PrivateNetwork => (
                &mut request.added_acr_private_network,
                &mut request.added_acr_private_network_count,
            ),
            RequestHeader::SecFetchSite => (
                &mut request.added_sec_fetch_site,
                &mut request.added_sec_fetch_site_count,
            ),
            RequestHeader::Headers => {
                let index = request.added_acr_headers_count as usize;
                if let Some(room) = request.added_acr_headers.get_mut(index) {
                    room.write(line);
                }
                request.added_acr_headers_count = request.added_acr_headers_count.saturating_add(1);
                return Ok(());
            }
        };
        // Of the others only the first counts, and whether there are more.
        if *count == 0 {
            first.write(line);
        }
        *count = count.saturating_add(1);
        Ok(())
    })
}

/// # Safety
/// NULL, or a request whose `struct_size` is set.
#[inline]
unsafe fn check_size(request: *const crossgate_request) -> Outcome {
    if request.is_null() {
        return Err(CROSSGATE_NULL_ARGUMENT);
    }
    // SAFETY: not NULL; the size is the first member of every version of the struct.
    if unsafe { (*request).struct_size } as usize == size_of::<crossgate_request>() {
        Ok(())
    } else {
        Err(CROSSGATE_STRUCT_SIZE)
    }
}

#[inline]
pub(crate) fn verdict(number: i32) -> Outcome<Option<Verdict>> {
    match number {
        CROSSGATE_VERDICT_ABSENT => Ok(None),
        CROSSGATE_VERDICT_ALLOW => Ok(Some(Verdict::Allow)),
        CROSSGATE_VERDICT_DENY => Ok(Some(Verdict::Deny)),
        _ => Err(CROSSGATE_INVALID_ARGUMENT),
    }
}

impl crossgate_lines {
    /// # Safety
    /// `data` is NULL or has `count` readable lines that outlive `'a`.
    #[inline]
    unsafe fn slice<'a>(self) -> Outcome<&'a [crossgate_str]> {
        if self.count == 0 {
            return Ok(&[]);
        }
        if self.data.is_null() {
            return Err(CROSSGATE_NULL_ARGUMENT);
        }
        if self.count > isize::MAX as usize / size_of::<crossgate_str>() {
            return Err(CROSSGATE_INVALID_ARGUMENT);
        }
        // SAFETY: not NULL, of a possible length, readable by this function's own contract.
        Ok(unsafe { std::slice::from_raw_parts(self.data, self.count) })
    }

    /// Adds the lines to a field.
    ///
    /// # Safety
    /// `data` is NULL or has `count` readable lines, and each of these is absent or readable, all
    /// outliving `'a`.
    #[inline(always)]
    pub(crate) unsafe fn push_to<'a>(self, field: &mut Field<'a>) -> Outcome {
        // SAFETY: this function's own contract.
        for line in unsafe { self.slice() }? {
            // SAFETY: this function's own contract.
            if let Some(value) = unsafe { line.bytes() }? {
                field.push(value);
            }
        }
        Ok(())
    }
}

/// # Safety
/// `direct` as for [`crossgate_lines::push_to`]; `added` is initialised if `count` is not 0, and
/// readable like a line.
#[inline(always)]
unsafe fn fill<'a>(
    field: &mut Field<'a>,
    direct: crossgate_lines,
    added: &MaybeUninit<crossgate_str>,
    count: u32,
) -> Outcome {
    // SAFETY: this function's own contract.
    unsafe { direct.push_to(field) }?;
    if count > 0 {
        // SAFETY: `crossgate_request_add_header` wrote it before it counted.
        let first = unsafe { added.assume_init().bytes() }?.unwrap_or_default();
        field.push(first);
        if count > 1 {
            field.push(first);
        }
    }
    Ok(())
}

/// Stands for lines that there was no room for: more empty elements than any list may have, and the
/// one name that a literal `*` does not cover. It can only deny.
const TOO_MANY_LINES: &[u8] =
    b",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,authorization";

/// What C handed over, checked as far as every call needs it.
pub(crate) struct Given<'a> {
    request: &'a crossgate_request,
    pub(crate) verdict: Option<Verdict>,
}

// SAFETY: the pointers are only read from, and the host may not change what they point at while the
// request is in use.
unsafe impl Sync for Given<'_> {}

/// A request to be filled. Not dropped: it owns nothing (`Lines::Collected` is never made here),
/// and the compiler need not find that out.
#[inline(always)]
pub(crate) fn empty<'a>() -> ManuallyDrop<Request<'a>> {
    ManuallyDrop::new(Request::default())
}

/// The request, if it is a usual one: no verdict, and each field once at most, through
/// `crossgate_request_add_header`. It is only read from, so that the compiler builds nothing.
/// `None` for everything else, mistakes among it.
///
/// # Safety
/// As for [`Given::read`].
#[inline(always)]
pub(crate) unsafe fn usual<'a>(
    request: *const crossgate_request,
) -> Option<ManuallyDrop<Request<'a>>> {
    // SAFETY: this function's own contract.
    unsafe { check_size(request) }.ok()?;
    // SAFETY: of the right size, so every member outside the room for added lines is initialised.
    let r = unsafe { &*request };
    let direct = r.origin.count
        | r.acr_method.count
        | r.acr_headers.count
        | r.acr_private_network.count
        | r.sec_fetch_site.count;
    let fields = r.added_origin_count | r.added_acr_method_count | r.added_acr_headers_count;
    let is_text = !r.method.data.is_null() && r.method.len <= isize::MAX as usize;
    if direct != 0
        || r.flags | r.verdict as u32 | r.added_acr_private_network_count != 0
        || fields > 1
        || !is_text
    {
        return None;
    }
    let mut request = empty();
    // SAFETY: as above; `crossgate_request_add_header` wrote and checked a line before it counted
    // it.
    unsafe {
        request.method = std::slice::from_raw_parts(r.method.data.cast(), r.method.len);
        if r.added_origin_count != 0 {
            request.origin = Field::one(added(&r.added_origin));
        }
        if r.added_acr_method_count != 0 {
            request.acrm = Field::one(added(&r.added_acr_method));
        }
        if r.added_acr_headers_count != 0 {
            request.acrh = Lines::One(added(&r.added_acr_headers[0]));
        }
    }
    Some(request)
}

impl<'a> Given<'a> {
    /// # Safety
    /// `request` is NULL or the caller's request, made ready by `crossgate_request_init`; all its
    /// lines are readable and outlive `'a`, and none changes meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn read(request: *const crossgate_request) -> Outcome<Self> {
        // SAFETY: this function's own contract.
        unsafe { check_size(request) }?;
        // SAFETY: of the right size, so every member outside the room for added lines is
        // initialised.
        let request = unsafe { &*request };
        if request.flags != 0 {
            return Err(CROSSGATE_INVALID_ARGUMENT);
        }
        Ok(Given {
            request,
            verdict: verdict(request.verdict)?,
        })
    }

    /// The same for the core. In place: a request that is handed from function to function is
    /// copied each time.
    #[inline(always)]
    pub(crate) fn fill(&'a self, request: &mut Request<'a>) -> Outcome {
        // SAFETY: the contract of `read`.
        request.method = unsafe { self.request.method.bytes() }?.unwrap_or_default();
        self.fill_fields(request)
    }

    fn fill_fields(&'a self, request: &mut Request<'a>) -> Outcome {
        let r = self.request;
        // SAFETY: the contract of `read`: texts and lines are readable, added ones initialised as
        // far as they are counted.
        unsafe {
            fill(
                &mut request.origin,
                r.origin,
                &r.added_origin,
                r.added_origin_count,
            )?;
            fill(
                &mut request.acrm,
                r.acr_method,
                &r.added_acr_method,
                r.added_acr_method_count,
            )?;
            fill(
                &mut request.acrpn,
                r.acr_private_network,
                &r.added_acr_private_network,
                r.added_acr_private_network_count,
            )?;
            fill(
                &mut request.sec_fetch_site,
                r.sec_fetch_site,
                &r.added_sec_fetch_site,
                r.added_sec_fetch_site_count,
            )?;
        }
        let (direct, added) = self.lists()?;
        // The usual shapes need no dynamic call.
        request.acrh = match (direct, added) {
            ([], []) => Lines::Absent,
            // SAFETY: as above.
            ([line], []) | ([], [line]) => {
                unsafe { line.bytes() }?.map_or(Lines::Absent, Lines::One)
            }
            _ => match self
                .list_lines()
                .try_fold(0, |count, line| line.map(|_| count + 1))?
            {
                0 => Lines::Absent,
                _ => Lines::Many(self),
            },
        };
        Ok(())
    }

    /// The lines of Access-Control-Request-Headers, from both places.
    fn lists(&self) -> Outcome<(&'a [crossgate_str], &'a [crossgate_str])> {
        let kept = (self.request.added_acr_headers_count as usize).min(CROSSGATE_ADDED_LINES);
        // SAFETY: `crossgate_request_add_header` wrote the first `kept` lines, and `kept` is within
        // the array; the others are readable by the contract of `read`.
        unsafe {
            Ok((
                self.request.acr_headers.slice()?,
                std::slice::from_raw_parts(self.request.added_acr_headers.as_ptr().cast(), kept),
            ))
        }
    }

    /// Every line of both, checked.
    fn list_lines(&self) -> impl Iterator<Item = Outcome<&'a [u8]>> {
        let (direct, added) = self.lists().unwrap_or_default();
        let too_many = self.request.added_acr_headers_count as usize > CROSSGATE_ADDED_LINES;
        // SAFETY: readable by the contract of `read`.
        let given = direct
            .iter()
            .chain(added)
            .filter_map(|line| unsafe { line.bytes() }.transpose());
        given.chain(too_many.then_some(Ok(TOO_MANY_LINES)))
    }
}

impl LineSource for Given<'_> {
    fn each_line(&self, each: &mut dyn FnMut(&[u8]) -> bool) {
        // `fill_fields` found no line that is wrong.
        let _ = self.list_lines().all(|line| line.is_ok_and(&mut *each));
    }
}

/// # Safety
/// `crossgate_request_add_header` wrote the line, which is readable as long as `'a`.
#[inline(always)]
unsafe fn added<'a>(line: &MaybeUninit<crossgate_str>) -> &'a [u8] {
    // SAFETY: this function's own contract; an empty line points at an empty text.
    unsafe {
        let line = line.assume_init();
        std::slice::from_raw_parts(line.data.cast(), line.len)
    }
}

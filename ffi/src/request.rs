//! The request, as C hands it over: arrays of lines, or lines added one by one.

use std::ffi::c_char;
use std::mem::{ManuallyDrop, MaybeUninit};

use crossgate::{Field, LineSource, Lines, Request, RequestHeader, Verdict};

use crate::growable::{Growable, caller_size, clear_unknown, knows_everything, served};
use crate::status::{
    CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NULL_ARGUMENT, CROSSGATE_ERR_STRUCT_SIZE,
    Outcome, crossgate_status, guard,
};
use crate::text::{bytes, crossgate_str};

/// No verdict: the application was not asked, or does not know. The origin is denied.
pub const CROSSGATE_VERDICT_ABSENT: i32 = 0;
/// The application allows the origin.
pub const CROSSGATE_VERDICT_ALLOW: i32 = 1;
/// The application denies it.
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
/// members at the caller's own lines. All text stays the caller's and must not change as long as
/// the request is used. Never join lines and never leave any out: two Origin lines are no origin.
#[repr(C)]
pub struct crossgate_request {
    /// sizeof (crossgate_request).
    pub struct_size: u32,
    /// CROSSGATE_VERDICT_...: what the application says of the origin, for a policy with
    /// origin_predicate. Leave it absent to be asked: CROSSGATE_DECISION_NEEDS_VERDICT.
    pub verdict: i32,
    /// The method, as sent.
    pub method: crossgate_str,
    /// The library's own, with what crossgate_request_add_header() took; it counts behind the lines
    /// below. Neither read nor write it.
    pub reserved: [MaybeUninit<u64>; 43],
    /// Origin
    pub origin: crossgate_lines,
    /// Access-Control-Request-Method
    pub acrm: crossgate_lines,
    /// Access-Control-Request-Headers
    pub acrh: crossgate_lines,
    /// Access-Control-Request-Private-Network
    pub acrpn: crossgate_lines,
    /// Sec-Fetch-Site, read only by policies with denied_actual = "reject".
    pub sec_fetch_site: crossgate_lines,
}

// SAFETY: `repr(C)`, the size first.
unsafe impl Growable for crossgate_request {
    const LEAST: usize = std::mem::offset_of!(crossgate_request, sec_fetch_site);
}

/// What lies in `reserved`: how many lines were added, and those that are kept.
#[repr(C)]
struct Added {
    acrh_count: u32,
    origin_count: u32,
    acrm_count: u32,
    acrpn_count: u32,
    sec_fetch_site_count: u32,
    origin: MaybeUninit<crossgate_str>,
    acrm: MaybeUninit<crossgate_str>,
    acrpn: MaybeUninit<crossgate_str>,
    sec_fetch_site: MaybeUninit<crossgate_str>,
    acrh: [MaybeUninit<crossgate_str>; CROSSGATE_ADDED_LINES],
}

const _: () = {
    assert!(size_of::<Added>() <= size_of::<[MaybeUninit<u64>; 43]>());
    assert!(align_of::<Added>() <= align_of::<u64>());
};

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
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        let is_current = size == size_of::<crossgate_request>();
        if !is_current {
            served::<crossgate_request>(size)?;
        }
        // SAFETY: the caller's text.
        unsafe { bytes(method, method_len) }?;
        // SAFETY: the caller's memory, of that size. Member by member and without a reference: the
        // room for lines stays uninitialised.
        unsafe {
            (*request).struct_size = size as u32;
            (*request).verdict = CROSSGATE_VERDICT_ABSENT;
            (*request).method = crossgate_str {
                data: method,
                len: method_len,
            };
            (*request).origin = NO_LINES;
            (*request).acrm = NO_LINES;
            (*request).acrh = NO_LINES;
            (*request).acrpn = NO_LINES;
            let added = (&raw mut (*request).reserved).cast::<Added>();
            (*added).acrh_count = 0;
            (*added).origin_count = 0;
            (*added).acrm_count = 0;
            (*added).acrpn_count = 0;
            (*added).sec_fetch_site_count = 0;
            if is_current {
                (*request).sec_fetch_site = NO_LINES;
            } else {
                init_rest(request, size);
            }
        }
        Ok(())
    })
}

/// What only some versions have.
///
/// # Safety
/// `request` has `size` writable bytes.
#[cold]
unsafe fn init_rest(request: *mut crossgate_request, size: usize) {
    // SAFETY: this function's own contract.
    unsafe {
        if size >= size_of::<crossgate_request>() {
            (*request).sec_fetch_site = NO_LINES;
        }
        clear_unknown(request, size);
    }
}

/// Takes one header line; any case of the name will do, and names that CORS does not read are
/// passed over, so a server calls it for every line. The value is borrowed, an absent one is as
/// good as empty. Of Access-Control-Request-Headers CROSSGATE_ADDED_LINES lines are kept; with more
/// the list counts as too long (under a literal "*": as one that names Authorization), so that
/// nothing passes unseen. A server that must do better points acrh at an array of its own.
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
        unsafe { caller_size(request) }?;
        // SAFETY: of a right size and made ready, so the counts are initialised, and not used
        // otherwise meanwhile.
        let added = unsafe { &mut *(&raw mut (*request).reserved).cast::<Added>() };
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
            RequestHeader::Origin => (&mut added.origin, &mut added.origin_count),
            RequestHeader::Method => (&mut added.acrm, &mut added.acrm_count),
            RequestHeader::PrivateNetwork => (&mut added.acrpn, &mut added.acrpn_count),
            RequestHeader::SecFetchSite => {
                (&mut added.sec_fetch_site, &mut added.sec_fetch_site_count)
            }
            RequestHeader::Headers => {
                if let Some(room) = added.acrh.get_mut(added.acrh_count as usize) {
                    room.write(line);
                }
                added.acrh_count = added.acrh_count.saturating_add(1);
                return Ok(());
            }
            _ => return Ok(()),
        };
        // Of the others only the first counts, and whether there are more.
        if *count == 0 {
            first.write(line);
        }
        *count = count.saturating_add(1);
        Ok(())
    })
}

/// *origin is the first line of Origin, as it came: for logs, which must escape it
/// (crossgate_decision_describe() does). Absent (data NULL) if there is none. The text is the
/// server's own, without a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_request_origin(
    request: *const crossgate_request,
    origin: *mut crossgate_str,
) -> crossgate_status {
    guard(|| {
        if origin.is_null() {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        // SAFETY: not NULL, so the caller's to write.
        unsafe { origin.write(crossgate_str::ABSENT) };
        // SAFETY: NULL or the caller's request, unchanged during the call.
        let given = unsafe { Given::read(request) }?;
        if let Some(line) = given.origin().first_line() {
            let line = crossgate_str {
                data: line.as_ptr().cast(),
                len: line.len(),
            };
            // SAFETY: as above.
            unsafe { origin.write(line) };
        }
        Ok(())
    })
}

#[inline]
pub(crate) fn verdict(number: i32) -> Outcome<Option<Verdict>> {
    match number {
        CROSSGATE_VERDICT_ABSENT => Ok(None),
        CROSSGATE_VERDICT_ALLOW => Ok(Some(Verdict::Allow)),
        CROSSGATE_VERDICT_DENY => Ok(Some(Verdict::Deny)),
        _ => Err(CROSSGATE_ERR_INVALID_ARGUMENT),
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
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        if self.count > isize::MAX as usize / size_of::<crossgate_str>() {
            return Err(CROSSGATE_ERR_INVALID_ARGUMENT);
        }
        // SAFETY: not NULL, of a possible length, readable by this function's own contract.
        Ok(unsafe { std::slice::from_raw_parts(self.data, self.count) })
    }
}

/// Stands for lines that there was no room for: more empty elements than any list may have, and the
/// one name that a literal `*` does not cover. It can only deny.
const TOO_MANY_LINES: &[u8] =
    b",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,authorization";

/// A request to be filled. Not dropped: it owns nothing (`Lines::Collected` is never made here),
/// and the compiler need not find that out.
type Borrowed<'a> = ManuallyDrop<Request<'a>>;

/// The request for the core, if it has the shape that nearly all have: this version's struct, no
/// verdict, and each field once at most, through `crossgate_request_add_header`. It is only read
/// from, so that the compiler builds nothing. `None` for everything else, mistakes among it: see
/// [`Given`].
///
/// # Safety
/// As for [`Given::read`].
#[inline(always)]
pub(crate) unsafe fn usual<'a>(request: *const crossgate_request) -> Option<Borrowed<'a>> {
    // SAFETY: this function's own contract. Of this version's size, so every member but `reserved`
    // is initialised, and the counts in there.
    let (r, added) = unsafe {
        if request.is_null() || (*request).struct_size as usize != size_of::<crossgate_request>() {
            return None;
        }
        (
            &*request,
            &*(&raw const (*request).reserved).cast::<Added>(),
        )
    };
    let direct =
        r.origin.count | r.acrm.count | r.acrh.count | r.acrpn.count | r.sec_fetch_site.count;
    let fields = added.origin_count | added.acrm_count | added.acrh_count;
    let is_text = !r.method.data.is_null() && r.method.len <= isize::MAX as usize;
    if direct != 0 || r.verdict as u32 | added.acrpn_count != 0 || fields > 1 || !is_text {
        return None;
    }
    // SAFETY: as above; `crossgate_request_add_header` wrote and checked a line before it counted
    // it.
    unsafe {
        let method: &[u8] = std::slice::from_raw_parts(r.method.data.cast(), r.method.len);
        let field = |count, line| {
            if count == 0 {
                Field::ABSENT
            } else {
                Field::one(added_line(line))
            }
        };
        let acrh = if added.acrh_count == 0 {
            Lines::Absent
        } else {
            Lines::One(added_line(&added.acrh[0]))
        };
        let sec_fetch_site = match added.sec_fetch_site_count {
            0 | 1 => field(added.sec_fetch_site_count, &added.sec_fetch_site),
            _ => return None,
        };
        Some(ManuallyDrop::new(
            Request::new(method)
                .with_origin(field(added.origin_count, &added.origin))
                .with_acrm(field(added.acrm_count, &added.acrm))
                .with_acrh(acrh)
                .with_sec_fetch_site(sec_fetch_site),
        ))
    }
}

/// What C handed over, of any version and any shape, checked.
pub(crate) struct Given<'a> {
    method: &'a [u8],
    pub(crate) verdict: Option<Verdict>,
    origin: Field<'a>,
    acrm: Field<'a>,
    acrpn: Field<'a>,
    sec_fetch_site: Field<'a>,
    acrh: AcrhLines<'a>,
}

/// The lines of Access-Control-Request-Headers, from both places.
struct AcrhLines<'a> {
    direct: &'a [crossgate_str],
    added: &'a [crossgate_str],
    /// There was no room for some.
    too_many: bool,
}

// SAFETY: the pointers are only read from, and the caller may not change what they point at while
// the request is in use.
unsafe impl Sync for AcrhLines<'_> {}

impl<'a> Given<'a> {
    /// # Safety
    /// `request` is NULL or the caller's request, made ready by `crossgate_request_init`; all its
    /// lines are readable and outlive `'a`, and none changes meanwhile.
    pub(crate) unsafe fn read(request: *const crossgate_request) -> Outcome<Self> {
        // SAFETY: this function's own contract. The members are read one by one: an older caller
        // does not have them all.
        unsafe {
            let size = caller_size(request)?;
            if !knows_everything(request, size) {
                return Err(CROSSGATE_ERR_STRUCT_SIZE);
            }
            let sec_fetch_site = if size >= size_of::<crossgate_request>() {
                (*request).sec_fetch_site
            } else {
                NO_LINES
            };
            let verdict = verdict((*request).verdict)?;
            let added = &*(&raw const (*request).reserved).cast::<Added>();
            let kept = (added.acrh_count as usize).min(CROSSGATE_ADDED_LINES);
            let given = Given {
                method: (*request).method.bytes()?.unwrap_or_default(),
                verdict,
                origin: field((*request).origin, &added.origin, added.origin_count)?,
                acrm: field((*request).acrm, &added.acrm, added.acrm_count)?,
                acrpn: field((*request).acrpn, &added.acrpn, added.acrpn_count)?,
                sec_fetch_site: field(
                    sec_fetch_site,
                    &added.sec_fetch_site,
                    added.sec_fetch_site_count,
                )?,
                acrh: AcrhLines {
                    direct: (*request).acrh.slice()?,
                    // `crossgate_request_add_header` wrote the first `kept` lines.
                    added: std::slice::from_raw_parts(added.acrh.as_ptr().cast(), kept),
                    too_many: added.acrh_count as usize > CROSSGATE_ADDED_LINES,
                },
            };
            // Looked at once here, so that nothing is wrong with them later.
            given.acrh.each().try_for_each(|line| line.map(|_| ()))?;
            Ok(given)
        }
    }

    /// The lines of Origin.
    pub(crate) fn origin(&self) -> Field<'a> {
        self.origin
    }

    /// The same for the core.
    #[inline]
    pub(crate) fn request(&'a self) -> Borrowed<'a> {
        let mut lines = self.acrh.each().flatten();
        // One line needs no dynamic call.
        let acrh = match (lines.next(), lines.next()) {
            (None, _) => Lines::Absent,
            (Some(line), None) => Lines::One(line),
            _ => Lines::Many(&self.acrh),
        };
        ManuallyDrop::new(
            Request::new(self.method)
                .with_origin(self.origin)
                .with_acrm(self.acrm)
                .with_acrh(acrh)
                .with_acrpn(self.acrpn)
                .with_sec_fetch_site(self.sec_fetch_site),
        )
    }
}

impl<'a> AcrhLines<'a> {
    /// Every line of both places.
    fn each(&self) -> impl Iterator<Item = Outcome<&'a [u8]>> + use<'a> {
        // SAFETY: readable by the contract of `Given::read`.
        let given = self
            .direct
            .iter()
            .chain(self.added)
            .filter_map(|line| unsafe { line.bytes() }.transpose());
        given.chain(self.too_many.then_some(Ok(TOO_MANY_LINES)))
    }
}

impl LineSource for AcrhLines<'_> {
    fn each_line(&self, each: &mut dyn FnMut(&[u8]) -> bool) {
        let _ = self.each().flatten().all(&mut *each);
    }
}

/// The lines of a field, from both places.
///
/// # Safety
/// `direct` has `count` readable lines, and each of these is absent or readable, all outliving
/// `'a`; `added` is initialised if `count` is not 0, and readable like a line.
unsafe fn field<'a>(
    direct: crossgate_lines,
    added: &MaybeUninit<crossgate_str>,
    count: u32,
) -> Outcome<Field<'a>> {
    let mut field = Field::ABSENT;
    // SAFETY: this function's own contract; `crossgate_request_add_header` wrote a line before it
    // counted it.
    unsafe {
        for line in direct.slice()? {
            if let Some(value) = line.bytes()? {
                field.push(value);
            }
        }
        // More than one is as good as two.
        for _ in 0..count.min(2) {
            field.push(added.assume_init().bytes()?.unwrap_or_default());
        }
    }
    Ok(field)
}

/// # Safety
/// `crossgate_request_add_header` wrote the line, which is readable as long as `'a`.
#[inline(always)]
unsafe fn added_line<'a>(line: &MaybeUninit<crossgate_str>) -> &'a [u8] {
    // SAFETY: this function's own contract; an empty line points at an empty text.
    unsafe {
        let line = line.assume_init();
        std::slice::from_raw_parts(line.data.cast(), line.len)
    }
}

//! A decision as one string or one number: what crosses to JavaScript cheapest.
//! `lib/engine/decode.cjs` reads it.

use crossgate::{Action, Decision, HeaderName, NeedsVerdict, Reason, RequestKind, ValueSource};

use crate::tables::Flags;

// The first six bits are those of `Dependencies::bits`.
const ORIGIN_IS_LISTED: u32 = 1 << 6;
/// Every header is the policy's own text.
const IS_POLICY_TEXT: u32 = 1 << 7;
/// A header other than the origin holds text of the request.
const ECHOES: u32 = 1 << 8;
const FLAG_BITS: u32 = 9;

/// Between the parts of an open evaluation. No header value holds it.
const SEPARATOR: char = '\0';

pub(crate) fn flag_table() -> Flags {
    Flags {
        bits: FLAG_BITS,
        depends_on_origin: 1,
        depends_on_acrm: 2,
        depends_on_acrh: 4,
        depends_on_acrpn: 8,
        depends_on_sec_fetch_site: 16,
        origin_is_listed: ORIGIN_IS_LISTED,
        is_policy_text: IS_POLICY_TEXT,
        echoes: ECHOES,
    }
}

fn flags(decision: &Decision<'_>) -> u32 {
    let mut flags = u32::from(decision.depends_on().bits());
    if decision.origin_is_listed() {
        flags |= ORIGIN_IS_LISTED;
    }
    let mut foreign = decision
        .headers()
        .filter(|header| header.source != ValueSource::Policy);
    match foreign.next() {
        None => flags |= IS_POLICY_TEXT,
        Some(first) if first.name != HeaderName::AllowOrigin || foreign.next().is_some() => {
            flags |= ECHOES;
        }
        Some(_) => {}
    }
    flags
}

/// The number of a decision whose headers are the same for every request: the flags, and above them
/// what is decided. Decisions of one policy whose numbers agree above the flags are the same.
pub(crate) fn number(decision: &Decision<'_>) -> u32 {
    let mut number = decision.header_set();
    number = number * Reason::ALL.len() + decision.reason().number();
    number = number * RequestKind::ALL.len() + decision.kind() as usize;
    number = number * Action::ALL.len() + decision.action() as usize;
    ((number as u32) << FLAG_BITS) | flags(decision)
}

/// A decision in one string. The head is a character for each of these: the flags' lower five bits
/// and their upper ones, counted from `@`; `k` if the decision keeps what an upstream said, `s` if a
/// regex ran out of steps, `b` for both, or `-`;
/// kind; reason; action; allowed (`t`, `f`, `n`); three digits of status; each header to remove.
/// Then a line for each header: a letter for its name, and the value. Letters count from `a`.
pub(crate) fn encode(decision: &Decision<'_>) -> String {
    let mut out = String::with_capacity(512);
    encode_into(&mut out, decision);
    out
}

/// An open evaluation in one string: `?` and the origin in question, the decision if the
/// application allows it, the decision if not.
pub(crate) fn encode_open(open: &NeedsVerdict<'_>) -> String {
    let mut out = String::with_capacity(512);
    out.push('?');
    out.push_str(open.origin());
    for decision in open.both() {
        out.push(SEPARATOR);
        encode_into(&mut out, decision);
    }
    out
}

fn encode_into(out: &mut String, decision: &Decision<'_>) {
    let flags = flags(decision);
    out.extend([flags & 31, flags >> 5].map(|bits| char::from(b'@' + bits as u8)));
    out.push(
        match (decision.keeps_upstream(), decision.hit_regex_step_limit()) {
            (false, false) => '-',
            (true, false) => 'k',
            (false, true) => 's',
            (true, true) => 'b',
        },
    );
    out.push(letter(decision.kind() as usize));
    out.push(letter(decision.reason().number()));
    out.push(letter(decision.action() as usize));
    out.push(match decision.allowed() {
        Some(true) => 't',
        Some(false) => 'f',
        None => 'n',
    });
    let status = decision.status().unwrap_or(0);
    out.extend(
        [status / 100, status / 10, status].map(|number| char::from(b'0' + (number % 10) as u8)),
    );
    out.extend(decision.remove().iter().map(|name| letter(*name as usize)));
    for header in decision.headers() {
        out.push('\n');
        out.push(letter(header.name as usize));
        out.push_str(header.value);
    }
}

fn letter(index: usize) -> char {
    char::from(b'a' + index as u8)
}

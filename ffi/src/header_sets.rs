//! The header sets of a policy in C's own structs, made once when the policy is built. A decision
//! points at one of them, or at a copy with the values that come from the request.

use crossgate::binding::{HeaderTemplates, TemplateValue};
use crossgate::{HeaderOp, Policy};

use crate::decision::{
    CROSSGATE_OP_MERGE, CROSSGATE_OP_SET, CROSSGATE_SOURCE_POLICY, crossgate_header, header_number,
};
use crate::text::crossgate_str;

/// More headers than any decision has.
pub(crate) const MAX_HEADERS: usize = 8;

pub(crate) struct HeaderSet {
    pub(crate) header_count: u32,
    pub(crate) remove_count: u32,
    /// The headers whose value is the request's: at most the origin, the method and the names.
    pub(crate) of_request: [Option<(usize, TemplateValue<'static>)>; 3],
    /// In two halves: most sets need only the first.
    pub(crate) headers: [[crossgate_header; MAX_HEADERS / 2]; 2],
    pub(crate) remove: [crossgate_str; MAX_HEADERS],
}

// SAFETY: the strings are static or those of the policy that this is kept with, and never change.
unsafe impl Send for HeaderSet {}
// SAFETY: as above.
unsafe impl Sync for HeaderSet {}

const NO_HEADER: crossgate_header = crossgate_header {
    name: crossgate_str::ABSENT,
    lower_name: crossgate_str::ABSENT,
    value: crossgate_str::ABSENT,
    op: CROSSGATE_OP_SET,
    id: 0,
    source: CROSSGATE_SOURCE_POLICY,
    reserved: 0,
};

impl HeaderSet {
    /// All sets of a policy, in the order of their numbers. They borrow from it: keep
    /// them with it.
    pub(crate) fn all(policy: &Policy) -> Box<[HeaderSet]> {
        policy.header_sets().map(HeaderSet::of).collect()
    }

    fn of(templates: HeaderTemplates<'_>) -> HeaderSet {
        let mut set = HeaderSet {
            header_count: 0,
            remove_count: 0,
            of_request: [None; 3],
            headers: [[NO_HEADER; MAX_HEADERS / 2]; 2],
            remove: [crossgate_str::ABSENT; MAX_HEADERS],
        };
        let mut of_request = set.of_request.iter_mut();
        for ((index, header), room) in templates
            .headers()
            .enumerate()
            .zip(set.headers.as_flattened_mut())
        {
            let (text, of) = match header.value {
                TemplateValue::Fixed(text) => (crossgate_str::of(text), None),
                TemplateValue::Origin => (crossgate_str::ABSENT, Some(TemplateValue::Origin)),
                TemplateValue::Method => (crossgate_str::ABSENT, Some(TemplateValue::Method)),
                _ => (crossgate_str::ABSENT, Some(TemplateValue::Names)),
            };
            if let Some(of) = of
                && let Some(place) = of_request.next()
            {
                *place = Some((index, of));
            }
            *room = crossgate_header {
                name: crossgate_str::of(header.name.as_str()),
                lower_name: crossgate_str::of(header.name.lower()),
                value: text,
                op: match header.op {
                    HeaderOp::Set => CROSSGATE_OP_SET,
                    HeaderOp::Merge => CROSSGATE_OP_MERGE,
                },
                id: header_number(header.name),
                ..NO_HEADER
            };
            set.header_count += 1;
        }
        for (name, room) in templates.remove().iter().zip(&mut set.remove) {
            *room = crossgate_str::of(name.lower());
            set.remove_count += 1;
        }
        set
    }
}

//! The header sets of a policy as C reads them, made when the policy is built: a decision is a
//! copy.

use crossgate::{HeaderName, Policy, PreparedValue};

use crate::decision::{CROSSGATE_OP_SET, crossgate_header, header_number, op_number};
use crate::text::crossgate_str;

pub(crate) struct Prepared {
    pub(crate) header_count: u32,
    pub(crate) remove_count: u32,
    /// The headers whose value is the request's: at most the origin, the method and the names.
    pub(crate) of_request: [Option<(usize, PreparedValue<'static>)>; 3],
    /// In two halves: most sets need only the first.
    pub(crate) headers: [[crossgate_header; 4]; 2],
    pub(crate) remove: [[crossgate_str; 4]; 2],
}

// SAFETY: the strings are static or those of the policy that this is kept with, and never change.
unsafe impl Send for Prepared {}
// SAFETY: as above.
unsafe impl Sync for Prepared {}

const NO_HEADER: crossgate_header = crossgate_header {
    name: crossgate_str::ABSENT,
    lower_name: crossgate_str::ABSENT,
    value: crossgate_str::ABSENT,
    op: CROSSGATE_OP_SET,
    id: 0,
};

impl Prepared {
    /// All sets of a policy, in its order. They borrow from it, so whoever keeps them keeps it too.
    pub(crate) fn all(policy: &Policy) -> Box<[Prepared]> {
        policy
            .prepared()
            .map(|(headers, remove)| Prepared::of(headers, remove))
            .collect()
    }

    fn of<'p>(
        headers: impl Iterator<Item = (HeaderName, crossgate::Op, PreparedValue<'p>)>,
        remove: &[HeaderName],
    ) -> Prepared {
        let mut set = Prepared {
            header_count: 0,
            remove_count: 0,
            of_request: [None; 3],
            headers: [[NO_HEADER; 4]; 2],
            remove: [[crossgate_str::ABSENT; 4]; 2],
        };
        let mut of_request = set.of_request.iter_mut();
        for ((index, (name, op, value)), room) in
            headers.enumerate().zip(set.headers.as_flattened_mut())
        {
            let (text, of) = match value {
                PreparedValue::Fixed(text) => (crossgate_str::of(text), None),
                PreparedValue::Origin => (crossgate_str::ABSENT, Some(PreparedValue::Origin)),
                PreparedValue::Method => (crossgate_str::ABSENT, Some(PreparedValue::Method)),
                PreparedValue::Names => (crossgate_str::ABSENT, Some(PreparedValue::Names)),
            };
            if let Some(of) = of
                && let Some(place) = of_request.next()
            {
                *place = Some((index, of));
            }
            *room = crossgate_header {
                name: crossgate_str::of(name.as_str()),
                lower_name: crossgate_str::of(name.lower()),
                value: text,
                op: op_number(op),
                id: header_number(name),
            };
            set.header_count += 1;
        }
        for (name, room) in remove.iter().zip(set.remove.as_flattened_mut()) {
            *room = crossgate_str::of(name.lower());
            set.remove_count += 1;
        }
        set
    }
}

//! A policy's prepared header sets as ASGI writes them: pairs of bytes, made once and shared by every response.

use std::sync::Arc;

use crossgate::{Decision, HeaderName, Op, Policy, PreparedValue};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList};

use crate::text::Text;

/// A policy with its sets.
pub(crate) struct Compiled {
    pub(crate) policy: Arc<Policy>,
    sets: PyOnceLock<Box<[Set]>>,
}

/// The headers of a set, and which of them hold the request's values.
struct Set {
    /// Never changed; copied into responses.
    pairs: Py<PyList>,
    made: Box<[Made]>,
}

/// A header whose value is the request's: its place among the pairs, which holds its name until then.
struct Made {
    place: usize,
    name: Py<PyBytes>,
    value: PreparedValue<'static>,
}

impl Compiled {
    pub(crate) fn new(policy: Policy) -> Self {
        Compiled { policy: Arc::new(policy), sets: PyOnceLock::new() }
    }

    fn sets(&self, py: Python<'_>) -> PyResult<&[Set]> {
        let sets = self.sets.get_or_try_init(py, || self.policy.prepared().map(|(headers, _)| Set::new(py, headers)).collect::<PyResult<_>>())?;
        Ok(sets)
    }

    /// A new list: the decision's headers behind those of a response that says nothing of CORS and has no Vary.
    /// `origin`: the request's own bytes, which are not copied if they are what the header says.
    pub(crate) fn headers<'py>(
        &self,
        decision: &Decision<'_>,
        origin: Option<&Text>,
        theirs: Option<&Bound<'py, PyList>>,
        py: Python<'py>,
    ) -> PyResult<Bound<'py, PyList>> {
        let Some(set) = self.sets(py)?.get(decision.prepared()) else { return Ok(PyList::empty(py)) };
        let pairs = set.pairs.bind(py);
        let (start, list) = match theirs {
            // Two lists make one.
            Some(theirs) => (theirs.len(), theirs.as_sequence().concat(pairs.as_sequence())?.cast_into::<PyList>()?),
            None => (0, pairs.get_slice(0, pairs.len())),
        };
        // From the end: a header that is left out moves those behind it.
        for Made { place, name, value } in set.made.iter().rev() {
            match (decision.value_of(*value), origin) {
                (Some((text, _)), Some(Text::Bytes(bytes))) if bytes.as_bytes(py) == text.as_bytes() => list.set_item(start + place, (name, bytes))?,
                (Some((text, _)), _) => list.set_item(start + place, (name, PyBytes::new(py, text.as_bytes())))?,
                (None, _) => list.del_item(start + place)?,
            }
        }
        Ok(list)
    }
}

impl Set {
    fn new<'p>(py: Python<'_>, headers: impl Iterator<Item = (HeaderName, Op, PreparedValue<'p>)>) -> PyResult<Self> {
        let pairs = PyList::empty(py);
        let mut made = Vec::new();
        for (place, (name, _, value)) in headers.enumerate() {
            let name = PyBytes::new(py, name.lower().as_bytes());
            let mut of_request = |value| made.push(Made { place, name: name.clone().unbind(), value });
            match value {
                PreparedValue::Fixed(text) => {
                    pairs.append((&name, PyBytes::new(py, text.as_bytes())))?;
                    continue;
                }
                PreparedValue::Origin => of_request(PreparedValue::Origin),
                PreparedValue::Method => of_request(PreparedValue::Method),
                PreparedValue::Names => of_request(PreparedValue::Names),
            }
            pairs.append(name)?;
        }
        Ok(Set { pairs: pairs.unbind(), made: made.into() })
    }
}

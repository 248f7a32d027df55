//! The header sets of a policy as Python's (name, value) pairs, made once and shared by every
//! response. One implementation serves both shapes: pairs of bytes (ASGI) and of str (WSGI).

use std::sync::Arc;

use crossgate::binding::TemplateValue;
use crossgate::{Decision, HeaderName, OwnedDecision, Policy, Reason, ResponseHeaders};
use pyo3::prelude::*;
use pyo3::type_object::PyTypeCheck;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::api::source::OfPolicy;
use crate::convert::text::Text;

/// The type of names and values in pairs.
pub(crate) trait HeaderText: PyTypeCheck + Sized + 'static {
    /// A new object with this text.
    fn new<'py>(py: Python<'py>, text: &str) -> Bound<'py, Self>;

    /// The object behind a request's text, if it has this type.
    fn of_request(text: &Text) -> Option<&Py<Self>>;

    /// Whether an object has this text.
    fn is(this: &Bound<'_, Self>, text: &str) -> bool;

    /// An object's text, if it is UTF-8.
    fn text<'a>(this: &'a Bound<'_, Self>) -> Option<&'a str>;
}

impl HeaderText for PyBytes {
    fn new<'py>(py: Python<'py>, text: &str) -> Bound<'py, Self> {
        PyBytes::new(py, text.as_bytes())
    }

    fn of_request(text: &Text) -> Option<&Py<Self>> {
        match text {
            Text::Bytes(bytes) => Some(bytes),
            Text::Str(_) => None,
        }
    }

    fn is(this: &Bound<'_, Self>, text: &str) -> bool {
        this.as_bytes() == text.as_bytes()
    }

    fn text<'a>(this: &'a Bound<'_, Self>) -> Option<&'a str> {
        std::str::from_utf8(this.as_bytes()).ok()
    }
}

impl HeaderText for PyString {
    fn new<'py>(py: Python<'py>, text: &str) -> Bound<'py, Self> {
        PyString::new(py, text)
    }

    fn of_request(text: &Text) -> Option<&Py<Self>> {
        match text {
            Text::Str(text) => Some(text),
            Text::Bytes(_) => None,
        }
    }

    fn is(this: &Bound<'_, Self>, text: &str) -> bool {
        this.to_str().is_ok_and(|this| this == text)
    }

    fn text<'a>(this: &'a Bound<'_, Self>) -> Option<&'a str> {
        this.to_str().ok()
    }
}

/// The templates of every header set of a policy.
pub(crate) struct Templates<T> {
    policy: Arc<Policy>,
    /// By the number of the header set.
    sets: Box<[Template]>,
    /// By the number of the name.
    names: Box<[Py<T>]>,
}

/// The headers of a set.
struct Template {
    /// The pairs in their order. Where the value comes from the request, the name alone stands.
    /// This list never changes; it is copied into responses.
    pairs: Py<PyList>,
    /// The name of each pair.
    names: Box<[HeaderName]>,
    /// The places whose value comes from the request.
    open: Box<[(usize, TemplateValue<'static>)]>,
}

impl<T> OfPolicy for Templates<T> {
    fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }
}

impl<T: HeaderText> Templates<T> {
    /// `spell`: how a name is written.
    pub(crate) fn new(
        py: Python<'_>,
        policy: Arc<Policy>,
        spell: impl Fn(HeaderName) -> &'static str,
    ) -> PyResult<Self> {
        let names: Box<[Py<T>]> = HeaderName::ALL
            .iter()
            .map(|name| T::new(py, spell(*name)).unbind())
            .collect();
        let sets = policy
            .header_sets()
            .map(|set| {
                let pairs = PyList::empty(py);
                let (mut of_pairs, mut open) = (Vec::new(), Vec::new());
                for (place, header) in set.headers().enumerate() {
                    let name = names[header.name as usize].bind(py);
                    of_pairs.push(header.name);
                    if let TemplateValue::Fixed(text) = header.value {
                        pairs.append((name, T::new(py, text)))?;
                    } else {
                        pairs.append(name)?;
                        open.push((place, without_borrow(header.value)));
                    }
                }
                Ok(Template {
                    pairs: pairs.unbind(),
                    names: of_pairs.into(),
                    open: open.into(),
                })
            })
            .collect::<PyResult<_>>()?;
        Ok(Templates {
            policy,
            sets,
            names,
        })
    }

    /// How many header sets there are.
    pub(crate) fn count(&self) -> usize {
        self.sets.len()
    }

    /// The name as it is written in pairs.
    pub(crate) fn name<'py>(&self, py: Python<'py>, name: HeaderName) -> &Bound<'py, T> {
        self.names[name as usize].bind(py)
    }

    /// A new list with the fixed pairs of a set. [`Templates::fill`] completes it.
    pub(crate) fn unfilled<'py>(&self, py: Python<'py>, set: usize) -> Bound<'py, PyList> {
        let pairs = self.sets[set].pairs.bind(py);
        pairs.get_slice(0, pairs.len())
    }

    /// Puts the values of the request into a list whose pairs from `from` on are those of the
    /// decision's set. `origin`: the request's own object, which is used again if the header
    /// repeats it.
    pub(crate) fn fill(
        &self,
        decision: &Decision<'_>,
        origin: Option<&Py<T>>,
        list: &Bound<'_, PyList>,
        from: usize,
    ) -> PyResult<()> {
        let set = &self.sets[decision.header_set()];
        // From the end, because a header that is left out moves those behind it.
        for (place, value) in set.open.iter().rev() {
            match self.value(list.py(), decision, *value, origin) {
                None => list.del_item(from + place)?,
                Some(value) => {
                    let name = self.name(list.py(), set.names[*place]);
                    list.set_item(from + place, (name, value))?;
                }
            }
        }
        Ok(())
    }

    fn value<'py>(
        &self,
        py: Python<'py>,
        decision: &Decision<'_>,
        value: TemplateValue<'static>,
        origin: Option<&Py<T>>,
    ) -> Option<Bound<'py, T>> {
        let (text, _) = decision.value_of(value)?;
        Some(match origin.map(|origin| origin.bind(py)) {
            Some(origin) if T::is(origin, text) => origin.clone(),
            _ => T::new(py, text),
        })
    }
}

/// A value that comes from the request, which borrows nothing from the policy.
fn without_borrow(value: TemplateValue<'_>) -> TemplateValue<'static> {
    match value {
        TemplateValue::Method => TemplateValue::Method,
        TemplateValue::Names => TemplateValue::Names,
        _ => TemplateValue::Origin,
    }
}

/// A decision on its way over the application, with the templates of its policy.
pub(crate) struct PendingDecision<T> {
    templates: Arc<Templates<T>>,
    decision: OwnedDecision,
    /// The request's own object, if a header repeats it: `decision` then has no copy.
    origin: Option<Py<T>>,
}

impl<T: HeaderText> PendingDecision<T> {
    /// `origin`: the first `Origin` line of the request.
    pub(crate) fn new(
        py: Python<'_>,
        templates: Arc<Templates<T>>,
        decision: &Decision<'_>,
        origin: Option<&Text>,
    ) -> Self {
        let repeated = decision.named_origin().and_then(|named| {
            let origin = origin.and_then(T::of_request)?.bind(py);
            T::is(origin, named).then(|| origin.clone().unbind())
        });
        PendingDecision {
            templates,
            decision: match repeated {
                Some(_) => decision.to_owned_without_origin(),
                None => decision.to_owned_decision(),
            },
            origin: repeated,
        }
    }

    /// Why the request is allowed or denied.
    pub(crate) fn reason(&self) -> Reason {
        self.decision.reason()
    }

    /// See `crossgate::Decision::hit_regex_step_limit`.
    pub(crate) fn hit_regex_step_limit(&self) -> bool {
        self.decision.hit_regex_step_limit()
    }

    /// The status of the response that is made without the application.
    pub(crate) fn status(&self) -> Option<u16> {
        self.decision.decision(&self.templates.policy).status()
    }

    /// Calls `of` with the decision.
    #[inline]
    fn with_decision<R>(&self, py: Python<'_>, of: impl FnOnce(&Decision<'_>) -> R) -> R {
        let policy = &self.templates.policy;
        let origin = self.origin.as_ref().map(|origin| origin.bind(py));
        match origin.and_then(|origin| T::text(origin)) {
            Some(origin) => of(&self.decision.decision_for(policy, origin)),
            None => of(&self.decision.decision(policy)),
        }
    }

    pub(crate) fn templates(&self) -> &Templates<T> {
        &self.templates
    }

    /// A new list of the decision's pairs.
    pub(crate) fn pairs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let pairs = self.templates.unfilled(py, self.decision.header_set());
        self.fill(&pairs, 0)?;
        Ok(pairs)
    }

    /// A new list: a response's headers, none of which the decision may touch, and the decision's
    /// pairs behind them.
    pub(crate) fn behind<'py>(&self, theirs: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
        let pairs = self.templates.sets[self.decision.header_set()]
            .pairs
            .bind(theirs.py());
        // Two lists make one.
        let list = theirs
            .as_sequence()
            .concat(pairs.as_sequence())?
            .cast_into::<PyList>()?;
        // Without the interpreter's lock another thread may change `theirs` meanwhile. No other
        // thread has `list`.
        let from = list.len() - pairs.len();
        self.fill(&list, from)?;
        Ok(list)
    }

    /// As [`Templates::fill`].
    fn fill(&self, list: &Bound<'_, PyList>, from: usize) -> PyResult<()> {
        self.with_decision(list.py(), |decision| {
            self.templates
                .fill(decision, self.origin.as_ref(), list, from)
        })
    }

    /// Calls `each` with the name of every header and its pair.
    pub(crate) fn each<'py>(
        &self,
        py: Python<'py>,
        mut each: impl FnMut(HeaderName, Bound<'py, PyTuple>) -> PyResult<()>,
    ) -> PyResult<()> {
        let set = &self.templates.sets[self.decision.header_set()];
        let mut open = set.open.iter().peekable();
        for (place, name) in set.names.iter().enumerate() {
            let pair = match open.next_if(|(open, _)| *open == place) {
                None => set.pairs.bind(py).get_item(place)?.cast_into()?,
                Some((_, value)) => {
                    let origin = self.origin.as_ref();
                    let value = self.with_decision(py, |decision| {
                        self.templates.value(py, decision, *value, origin)
                    });
                    let Some(value) = value else { continue };
                    (self.templates.name(py, *name), value).into_pyobject(py)?
                }
            };
            each(*name, pair)?;
        }
        Ok(())
    }

    /// Applies the decision to a response that has headers which it may touch. Whether something
    /// was overwritten.
    pub(crate) fn apply(&self, py: Python<'_>, response: &mut impl ResponseHeaders) -> bool {
        self.with_decision(py, |decision| decision.apply(response))
    }

    /// Drops it on a thread that is attached, without asking PyO3 whether it is.
    #[cfg(not(any(Py_LIMITED_API, PyPy, GraalPy)))]
    pub(crate) fn release(self, py: Python<'_>) {
        self.origin
            .into_iter()
            .for_each(|origin| origin.drop_ref(py));
    }
}

//! What an application's function answered about an origin, for the engine to read.

use crossgate::binding::{self, Answer, Judged};
use crossgate::{OptionValue, Policy, SocketAccess};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFrozenSet, PyList, PySet, PyString, PyTuple};

use super::regex::regex;
use super::text::type_name;

/// An answer, with its own texts.
enum Given {
    Yes,
    No,
    Text(String),
    Regex(OptionValue),
    List(Vec<Given>),
    Other(String),
}

impl Given {
    fn read(value: &Bound<'_, PyAny>, depth: u8) -> PyResult<Self> {
        Ok(if value.is_none() {
            Given::No
        } else if let Ok(boolean) = value.cast::<PyBool>() {
            if boolean.is_true() {
                Given::Yes
            } else {
                Given::No
            }
        } else if let Ok(text) = value.cast::<PyString>() {
            Given::Text(text.to_string_lossy().into_owned())
        } else if let Some(regex) = regex(value)? {
            Given::Regex(regex)
        } else if is_list(value) {
            // Elements of a list in a list do not count, whatever they are.
            let items = if depth == 0 {
                value
                    .try_iter()?
                    .map(|item| Given::read(&item?, 1))
                    .collect::<PyResult<_>>()?
            } else {
                Vec::new()
            };
            Given::List(items)
        } else {
            Given::Other(type_name(value))
        })
    }

    fn answer(&self) -> Answer<'_> {
        match self {
            Given::Yes => Answer::Yes,
            Given::No => Answer::No,
            Given::Text(text) => Answer::Text(text),
            Given::Regex(OptionValue::Regex {
                source,
                flags,
                dialect,
            }) => Answer::Regex {
                source,
                flags,
                dialect: *dialect,
            },
            Given::Regex(_) => Answer::Other("regex"),
            Given::List(items) => Answer::List(items.iter().map(Given::answer).collect()),
            Given::Other(kind) => Answer::Other(kind),
        }
    }
}

/// What is a list by what it is, and not because it can be iterated: a generator is none.
fn is_list(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || value.is_instance_of::<PySet>()
        || value.is_instance_of::<PyFrozenSet>()
}

/// What the engine says of an answer: whether it allows the origin, and what is wrong with it.
pub(crate) fn judge(
    policy: &Policy,
    origin: &str,
    socket: Option<SocketAccess>,
    answer: &Bound<'_, PyAny>,
) -> PyResult<(bool, Option<String>)> {
    let given = Given::read(answer, 0)?;
    let Judged { verdict, fault } = binding::judge(policy, origin, socket, &given.answer());
    Ok((verdict == crossgate::Verdict::Allow, fault))
}

//! Policy documents from keyword arguments, and back.

use crossgate::{Document, OptionValue};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping,
    PyMemoryView, PySet, PyString, PyTuple,
};

use super::regex::regex;
use super::text::type_name;

/// Makes a document of keyword arguments. A value of the wrong type becomes a problem of the policy
/// and not a TypeError. An exception that an iterable raises is passed on.
pub(crate) fn document(options: Option<&Bound<'_, PyDict>>) -> PyResult<Document> {
    let mut document = Document::new();
    for (name, option) in options.into_iter().flatten() {
        document.push(name.cast::<PyString>()?.to_string_lossy(), value(&option)?);
    }
    Ok(document)
}

fn value(option: &Bound<'_, PyAny>) -> PyResult<OptionValue> {
    // These are iterable, but they are not lists of strings.
    let is_other = option.is_instance_of::<PyBytes>()
        || option.is_instance_of::<PyByteArray>()
        || option.is_instance_of::<PyMemoryView>()
        || option.cast::<PyMapping>().is_ok();
    match (scalar(option), option.try_iter()) {
        (Some(value), _) => Ok(value),
        (None, Ok(_)) if answers_itself(option)? => Ok(OptionValue::Other(format!(
            "{} with a __contains__ of its own",
            type_name(option)
        ))),
        (None, Ok(items)) if !is_other => {
            let mut values: Vec<OptionValue> = items
                .map(|item| {
                    let item = item?;
                    Ok(match scalar(&item) {
                        Some(value) => value,
                        None => regex(&item)?.unwrap_or_else(|| other(&item)),
                    })
                })
                .collect::<PyResult<_>>()?;
            if option.is_instance_of::<PySet>() || option.is_instance_of::<PyFrozenSet>() {
                // The order of a set changes from process to process. Sorting makes every worker
                // send the same headers.
                values.sort_by_cached_key(|value| format!("{value:?}"));
            }
            Ok(OptionValue::List(values))
        }
        _ => Ok(other(option)),
    }
}

/// Whether a list has a look-up of its own, which would never be called: a policy is built from
/// what the list has now.
fn answers_itself(list: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = list.py();
    let name = intern!(py, "__contains__");
    let bases = [
        py.get_type::<PyList>(),
        py.get_type::<PyTuple>(),
        py.get_type::<PySet>(),
        py.get_type::<PyFrozenSet>(),
    ];
    for base in bases {
        if list.is_instance(&base)? {
            return Ok(!list.get_type().getattr(name)?.is(&base.getattr(name)?));
        }
    }
    Ok(false)
}

fn scalar(value: &Bound<'_, PyAny>) -> Option<OptionValue> {
    if let Ok(text) = value.cast::<PyString>() {
        Some(OptionValue::Str(text.to_string_lossy().into_owned()))
    } else if value.is_none() {
        Some(OptionValue::Null)
    } else if let Ok(boolean) = value.cast::<PyBool>() {
        // Before int, because bool is a subclass of int.
        Some(OptionValue::Bool(boolean.is_true()))
    } else if value.is_instance_of::<PyInt>() {
        // A number that does not fit is too large for every option.
        Some(value.extract().map_or_else(
            |_| OptionValue::Float(value.extract().unwrap_or(f64::INFINITY)),
            OptionValue::Int,
        ))
    } else {
        value
            .cast::<PyFloat>()
            .ok()
            .map(|number| OptionValue::Float(number.value()))
    }
}

fn other(value: &Bound<'_, PyAny>) -> OptionValue {
    OptionValue::Other(type_name(value))
}

/// Makes a dict of a document.
pub(crate) fn to_dict<'py>(py: Python<'py>, document: &Document) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in document.entries() {
        dict.set_item(name, to_python(py, value)?)?;
    }
    Ok(dict)
}

/// Makes a Python value of an option's value.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &OptionValue) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        OptionValue::Null => py.None().into_bound(py),
        OptionValue::Bool(boolean) => PyBool::new(py, *boolean).to_owned().into_any(),
        OptionValue::Int(number) => PyInt::new(py, *number).into_any(),
        OptionValue::Float(number) => PyFloat::new(py, *number).into_any(),
        OptionValue::Str(text) | OptionValue::Other(text) => PyString::new(py, text).into_any(),
        OptionValue::List(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(to_python(py, value)?)?;
            }
            list.into_any()
        }
        other => PyString::new(py, other.type_name()).into_any(),
    })
}

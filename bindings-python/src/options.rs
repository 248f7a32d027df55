//! Policy documents from keyword arguments, and back.

use crossgate::{Document, Value};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping,
    PyMemoryView, PySet, PyString,
};

use crate::text::type_name;

/// Keyword arguments as a document. Whatever no option takes becomes a problem of the policy, never
/// a TypeError; only what an iterable raises by itself is passed on.
pub(crate) fn document(options: Option<&Bound<'_, PyDict>>) -> PyResult<Document> {
    let mut document = Document::new();
    for (name, option) in options.into_iter().flatten() {
        document.push(name.cast::<PyString>()?.to_string_lossy(), value(&option)?);
    }
    Ok(document)
}

fn value(option: &Bound<'_, PyAny>) -> PyResult<Value> {
    // Iterable, but no list of strings.
    let is_other = option.is_instance_of::<PyBytes>()
        || option.is_instance_of::<PyByteArray>()
        || option.is_instance_of::<PyMemoryView>()
        || option.cast::<PyMapping>().is_ok();
    match (scalar(option), option.try_iter()) {
        (Some(value), _) => Ok(value),
        (None, Ok(items)) if !is_other => {
            let mut values: Vec<Value> = items
                .map(|item| item.map(|item| scalar(&item).unwrap_or_else(|| other(&item))))
                .collect::<PyResult<_>>()?;
            if option.is_instance_of::<PySet>() || option.is_instance_of::<PyFrozenSet>() {
                // A set's order changes from process to process; the headers of two workers must
                // not.
                values.sort_by_cached_key(|value| format!("{value:?}"));
            }
            Ok(Value::List(values))
        }
        _ => Ok(other(option)),
    }
}

fn scalar(value: &Bound<'_, PyAny>) -> Option<Value> {
    if let Ok(text) = value.cast::<PyString>() {
        Some(Value::Str(text.to_string_lossy().into_owned()))
    } else if value.is_none() {
        Some(Value::Null)
    } else if let Ok(boolean) = value.cast::<PyBool>() {
        // Before int, whose subclass it is.
        Some(Value::Bool(boolean.is_true()))
    } else if value.is_instance_of::<PyInt>() {
        // Too large for the one is too large for every option.
        Some(value.extract().map_or_else(
            |_| Value::Float(value.extract().unwrap_or(f64::INFINITY)),
            Value::Int,
        ))
    } else {
        value
            .cast::<PyFloat>()
            .ok()
            .map(|number| Value::Float(number.value()))
    }
}

fn other(value: &Bound<'_, PyAny>) -> Value {
    Value::Other(type_name(value))
}

/// A document as a dict.
pub(crate) fn to_dict<'py>(py: Python<'py>, document: &Document) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in document.entries() {
        dict.set_item(name, to_python(py, value)?)?;
    }
    Ok(dict)
}

pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(boolean) => PyBool::new(py, *boolean).to_owned().into_any(),
        Value::Int(number) => PyInt::new(py, *number).into_any(),
        Value::Float(number) => PyFloat::new(py, *number).into_any(),
        Value::Str(text) | Value::Other(text) => PyString::new(py, text).into_any(),
        Value::List(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(to_python(py, value)?)?;
            }
            list.into_any()
        }
    })
}

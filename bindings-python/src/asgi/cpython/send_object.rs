//! [`Send`] as an object that Python calls. One is made for every request that reaches the
//! application, and it is called for every message of the response. Both are faster with CPython's
//! own interface than with a class of PyO3.

use pyo3::prelude::*;

use crate::asgi::send::Send;

/// A callable that owns `send`.
pub(in crate::asgi) fn callable(py: Python<'_>, send: Send) -> PyResult<Bound<'_, PyAny>> {
    of_python::make(py, send)
}

/// A type with CPython's vectorcall protocol, which needs no tuple of arguments.
#[cfg(not(any(Py_LIMITED_API, PyPy, GraalPy)))]
mod of_python {
    use std::ffi::{c_int, c_uint, c_void};
    use std::mem::{ManuallyDrop, offset_of};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::ptr;

    use pyo3::exceptions::PyTypeError;
    use pyo3::ffi;
    use pyo3::panic::PanicException;
    use pyo3::prelude::*;
    use pyo3::sync::PyOnceLock;
    use pyo3::types::PyType;

    use crate::asgi::send::Send;

    /// An instance.
    #[repr(C)]
    struct Object {
        head: ffi::PyObject,
        /// Always [`call`]; CPython reads it here.
        entry: ffi::vectorcallfunc,
        send: ManuallyDrop<Send>,
    }

    pub(super) fn make(py: Python<'_>, send: Send) -> PyResult<Bound<'_, PyAny>> {
        static TYPE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let class = TYPE
            .get_or_try_init(py, || new_type(py))?
            .bind(py)
            .as_type_ptr();
        // SAFETY: the type has room for an `Object` and is one that the collector knows. No one
        // else has the new object, and every field is written before the collector may see it. The
        // object takes a reference to its type by itself.
        unsafe {
            let object = ffi::PyObject_GC_New::<Object>(class);
            let made = Bound::from_owned_ptr_or_err(py, object.cast())?;
            (&raw mut (*object).entry).write(call);
            (&raw mut (*object).send).write(ManuallyDrop::new(send));
            ffi::PyObject_GC_Track(object.cast());
            Ok(made)
        }
    }

    fn new_type(py: Python<'_>) -> PyResult<Py<PyType>> {
        let mut members = [
            ffi::PyMemberDef {
                name: c"__vectorcalloffset__".as_ptr(),
                type_code: ffi::Py_T_PYSSIZET,
                offset: offset_of!(Object, entry) as ffi::Py_ssize_t,
                flags: ffi::Py_READONLY,
                doc: ptr::null(),
            },
            ffi::PyMemberDef::default(),
        ];
        let slot = |slot, pfunc| ffi::PyType_Slot { slot, pfunc };
        let mut slots = [
            slot(ffi::Py_tp_new, no_new as ffi::newfunc as *mut c_void),
            slot(
                ffi::Py_tp_call,
                ffi::PyVectorcall_Call as ffi::ternaryfunc as *mut c_void,
            ),
            slot(
                ffi::Py_tp_dealloc,
                dealloc as ffi::destructor as *mut c_void,
            ),
            slot(
                ffi::Py_tp_traverse,
                traverse as ffi::traverseproc as *mut c_void,
            ),
            slot(ffi::Py_tp_members, (&raw mut members).cast()),
            slot(0, ptr::null_mut()),
        ];
        // A change (`type(send).__call__ = …`) would hold for every middleware of the process.
        #[cfg(Py_3_10)]
        let fixed = ffi::Py_TPFLAGS_IMMUTABLETYPE;
        #[cfg(not(Py_3_10))]
        let fixed = 0;
        let mut spec = ffi::PyType_Spec {
            name: c"crossgate._crossgate.Send".as_ptr(),
            basicsize: size_of::<Object>() as c_int,
            itemsize: 0,
            flags: (ffi::Py_TPFLAGS_DEFAULT
                | ffi::Py_TPFLAGS_HAVE_GC
                | ffi::Py_TPFLAGS_HAVE_VECTORCALL
                | fixed) as c_uint,
            slots: slots.as_mut_ptr(),
        };
        // SAFETY: CPython copies what it needs of the specification, except the name, which is a
        // constant. Each slot holds a function of the type that CPython reads it as, and the member
        // gives the place of `Object`'s entry.
        unsafe {
            Ok(
                Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&raw mut spec))?
                    .cast_into::<PyType>()?
                    .unbind(),
            )
        }
    }

    /// The entry of every call.
    unsafe extern "C" fn call(
        this: *mut ffi::PyObject,
        arguments: *const *mut ffi::PyObject,
        count: usize,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: the interpreter calls this on a thread that is attached. PyO3 is not told so,
        // because that would cost as much as the rest. A `Py` that is dropped below (there is none
        // on the usual way) is released when PyO3 is entered next.
        let py = unsafe { Python::assume_attached() };
        // SAFETY: `names` is null or a tuple, as the vectorcall protocol says.
        let one = unsafe {
            ffi::PyVectorcall_NARGS(count) == 1
                && (names.is_null() || ffi::PyTuple_GET_SIZE(names) == 0)
        };
        // A panic must not unwind into C.
        let returned = catch_unwind(AssertUnwindSafe(|| {
            if !one {
                return Err(PyTypeError::new_err(
                    "send() takes one argument, the message",
                ));
            }
            // SAFETY: the interpreter lends the object, which has this type, and the argument until
            // the call returns.
            let (object, message) =
                unsafe { (&*this.cast::<Object>(), Borrowed::from_ptr(py, *arguments)) };
            object.send.call(&message)
        }));
        let error = match returned {
            Ok(Ok(awaitable)) => return awaitable.into_ptr(),
            Ok(Err(error)) => error,
            Err(_) => PanicException::new_err("crossgate failed to put the headers on a response"),
        };
        error.restore(py);
        ptr::null_mut()
    }

    /// An object that [`make`] did not make would hold nothing.
    unsafe extern "C" fn no_new(
        _: *mut ffi::PyTypeObject,
        _: *mut ffi::PyObject,
        _: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: as in `call`.
        let py = unsafe { Python::assume_attached() };
        PyTypeError::new_err("an application's send is made by the middleware").restore(py);
        ptr::null_mut()
    }

    unsafe extern "C" fn traverse(
        this: *mut ffi::PyObject,
        visit: ffi::visitproc,
        context: *mut c_void,
    ) -> c_int {
        // SAFETY: the collector visits tracked objects only, so every field is written. It lends
        // the object, and `visit` changes nothing.
        unsafe {
            let send: &Send = &(*this.cast::<Object>()).send;
            for object in [ffi::Py_TYPE(this).cast(), send.inner().as_ptr()] {
                let stop = visit(object, context);
                if stop != 0 {
                    return stop;
                }
            }
        }
        0
    }

    unsafe extern "C" fn dealloc(this: *mut ffi::PyObject) {
        // SAFETY: nothing refers to the object any more. Its fields are dropped once, after the
        // collector has forgotten it. Then its memory is freed, and the reference to its type that
        // every instance has is given back.
        unsafe {
            let class = ffi::Py_TYPE(this);
            ffi::PyObject_GC_UnTrack(this.cast());
            let object = &mut *this.cast::<Object>();
            ManuallyDrop::take(&mut object.send).release(Python::assume_attached());
            ffi::PyObject_GC_Del(this.cast());
            ffi::Py_DECREF(class.cast());
        }
    }
}

/// A bound method of a class: the fastest callable that the stable ABI of CPython 3.10 has.
#[cfg(any(Py_LIMITED_API, PyPy, GraalPy))]
mod of_python {
    use pyo3::prelude::*;
    use pyo3::{PyTraverseError, PyVisit, intern};

    use crate::asgi::send::Send;

    #[pyclass(frozen, module = "crossgate._crossgate", name = "Send")]
    struct Object(Send);

    #[pymethods]
    impl Object {
        #[pyo3(signature = (message, /))]
        fn send<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
            self.0.call(message)
        }

        fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
            visit.call(self.0.inner())
        }
    }

    pub(super) fn make(py: Python<'_>, send: Send) -> PyResult<Bound<'_, PyAny>> {
        Bound::new(py, Object(send))?.getattr(intern!(py, "send"))
    }
}

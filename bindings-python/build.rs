//! Tells the code which Python it is built for (`Py_3_10`).

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
}

//! What the tests of the C library share.
#![allow(dead_code, reason = "each test uses some of it")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub(crate) const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn include() -> PathBuf {
    here("../../include")
}

/// The folder for temporary files.
pub(crate) fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs a command and gives what it printed; a failure fails the test with all of that.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{command:?}: {}\n{out}\n{err}",
        output.status
    );
    out.into_owned()
}

/// Cargo, at the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    command.current_dir(here("../.."));
    command
}

/// Builds the library once, as a user would, and gives the folder that it lies in.
pub(crate) fn library() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        run(cargo().args(["build", "--release", "--package", "crossgate-ffi"]));
        // The folder for temporary files is `<target>/tmp`.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .unwrap()
            .join("release");
        assert!(
            folder.join("libcrossgate.so").exists(),
            "no library in {}",
            folder.display()
        );
        // The name that the loader looks for. Another test may be making it too.
        let _ = std::os::unix::fs::symlink("libcrossgate.so", folder.join("libcrossgate.so.0"));
        folder
    })
}

/// The options that link a program to the shared library.
pub(crate) fn links() -> Vec<String> {
    let folder = library().display();
    vec![
        format!("-L{folder}"),
        "-lcrossgate".to_owned(),
        format!("-Wl,-rpath,{folder}"),
    ]
}

pub(crate) fn is_installed(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok()
}

/// Says what a test left out, where the tool for it is not installed.
pub(crate) fn without(tool: &str, package: &str, what: &str) {
    println!("{what}: skipped, {tool} is not installed (Debian: apt-get install {package})");
}

//! A directory for the names of one test.

use ipcraft::name;
use tempfile::TempDir;

/// A new directory that is removed on drop, under a [unique](name::unique) name that the leak check knows.
///
/// # Panics
///
/// If there is no room for it.
pub fn directory() -> TempDir {
    let prefix = name::unique("ipcraft-tests");
    tempfile::Builder::new().prefix(&format!("{prefix}-")).tempdir().expect("a directory for temporary files")
}

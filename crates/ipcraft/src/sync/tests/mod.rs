//! Tests of the locks that need private parts of the module.

#[cfg(loom)]
pub(crate) mod loom;

//! What is shown of measurements: the summary, the long tables, and the files that keep results.
//!
//! Everything here turns [`Results`](ipcraft_bench::Results) into text; nothing measures.
//! [`output`] and [`ending`] are how a command prints that text and how it ends.
#![forbid(unsafe_code)]

mod conditions;
mod details;
pub mod ending;
pub mod html;
mod input;
mod locks;
pub mod output;
mod recommendation;
mod result_file;
#[cfg(test)]
mod test_results;
pub mod units;

pub use conditions::header;
pub use details::{legend, tables};
pub use input::{InputError, Labelled, read};
pub use recommendation::recommendation;
pub use result_file::ResultFile;

/// How text may look on its way to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether bold and dim text are possible.
    pub bold: bool,
}

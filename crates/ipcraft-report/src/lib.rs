//! What is shown of measurements: the summary, the long tables, and the files that keep results.
//!
//! Everything here turns [`Results`](ipcraft_bench::Results) into text; nothing measures.
//! [`output`] and [`ending`] are how a command prints that text and how it ends.
#![forbid(unsafe_code)]

pub mod compare;
mod conditions;
mod details;
pub mod ending;
mod heat_map;
pub mod html;
mod input;
mod locks;
pub mod output;
mod result_file;
mod style;
mod summary;
#[cfg(test)]
mod test_results;
pub mod units;

pub use conditions::header;
pub use details::details;
pub use heat_map::heat_maps;
pub use input::{InputError, Labelled, read};
pub use result_file::{ResultFile, STANDARD_OUTPUT};
pub use style::Style;
pub(crate) use summary::recommendations;
pub use summary::{MAX_LINES, MAX_WIDTH, summary};

//! The comparison with older results, and what fails because of it.

use std::io;
use std::path::Path;

use ipcraft_bench::{Environment, Results};
use ipcraft_report::compare::{compare, other_machine};
use ipcraft_report::{Labelled, read};

use crate::bench_args::Bounds;
use ipcraft_report::output::{self, Page};

/// Reads a file with one run.
pub(crate) fn one_run(path: &Path) -> io::Result<Labelled> {
    let mut runs = runs(path)?;
    match (runs.pop(), runs.len()) {
        (Some(run), 0) => Ok(run),
        (_, others) => {
            let count = others + 1;
            Err(io::Error::other(format!("{} contains {count} runs; expected one", path.display())))
        }
    }
}

/// Reads the runs of a file.
pub(crate) fn runs(path: &Path) -> io::Result<Vec<Labelled>> {
    read(path).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

/// Fails if bounds are to be applied to results of another machine.
pub(crate) fn check_machine(old: &Environment, new: &Environment, bounds: &Bounds) -> io::Result<()> {
    let differences = other_machine(old, new);
    if bounds.fail_if.is_empty() || bounds.force || differences.is_empty() {
        return Ok(());
    }
    let text =
        format!("--fail-if compares one machine with itself, or needs --force: {}", differences.join("; "));
    Err(io::Error::other(text))
}

/// Returns the comparison as text.
pub(crate) fn text(old: &Labelled, new: &Results, name: &str, page: Page) -> String {
    compare(&old.results, new).text(&old.label, name, page.width, page.style)
}

/// Reports the rows that are worse than the bounds allow. Returns whether there are none.
pub(crate) fn holds(old: &Results, new: &Results, bounds: &Bounds) -> bool {
    match compare(old, new).regressions(&bounds.fail_if) {
        Ok(regressions) => {
            regressions.iter().for_each(|regression| output::complain(regression));
            regressions.is_empty()
        }
        Err(unmatched) => {
            output::complain(&unmatched);
            false
        }
    }
}

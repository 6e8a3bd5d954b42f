//! The list of what can be measured.

use std::io;
use std::process::ExitCode;

use comfy_table::{Table, presets};
use ipcraft_bench::{Mechanism, limits, mechanisms};

use ipcraft_report::output;
use ipcraft_report::units;

/// Prints the list.
pub(crate) fn print() -> io::Result<ExitCode> {
    output::print(&mechanisms_and_limits())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the text of `--list`: one line for each mechanism and each limit.
fn mechanisms_and_limits() -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["id", "description", "message sizes", "workloads"]);
    for mechanism in mechanisms() {
        table.add_row([
            mechanism.id.to_owned(),
            mechanism.summary.to_owned(),
            sizes(mechanism),
            workloads(mechanism),
        ]);
    }
    let mut below = Table::new();
    below.load_style(presets::NOTHING);
    for limit in limits() {
        below.add_row([limit.id, limit.summary]);
    }
    format!("{}\n\nLimits, always measured:\n{}\n", table.trim_fmt(), below.trim_fmt())
}

fn sizes(mechanism: &Mechanism) -> String {
    let sizes = (mechanism.sizes)();
    // A byte stream has no largest message.
    if *sizes.end() > 1 << 20 {
        return "any".into();
    }
    if *sizes.end() == 0 {
        return "none".into();
    }
    units::size_range(&sizes)
}

fn workloads(mechanism: &Mechanism) -> String {
    mechanism.workloads.iter().map(|workload| workload.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_contains_every_mechanism_and_limit() {
        let text = mechanisms_and_limits();
        for listed in mechanisms().iter().chain(limits()) {
            assert!(text.contains(listed.id), "{}", listed.id);
        }
    }
}

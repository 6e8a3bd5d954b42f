//! What can be measured.

use comfy_table::{Table, presets};
use ipcraft_bench::{Mechanism, floors, mechanisms};

use crate::units;

/// The text of `--list`: a line per mechanism, and the floors.
pub(crate) fn mechanisms_and_floors() -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["id", "what it is", "message sizes", "workloads"]);
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
    for floor in floors() {
        below.add_row([floor.id, floor.summary]);
    }
    format!("{}\n\nFloors, measured beside them:\n{}\n", table.trim_fmt(), below.trim_fmt())
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
    format!("{} to {}", units::size(*sizes.start()), units::size(*sizes.end()))
}

fn workloads(mechanism: &Mechanism) -> String {
    mechanism.workloads.iter().map(|workload| workload.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mechanism_and_floor_is_listed() {
        let text = mechanisms_and_floors();
        for listed in mechanisms().iter().chain(floors()) {
            assert!(text.contains(listed.id), "{}", listed.id);
        }
    }
}

//! The runs within the page, so that a report can be read back.

use ipcraft_bench::{Implementation, Results, Row, Workload};
use serde_json::Value;

use super::pack;
use crate::Labelled;

/// The id of the element that contains the runs as JSON.
pub const DATA_ID: &str = "ipcraft-data";

/// How much of the runs the page contains. Nothing that the page shows is ever left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Detail {
    /// Everything.
    All,
    /// No distributions of the baselines.
    Half,
    /// No baselines but those of locks, no single launches, and coarse distributions.
    Least,
}

impl Detail {
    /// States what is left out.
    pub(super) fn note(self) -> &'static str {
        match self {
            Detail::All => "",
            Detail::Half => " The distributions of the baselines are left out.",
            Detail::Least => {
                " The baselines of messages and the single launches are left out, and the distributions \
                 are coarse."
            }
        }
    }
}

/// The percentiles of a coarse distribution.
const COARSE: [f64; 19] = [
    0.0, 1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 85.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.8, 99.9, 99.95, 99.99,
    99.999, 100.0,
];

/// Returns the runs as JSON. A `<` appears as `\u003c`, so that no text ends the element.
pub(super) fn data(runs: &[Labelled], detail: Detail) -> String {
    let packed = |run: &Labelled| {
        let mut results = run.with_label();
        reduce(&mut results, detail);
        serde_json::to_value(results).map(|value| pack::pack(pack::round(value))).unwrap_or_default()
    };
    let runs: Vec<Value> = runs.iter().map(packed).collect();
    Value::Array(runs).to_string().replace('<', "\\u003c")
}

fn reduce(results: &mut Results, detail: Detail) {
    let is_baseline =
        |row: &Row| matches!(row.implementation, Implementation::Baseline | Implementation::Plain);
    if detail == Detail::Least {
        results.results.retain(|row| !is_baseline(row) || Workload::LOCKS.contains(&row.workload));
    }
    for row in &mut results.results {
        if is_baseline(row) && detail != Detail::All {
            row.percentiles.clear();
            row.single = None;
        }
        if detail == Detail::Least {
            row.launches.clear();
            row.percentiles.retain(|(percentile, _)| COARSE.contains(percentile));
        }
    }
}

/// Returns a run of a page as the JSON that it was. A run that is not packed stays as it is.
pub fn unpack(run: Value) -> Value {
    pack::unpack(run)
}

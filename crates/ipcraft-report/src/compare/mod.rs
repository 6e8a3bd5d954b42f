//! Two runs compared: ratios with intervals, and differences only where the intervals are apart.

mod bound;
mod conditions;
mod metric;
mod text;

use ipcraft_bench::{Estimate, Implementation, Results, Row};

pub use bound::{Bound, Regression, Unmatched};
pub use conditions::{Conditions, other_machine};
pub use metric::Metric;

/// A row that both runs have.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The row of the older run.
    pub old: &'a Row,
    /// The row of the newer run.
    pub new: &'a Row,
}

/// How the newer run differs from the older one.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// What differs in the conditions.
    pub conditions: Conditions,
    /// The rows of both.
    pub pairs: Vec<Pair<'a>>,
    /// The number of rows that only the older run has.
    pub only_old: usize,
    /// The number of rows that only the newer run has.
    pub only_new: usize,
}

/// Compares two runs. A row is compared with the one of the same id, variant, placement and
/// distance.
pub fn compare<'a>(old: &'a Results, new: &'a Results) -> Comparison<'a> {
    let partner = |row: &Row| new.results.iter().find(|other| key(other) == key(row));
    let pair = |row: &'a Row| Some(Pair { old: row, new: partner(row)? });
    let pairs: Vec<Pair<'a>> = old.results.iter().filter_map(pair).collect();
    Comparison {
        conditions: Conditions::of(old, new),
        only_old: old.results.len() - pairs.len(),
        only_new: new.results.len().saturating_sub(pairs.len()),
        pairs,
    }
}

fn key(row: &Row) -> impl PartialEq {
    let same = (row.mechanism.clone(), row.implementation, row.workload, row.size);
    (same, row.variant.clone(), row.placement, row.distance)
}

impl Pair<'_> {
    /// Returns the figures of both runs, if both have them.
    pub fn figures(&self, metric: Metric) -> Option<(Estimate, Estimate)> {
        metric.of(self.old, self.new)
    }

    /// Returns the newer figure relative to the older one.
    ///
    /// The interval contains every ratio of two values within the intervals of the figures.
    pub fn ratio(&self, metric: Metric) -> Option<Estimate> {
        let (old, new) = self.figures(metric)?;
        let is_positive = old.low > 0.0 && new.low > 0.0;
        is_positive.then(|| Estimate {
            value: new.value / old.value,
            low: new.low / old.high,
            high: new.high / old.low,
        })
    }

    /// Returns whether the intervals of the two figures are apart.
    pub fn differs(&self, metric: Metric) -> bool {
        self.figures(metric).is_some_and(|(old, new)| !old.overlaps(&new))
    }

    /// Returns whether the row shows a change of the machine rather than of what is compared.
    pub(crate) fn is_control(&self) -> bool {
        !matches!(self.old.implementation, Implementation::Ipcraft | Implementation::Peer)
    }

    /// Returns the id with the placement and the distance, such as
    /// `pipe/round_trip/64/two_cores`.
    pub(crate) fn name(&self) -> String {
        let row = self.old;
        let place = row.placement.map_or(String::new(), |place| format!("/{}", place.name()));
        let distance = row.distance.map_or(String::new(), |distance| format!(" {}", distance.name()));
        let variant = row.variant.as_ref().map_or(String::new(), |variant| format!(" {variant}"));
        format!("{}{place}{distance}{variant}", row.id())
    }
}

#[cfg(test)]
mod tests;

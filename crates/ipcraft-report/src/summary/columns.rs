//! The columns of the matrix: which workloads, placements and sizes are shown.

use std::collections::BTreeMap;

use ipcraft_bench::{Implementation, Placement, Results, Row, Workload};

/// The most sizes for each workload and placement.
pub(super) const MAX_SIZES: usize = 3;

/// The sizes that are shown if a run has more than fit.
const SMALL_SIZES: [usize; MAX_SIZES] = [64, 4096, 65_536];
const BULK_SIZES: [usize; MAX_SIZES] = [64, 65_536, 1 << 20];

/// The workloads of the matrix, with their titles and preferred sizes.
const BLOCKS: [(Workload, &str, [usize; MAX_SIZES]); 2] = [
    (Workload::RoundTrip, "round trip, p50 in us", SMALL_SIZES),
    (Workload::Stream, "one way, MB/s", BULK_SIZES),
];

/// One column of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) workload: Workload,
    pub(super) placement: Placement,
    pub(super) size: usize,
    /// Whether it is the first of its workload and placement.
    pub(super) first: bool,
}

impl Column {
    /// Returns whether a row belongs into the column.
    pub(super) fn has(&self, row: &Row) -> bool {
        row.workload == self.workload && row.placement == Some(self.placement) && row.size == self.size
    }
}

/// Returns the title of a workload.
pub(super) fn title(workload: Workload) -> &'static str {
    BLOCKS.iter().find(|block| block.0 == workload).map_or("", |block| block.1)
}

/// Returns the columns with at most `most` sizes for each placement: for round trips, and for
/// streams.
pub(super) fn columns(results: &Results, most: [usize; 2]) -> Vec<Column> {
    let mut columns = Vec::new();
    for ((workload, _, _), most) in BLOCKS.into_iter().zip(most) {
        for &placement in Placement::ALL {
            let sizes = sizes(results, workload, placement, most);
            let column = |(index, size)| Column { workload, placement, size, first: index == 0 };
            columns.extend(sizes.into_iter().enumerate().map(column));
        }
    }
    columns
}

/// Returns at most `most` sizes at which mechanisms can be compared, in order.
pub(super) fn sizes(results: &Results, workload: Workload, placement: Placement, most: usize) -> Vec<usize> {
    let preferred = BLOCKS.iter().find(|block| block.0 == workload).map_or(SMALL_SIZES, |block| block.2);
    select(common_sizes(results, workload, placement), preferred, most)
}

/// Returns whether a row is one of a mechanism, and not a limit or a baseline.
pub(super) fn is_mechanism(row: &Row) -> bool {
    matches!(row.implementation, Implementation::Ipcraft | Implementation::Peer)
}

/// Returns the sizes at which mechanisms can be compared: more than a third as many as at the most
/// common size were measured there, and more than one, if there are such sizes.
fn common_sizes(results: &Results, workload: Workload, placement: Placement) -> Vec<usize> {
    let rows = results
        .results
        .iter()
        .filter(|row| is_mechanism(row) && row.workload == workload && row.placement == Some(placement));
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row.size).or_insert(0) += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    let is_common = |count: usize| 3 * count > most && (count > 1 || most == 1);
    counts.into_iter().filter(|&(_, count)| is_common(count)).map(|(size, _)| size).collect()
}

/// Selects at most `count` of the sizes: all, or those preferred, or the first and the last.
fn select(sizes: Vec<usize>, preferred: [usize; MAX_SIZES], count: usize) -> Vec<usize> {
    if sizes.len() <= count {
        return sizes;
    }
    let mut kept: Vec<usize> = sizes.iter().copied().filter(|size| preferred.contains(size)).collect();
    if kept.len() < count {
        kept = sizes;
    }
    // The extremes matter most.
    while kept.len() > count {
        let middle = if kept.len() > 2 { kept.len() / 2 } else { 1 };
        kept.remove(middle);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn select_prefers_known_sizes_and_keeps_the_extremes() {
        let full = || vec![1, 8, 64, 1024, 4096, 65_536, 1 << 20];
        assert_eq!(select(full(), SMALL_SIZES, 3), SMALL_SIZES);
        assert_eq!(select(full(), BULK_SIZES, 2), [64, 1 << 20]);
        assert_eq!(select(full(), BULK_SIZES, 1), [64]);
        assert_eq!(select(vec![1, 2, 3, 4], SMALL_SIZES, 3), [1, 2, 4]);
        assert_eq!(select(vec![5, 64], SMALL_SIZES, 3), [5, 64]);
    }
}

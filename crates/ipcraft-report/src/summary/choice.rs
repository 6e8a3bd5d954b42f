//! The distance whose rows a summary shows. Rows of different distances are never mixed.

use ipcraft_bench::{Distance, Placement, Results, Row};

/// The distance with more launches, and the rows at it.
pub(super) struct Chosen {
    distance: Option<Distance>,
}

impl Chosen {
    pub(super) fn of(results: &Results) -> Chosen {
        let (near, apart) = launches(results);
        let distance = match (near, apart) {
            (0, 0) => None,
            (near, apart) if near >= apart => Some(Distance::Near),
            _ => Some(Distance::Apart),
        };
        Chosen { distance }
    }

    /// Returns whether a row is shown.
    pub(super) fn has(&self, row: &Row) -> bool {
        row.distance.is_none() || row.distance == self.distance
    }

    /// States which rows are shown, if there are others.
    pub(super) fn note(&self, results: &Results) -> Option<String> {
        let (near, apart) = launches(results);
        let distance = self.distance.filter(|_| near > 0 && apart > 0)?;
        let (these, all) = (near.max(apart), near + apart);
        Some(format!(
            "the two cores were near in some launches and apart in others; shown: {} ({these} of {all})",
            distance.name()
        ))
    }
}

/// Returns how many launches contributed to the rows of each distance.
fn launches(results: &Results) -> (usize, usize) {
    let of = |distance| {
        let rows = results
            .results
            .iter()
            .filter(|row| row.placement == Some(Placement::TwoCores) && row.distance == Some(distance));
        rows.map(|row| row.launches.len()).sum()
    };
    (of(Distance::Near), of(Distance::Apart))
}

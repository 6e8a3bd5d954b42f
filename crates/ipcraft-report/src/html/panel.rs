//! Rows that one chart may show beside each other, and how the mechanisms appear.

use std::collections::{BTreeMap, BTreeSet};

use ipcraft_bench::{Distance, Implementation, Placement, Promise, Row, Waiting, Workload};

use super::escape::escape;
use crate::Labelled;

/// The number of colours; further families share them, with other markers.
const COLOURS: usize = 8;

/// The rows of one run under the same conditions. Rows of near and apart cores are never together.
pub(super) struct Panel<'a> {
    /// The number of the run.
    pub(super) run: usize,
    /// The conditions, and the run if there are several.
    pub(super) title: String,
    /// The rows of the library and of other crates, and the limits.
    pub(super) rows: Vec<&'a Row>,
}

/// Returns the rows that fit, by conditions; the runs beside each other.
pub(super) fn panels(runs: &[Labelled], fits: impl Fn(&Row) -> bool) -> Vec<Panel<'_>> {
    let mut panels: BTreeMap<_, Panel<'_>> = BTreeMap::new();
    for (run, labelled) in runs.iter().enumerate() {
        for row in labelled.results.results.iter().filter(|row| is_shown(row) && fits(row)) {
            let key = (row.placement, row.distance, run);
            let panel = panels.entry(key).or_insert_with(|| Panel {
                run,
                title: title(runs, run, row),
                rows: Vec::new(),
            });
            panel.rows.push(row);
        }
    }
    panels.into_values().filter(|panel| panel.rows.iter().any(|row| is_mechanism(row))).collect()
}

/// Baselines appear as ratios alone.
fn is_shown(row: &Row) -> bool {
    !matches!(row.implementation, Implementation::Baseline | Implementation::Plain)
}

/// Returns whether a row is about a mechanism and not about a limit.
pub(super) fn is_mechanism(row: &Row) -> bool {
    matches!(row.implementation, Implementation::Ipcraft | Implementation::Peer)
}

fn title(runs: &[Labelled], run: usize, row: &Row) -> String {
    let conditions = conditions(row.placement, row.distance);
    if runs.len() == 1 { conditions } else { format!("{}: {conditions}", runs[run].label) }
}

/// Describes where the two processes ran.
pub(super) fn conditions(placement: Option<Placement>, distance: Option<Distance>) -> String {
    let place = match placement {
        Some(Placement::TwoCores) => "two cores",
        Some(Placement::SameCore) => "one core",
        None => "one process",
    };
    distance.map_or_else(|| place.into(), |distance| format!("{place}, {}", distance.name()))
}

/// Returns the sizes of mechanisms' rows that fit, in order.
pub(super) fn sizes(runs: &[Labelled], fits: impl Fn(&Row) -> bool) -> Vec<usize> {
    let rows = runs.iter().flat_map(|run| &run.results.results);
    let sizes: BTreeSet<_> = rows.filter(|row| is_mechanism(row) && fits(row)).map(|row| row.size).collect();
    sizes.into_iter().collect()
}

/// Returns the smallest size that more than half of the mechanisms have, or the first one.
pub(super) fn common_size(runs: &[Labelled], workload: Workload) -> Option<usize> {
    let rows = || {
        let rows = runs.iter().flat_map(|run| &run.results.results);
        rows.filter(|row| is_mechanism(row) && row.workload == workload)
    };
    let all: BTreeSet<_> = rows().map(|row| &row.mechanism).collect();
    let mut of_size: BTreeMap<usize, BTreeSet<&String>> = BTreeMap::new();
    for row in rows() {
        of_size.entry(row.size).or_default().insert(&row.mechanism);
    }
    let common = of_size.iter().find(|(_, mechanisms)| 2 * mechanisms.len() > all.len());
    common.or(of_size.first_key_value()).map(|(size, _)| *size)
}

/// Returns the time per message by which rows are ranked.
pub(super) fn time(row: &Row) -> Option<f64> {
    let from_rate = || row.messages_per_s.map(|rate| 1e9 / rate);
    let time = row.time_ns.map(|time| time.value).or(row.p50_ns).or_else(from_rate);
    time.filter(|ns| ns.is_finite() && *ns > 0.0)
}

/// Returns the name of a series: the mechanism, and what distinguishes it from others of its name.
pub(super) fn series(row: &Row) -> String {
    match &row.variant {
        Some(variant) => format!("{} ({variant})", row.mechanism),
        None => row.mechanism.clone(),
    }
}

/// The families of all runs, and the mechanisms that are coloured at first.
pub(super) struct Legend {
    /// The families in the order of their colours.
    pub(super) families: Vec<String>,
    /// Every series by family.
    pub(super) members: Vec<BTreeSet<String>>,
    by_mechanism: BTreeMap<String, usize>,
    coloured: BTreeSet<String>,
}

/// The families of ipcraft's own mechanisms, so that their colours are the same in all pages.
const KNOWN: [&str; 8] = ["channel", "pipe", "socket", "queue", "memory", "signal", "inet", "lock"];

impl Legend {
    /// Finds the families, and the fastest round trip of each.
    pub(super) fn of(runs: &[Labelled]) -> Legend {
        let described: BTreeMap<&str, &str> = runs
            .iter()
            .flat_map(|run| &run.results.mechanisms)
            .map(|mechanism| (mechanism.id.as_str(), mechanism.family.as_str()))
            .collect();
        let rows: Vec<&Row> =
            runs.iter().flat_map(|run| &run.results.results).filter(|row| is_mechanism(row)).collect();
        let family = |row: &Row| described.get(row.mechanism.as_str()).copied().unwrap_or("other");
        let found: BTreeSet<&str> = rows.iter().map(|row| family(row)).collect();
        let known = KNOWN.into_iter().filter(|name| found.contains(name));
        let further = found.iter().copied().filter(|name| !KNOWN.contains(name));
        let families: Vec<String> = known.chain(further).map(String::from).collect();
        let mut legend = Legend {
            members: vec![BTreeSet::new(); families.len()],
            families,
            by_mechanism: BTreeMap::new(),
            coloured: BTreeSet::new(),
        };
        for row in &rows {
            let index = legend.families.iter().position(|name| name == family(row)).unwrap_or_default();
            legend.members[index].insert(series(row));
            legend.by_mechanism.insert(row.mechanism.clone(), index);
        }
        legend.coloured = legend.best(runs);
        legend
    }

    /// Returns the fastest series of each family at a common size. Series that busy-wait or may
    /// lose messages come last.
    fn best(&self, runs: &[Labelled]) -> BTreeSet<String> {
        let mut best: BTreeMap<usize, (bool, f64, String)> = BTreeMap::new();
        let size = common_size(runs, Workload::RoundTrip);
        let described = runs.iter().flat_map(|run| &run.results.mechanisms);
        let lossy: BTreeSet<&str> = described
            .filter(|mechanism| mechanism.promise != Promise::EveryMessage)
            .map(|mechanism| mechanism.id.as_str())
            .collect();
        let panels = panels(runs, |row| is_mechanism(row) && row.workload == Workload::RoundTrip);
        for row in panels.first().into_iter().flat_map(|panel| &panel.rows) {
            let unusual = row.waiting == Waiting::Spin
                || Some(row.size) != size
                || lossy.contains(row.mechanism.as_str());
            let Some(time) = time(row) else { continue };
            let found = (unusual, time, series(row));
            let kept = best.entry(self.family(row)).or_insert_with(|| found.clone());
            if (found.0, found.1) < (kept.0, kept.1) {
                *kept = found;
            }
        }
        for (family, members) in self.members.iter().enumerate() {
            if !best.contains_key(&family) {
                best.extend(members.first().map(|first| (family, (true, 0.0, first.clone()))));
            }
        }
        best.into_values().map(|(_, _, series)| series).collect()
    }

    /// Returns the number of a row's family.
    pub(super) fn family(&self, row: &Row) -> usize {
        self.by_mechanism.get(&row.mechanism).copied().unwrap_or_default()
    }

    /// Returns whether a series is coloured at first.
    pub(super) fn is_coloured(&self, series: &str) -> bool {
        self.coloured.contains(series)
    }

    /// Returns the coloured series of a family.
    pub(super) fn coloured_of(&self, family: usize) -> impl Iterator<Item = &String> {
        self.members[family].iter().filter(|series| self.is_coloured(series))
    }

    /// Returns the class of a row's dot beside its name, which is always coloured.
    pub(super) fn dot(&self, row: &Row) -> String {
        let noisy = if row.noisy { " noisy" } else { "" };
        format!("class=\"d {} on{noisy}\"", colour(self.family(row)))
    }

    /// Returns the attributes of a row's shape: its classes, and the series for the script.
    pub(super) fn attributes(&self, row: &Row, kind: &str) -> String {
        let series = series(row);
        let on = if self.is_coloured(&series) { " on" } else { "" };
        let noisy = if row.noisy { " noisy" } else { "" };
        let colour = colour(self.family(row));
        format!("class=\"{kind} {colour}{noisy}{on}\" data-m=\"{}\"", escape(&series))
    }

    /// Sorts shapes so that coloured ones cover the grey ones.
    pub(super) fn coloured_last<'a>(&self, rows: &[&'a Row]) -> Vec<&'a Row> {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| self.is_coloured(&series(row)));
        rows
    }
}

/// Returns the class of a family's colour and dashes.
pub(super) fn colour(family: usize) -> String {
    format!("f{}", family % COLOURS)
}

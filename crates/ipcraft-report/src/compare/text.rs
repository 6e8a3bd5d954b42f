//! A comparison as text.

use ipcraft_bench::{Estimate, median};

use super::{Comparison, Metric, Pair};
use crate::style::{Style, clip};
use crate::units;

impl Comparison<'_> {
    /// Returns the comparison as text: other conditions, then the rows that differ, the largest
    /// difference first.
    pub fn text(&self, old: &str, new: &str, width: usize, style: Style) -> String {
        let mut lines =
            vec![format!("OLD {old}, NEW {new}: time per message, NEW relative to OLD, with its interval")];
        lines.extend(self.conditions.machine.iter().map(|text| format!("WARNING: {text}")));
        lines.extend(self.conditions.others.iter().map(|text| format!("note: {text}")));
        lines.extend(self.controls());
        let mut lines: Vec<String> = lines.iter().map(|line| clip(line, width)).collect();
        lines.extend(self.differences(width, style));
        lines.push(self.rest());
        lines.join("\n") + "\n"
    }

    /// Summarizes the limits and baselines, which change only if the machine does.
    fn controls(&self) -> Option<String> {
        let controls = self.pairs.iter().filter(|pair| pair.is_control());
        let ratios: Vec<f64> =
            controls.filter_map(|pair| pair.ratio(Metric::Time)).map(|ratio| ratio.value).collect();
        let middle = median(ratios.iter().copied())?;
        let count = ratios.len();
        Some(format!(
            "machine: {count} limits and programs on libc, the same code in both, are at {middle:.2}"
        ))
    }

    fn differences(&self, width: usize, style: Style) -> Vec<String> {
        let differs = |pair: &&Pair<'_>| !pair.is_control() && pair.differs(Metric::Time);
        let mut found: Vec<(f64, String)> = Vec::new();
        for pair in self.pairs.iter().filter(differs) {
            let Some((ratio, (old, new))) = pair.ratio(Metric::Time).zip(pair.figures(Metric::Time)) else {
                continue;
            };
            let line = clip(&difference(pair, ratio, old, new), width);
            let is_worse = ratio.value > 1.0;
            found.push((ratio.value.ln().abs(), if is_worse { style.strong(&line) } else { line }));
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.into_iter().map(|(_, line)| line).collect()
    }

    fn rest(&self) -> String {
        let compared: Vec<_> = self.pairs.iter().filter(|pair| !pair.is_control()).collect();
        let differing = compared.iter().filter(|pair| pair.differs(Metric::Time)).count();
        let (all, old, new) = (compared.len(), self.only_old, self.only_new);
        let mut text = format!("{} of {all} rows do not differ: their intervals overlap", all - differing);
        if old + new > 0 {
            text += &format!("; only in OLD: {old} rows, only in NEW: {new}");
        }
        text
    }
}

fn difference(pair: &Pair<'_>, ratio: Estimate, old: Estimate, new: Estimate) -> String {
    let verdict = if ratio.value > 1.0 { "slower" } else { "faster" };
    let Estimate { value, low, high } = ratio;
    let (old, new) = (units::time(old.value), units::time(new.value));
    format!("{verdict} {value:5.2} ({low:.2} to {high:.2})  {:>8} -> {:>8}  {}", old, new, pair.name())
}

//! The further runs against the first one.

use std::fmt::Write as _;

use super::escape::escape;
use super::part::section;
use crate::compare::{Comparison, Metric, Pair, compare};
use crate::{Labelled, units};

/// The most rows of a table; the largest differences come first.
const MAX_ROWS: usize = 150;

/// Returns the section, or nothing for a single run.
pub(super) fn comparison(runs: &[Labelled]) -> String {
    let Some((first, others)) = runs.split_first() else {
        return String::new();
    };
    let tables: String = others.iter().map(|other| against(first, other)).collect();
    section(
        "comparison",
        "Against the first run",
        "The time per message relative to the first run, with its interval. Only rows whose intervals \
         are apart are listed, the largest difference first.",
        &tables,
    )
}

fn against(old: &Labelled, new: &Labelled) -> String {
    let compared = compare(&old.results, &new.results);
    let mut pairs: Vec<(&Pair<'_>, f64)> = compared
        .pairs
        .iter()
        .filter(|pair| !pair.is_control() && pair.differs(Metric::Time))
        .filter_map(|pair| Some((pair, pair.ratio(Metric::Time)?.value.ln().abs())))
        .collect();
    pairs.sort_by(|a, b| b.1.total_cmp(&a.1));
    let rows: String = pairs.iter().take(MAX_ROWS).filter_map(|(pair, _)| line(pair)).collect();
    let heading = format!("{} against {}", new.label, old.label);
    let table = format!(
        "<div class=box tabindex=0 role=region aria-label=\"{0}\"><table class=ratios><thead><tr><th>row\
         <th>{1}<th>{2}<th>ratio<th>interval<th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n",
        escape(&heading),
        escape(&old.label),
        escape(&new.label),
    );
    let table = if rows.is_empty() { String::new() } else { table };
    format!(
        "<h3>{}</h3>\n{}<p>{}</p>\n{table}",
        escape(&heading),
        remarks(&compared),
        rest(&compared, pairs.len())
    )
}

fn remarks(compared: &Comparison<'_>) -> String {
    let warnings = compared.conditions.machine.iter().map(|text| ("warning", text));
    let notes = compared.conditions.others.iter().map(|text| ("note", text));
    let items: String = warnings
        .chain(notes)
        .map(|(class, text)| format!("<li class={class}>{}</li>\n", escape(text)))
        .collect();
    if items.is_empty() { items } else { format!("<ul class=remarks>\n{items}</ul>\n") }
}

fn rest(compared: &Comparison<'_>, differing: usize) -> String {
    let all = compared.pairs.iter().filter(|pair| !pair.is_control()).count();
    let mut text = format!("{differing} of {all} rows differ beyond their intervals");
    if differing > MAX_ROWS {
        let _ = write!(text, "; the {MAX_ROWS} largest differences are listed");
    }
    text + "."
}

fn line(pair: &Pair<'_>) -> Option<String> {
    let ratio = pair.ratio(Metric::Time)?;
    let (old, new) = pair.figures(Metric::Time)?;
    let verdict = if ratio.value > 1.0 { "slower" } else { "faster" };
    Some(format!(
        "<tr><td>{}<td>{}<td>{}<td>{:.2}<td>{:.2} to {:.2}<td>{verdict}\n",
        escape(&pair.name()),
        units::time(old.value),
        units::time(new.value),
        ratio.value,
        ratio.low,
        ratio.high
    ))
}

//! The conditions of each run, warnings first.

use std::fmt::Write as _;

use ipcraft_bench::{Environment, Results, Topology};

use super::escape::escape;
use crate::{Labelled, units};

/// Returns the section.
pub(super) fn conditions(runs: &[Labelled]) -> String {
    let mut text = String::from("<section id=\"conditions\"><h2>Conditions</h2>\n");
    for run in runs {
        text += &warnings(run, runs.len() > 1);
    }
    text += "<div class=box><table class=conditions>\n";
    if runs.len() > 1 {
        text += &line("run", runs.iter().map(|run| run.label.clone()));
    }
    for (name, value) in FIGURES {
        let values: Vec<String> = runs.iter().map(|run| value(&run.results)).collect();
        if values.iter().any(|value| !value.is_empty()) {
            text += &line(name, values.into_iter());
        }
    }
    text + "</table></div>\n" + &errors(runs) + "</section>\n"
}

type Figure = (&'static str, fn(&Results) -> String);

const FIGURES: [Figure; 12] = [
    ("CPU", |run| format!("{}, {}", run.environment.cpu, run.environment.architecture)),
    ("machine", |run| machine(&run.environment)),
    ("kernel", |run| run.environment.kernel.clone()),
    ("cores", |run| cores(&run.environment)),
    ("hand-over of a cache line", |run| hand_overs(&run.topology)),
    ("clock reading", |run| units::time(run.environment.clock_cost_ns)),
    ("governor", |run| run.environment.governor.clone().unwrap_or_default()),
    ("load average", |run| run.environment.load_average.map(|load| format!("{load:.2}")).unwrap_or_default()),
    ("stolen time", |run| run.environment.steal_ms.map(|ms| format!("{ms} ms")).unwrap_or_default()),
    ("date", |run| run.environment.date.clone()),
    ("duration", |run| format!("{:.0} s", run.environment.duration_s)),
    ("command", |run| format!("{} (ipcraft {})", command(&run.command), run.ipcraft)),
];

fn line(name: &str, values: impl Iterator<Item = String>) -> String {
    let mut text = format!("<tr><th scope=row>{}</th>", escape(name));
    for value in values {
        let _ = write!(text, "<td>{}</td>", escape(&value));
    }
    text + "</tr>\n"
}

fn machine(environment: &Environment) -> String {
    let kind = match environment.virtualised {
        Some(true) => "virtual machine",
        Some(false) => "bare metal",
        None => "virtualization unknown",
    };
    let pinned = if environment.pinned { "pinned" } else { "NOT pinned" };
    format!("{kind}, processes {pinned}")
}

fn cores(environment: &Environment) -> String {
    let used: Vec<_> = environment.cores_used.iter().map(ToString::to_string).collect();
    let used = if used.is_empty() { "unknown".into() } else { used.join(" and ") };
    format!("{used} used, {} allowed, {} online", environment.cores_allowed, environment.cores_online)
}

/// Returns the command line without the folder of the program.
fn command(words: &[String]) -> String {
    let mut words = words.to_vec();
    if let Some(program) = words.first_mut() {
        *program = program.rsplit('/').next().unwrap_or_default().into();
    }
    words.join(" ")
}

/// Describes the measured hand-overs by distance.
fn hand_overs(topology: &Topology) -> String {
    let mut distances: Vec<_> = topology.hand_overs.iter().map(|hand_over| hand_over.distance).collect();
    distances.sort_unstable();
    distances.dedup();
    let describe = |distance| {
        let times = topology.hand_overs.iter().filter(|found| found.distance == distance);
        let (count, low, high) = times.fold((0, f64::INFINITY, 0.0_f64), |(count, low, high), found| {
            (count + 1, low.min(found.ns), high.max(found.ns))
        });
        let times = match (units::time(low), units::time(high)) {
            (low, high) if low == high => low,
            (low, high) => format!("{low} to {high}"),
        };
        format!("{} {times} ({count} ×)", distance.name())
    };
    let described: Vec<String> = distances.into_iter().map(describe).collect();
    described.join("; ")
}

fn warnings(run: &Labelled, named: bool) -> String {
    let mut texts: Vec<(bool, &str)> = Vec::new();
    if !run.results.complete {
        texts.push((true, "The run was interrupted, so its results are incomplete."));
    }
    texts.extend(run.results.environment.warnings.iter().map(|warning| (true, warning.as_str())));
    texts.extend(run.results.environment.notes.iter().map(|note| (false, note.as_str())));
    let item = |(warning, text): (bool, &str)| {
        let (class, mark) = if warning { ("warning", "⚠ ") } else { ("note", "") };
        let label = if named { format!("{}: ", run.label) } else { String::new() };
        format!("<li class={class}>{mark}{}{}</li>\n", escape(&label), escape(text))
    };
    let items: String = texts.into_iter().map(item).collect();
    if items.is_empty() { items } else { format!("<ul class=remarks>\n{items}</ul>\n") }
}

fn errors(runs: &[Labelled]) -> String {
    let mut items = String::new();
    for run in runs {
        for error in &run.results.errors {
            let place = error.placement.map_or("", |placement| placement.name());
            let what = format!(
                "{}{} {} {place} {}: {}",
                if runs.len() > 1 { format!("{}: ", run.label) } else { String::new() },
                error.mechanism,
                error.workload.name(),
                units::size(error.size),
                error.message
            );
            let _ = writeln!(items, "<li>{}</li>", escape(&what));
        }
    }
    if items.is_empty() {
        return items;
    }
    format!("<h3>Not measured</h3>\n<ul class=errors>\n{items}</ul>\n")
}

#[cfg(test)]
mod tests {
    use ipcraft_bench::{Distance, HandOver};

    use super::*;

    #[test]
    fn hand_overs_are_counted_by_distance() {
        let one = |ns, distance| HandOver { launch: 0, cores: [0, 1], ns, distance };
        let hand_overs =
            vec![one(530.0, Distance::Apart), one(120.0, Distance::Near), one(130.0, Distance::Near)];
        let text = hand_overs_of(hand_overs);
        assert_eq!(text, "near 120 ns to 130 ns (2 ×); apart 530 ns (1 ×)");
        assert_eq!(hand_overs_of(Vec::new()), "");
    }

    fn hand_overs_of(hand_overs: Vec<HandOver>) -> String {
        super::hand_overs(&Topology { hand_overs, ..Topology::default() })
    }
}

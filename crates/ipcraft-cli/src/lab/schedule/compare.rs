//! Several policies in one table.

use std::cmp::Ordering;

use ipcraft_lab::schedule::Metrics;

use super::super::table as new_table;
use super::Scheduled;
use super::linux::UnderLinux;

/// A metric as a column.
struct Column {
    name: &'static str,
    value: fn(&Metrics) -> f64,
    decimals: usize,
    /// Whether a large value is good.
    high: bool,
}

const COLUMNS: &[Column] = &[
    column("response", |metrics| metrics.response, 2, false),
    column("turnaround", |metrics| metrics.turnaround, 2, false),
    column("waiting", |metrics| metrics.waiting, 2, false),
    column("switches", |metrics| metrics.switches as f64, 0, false),
    column("CPU use %", |metrics| metrics.cpu_use * 100.0, 1, true),
    column("fairness", |metrics| metrics.fairness.jain, 3, true),
    column("worst gap", |metrics| metrics.fairness.worst_gap, 2, false),
    column("misses", |metrics| metrics.misses as f64, 0, false),
];

const fn column(name: &'static str, value: fn(&Metrics) -> f64, decimals: usize, high: bool) -> Column {
    Column { name, value, decimals, high }
}

/// Returns the table of the ideal schedules, and that of the real ones if there are any. The best
/// value of each column is marked.
pub(super) fn tables(schedules: &[Scheduled], linux: &[UnderLinux]) -> String {
    let ideal: Vec<Row<'_>> =
        schedules.iter().map(|scheduled| (scheduled.policy.to_string(), &scheduled.ideal.metrics)).collect();
    let real = schedules.iter().filter_map(|scheduled| {
        scheduled.real.as_ref().map(|run| (scheduled.policy.to_string(), &run.metrics))
    });
    let linux = linux.iter().map(|under| (under.policy.clone(), &under.real.metrics));
    let real: Vec<Row<'_>> = real.chain(linux).collect();
    if real.is_empty() {
        return table("policy", &ideal) + MARK;
    }
    let ideal = if ideal.is_empty() { String::new() } else { table("ideal", &ideal) + "\n" };
    format!("{ideal}{}{MARK}", table("real", &real))
}

const MARK: &str = "* best of the column\n";

type Row<'a> = (String, &'a Metrics);

fn table(title: &str, schedules: &[Row<'_>]) -> String {
    let has_deadlines = schedules.iter().any(|(_, metrics)| metrics.deadlines > 0);
    let columns = COLUMNS.iter().filter(|column| column.name != "misses" || has_deadlines);
    let columns: Vec<&Column> = columns.collect();
    let mut header = vec![title];
    header.extend(columns.iter().map(|column| column.name));
    let mut rows = new_table(&header);
    let marked: Vec<Vec<String>> = columns.iter().map(|column| column.marked(schedules)).collect();
    for (index, (policy, _)) in schedules.iter().enumerate() {
        let mut row = vec![policy.to_string()];
        row.extend(marked.iter().map(|column| column[index].clone()));
        rows.add_row(row);
    }
    format!("{}\n", rows.trim_fmt())
}

impl Column {
    /// Returns the values as text, with a star at the best ones, unless all are equal.
    fn marked(&self, schedules: &[Row<'_>]) -> Vec<String> {
        let values: Vec<String> = schedules
            .iter()
            .map(|(_, metrics)| format!("{:.1$}", (self.value)(metrics), self.decimals))
            .collect();
        // Compared as they are printed, so that equal figures have equal marks.
        let number = |text: &String| text.parse::<f64>().unwrap_or(f64::NAN);
        let order = |a: &&String, b: &&String| number(a).total_cmp(&number(b));
        let (least, most) = (values.iter().min_by(order), values.iter().max_by(order));
        let best = if self.high { most } else { least }.cloned();
        let differ = least.zip(most).is_some_and(|(least, most)| order(&least, &most) != Ordering::Equal);
        let mark = |value: &String| if differ && Some(value) == best.as_ref() { " *" } else { "" };
        values.iter().map(|value| format!("{value}{}", mark(value))).collect()
    }
}

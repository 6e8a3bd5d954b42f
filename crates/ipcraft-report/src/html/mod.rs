//! The HTML report: one file without a network, which contains its own data.
//!
//! The charts are SVG and complete without a script. The script adds tooltips, the choice of
//! mechanisms and runs, and sorting.

mod comparison;
mod conditions;
mod cpu;
mod data;
mod dots;
mod escape;
mod heat_map;
mod latency;
mod pack;
#[cfg(test)]
mod palette;
mod panel;
mod part;
mod ratio;
mod scale;
mod setup;
mod sheet;
mod svg;
mod table;
mod throughput;
mod tick;
mod toolbar;

use ipcraft_bench::{Row, Workload};

use crate::Labelled;
use data::Detail;
use escape::escape;
use panel::Legend;

pub use data::{DATA_ID, unpack};
pub use sheet::{Bar, Chart, Line, Quantity, sheet};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// What the page may load: nothing. Its own style and script are within it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      base-uri 'none'; form-action 'none'";

/// The size in bytes that a page has at most, if leaving out details is enough.
const MAX_PAGE: usize = 490_000;

/// What a page contains: the runs within it, and the number of sizes in charts of a single size.
/// The first step that fits is taken.
const STEPS: [(Detail, usize); 6] = [
    (Detail::All, usize::MAX),
    (Detail::Half, usize::MAX),
    (Detail::Least, usize::MAX),
    (Detail::Least, 5),
    (Detail::Least, 3),
    (Detail::Least, 1),
];

/// Returns a page about one run, or about several beside each other.
pub fn page(runs: &[Labelled]) -> String {
    let mut page = String::new();
    for (detail, sizes) in STEPS {
        page = one_page(runs, detail, sizes);
        if page.len() <= MAX_PAGE {
            break;
        }
    }
    page
}

fn one_page(runs: &[Labelled], detail: Detail, sizes: usize) -> String {
    let title = title(runs);
    format!(
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\n\
         <meta name=color-scheme content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body{}>\n<h1>{title}</h1>\n\
         {}<p class=end>The page contains its data, rounded to four digits, for \
         <code>ipcraft report</code>.{}{}</p>\n<div id=tip role=status hidden></div>\n\
         <script type=\"application/json\" id=\"{DATA_ID}\">{}</script>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        if runs.len() == 2 { " class=pair" } else { "" },
        body(runs, &with_sizes(runs, sizes)),
        detail.note(),
        if sizes == usize::MAX { "" } else { " Not every size is shown; the data have all." },
        data::data(runs, detail)
    )
}

/// Returns the runs with the rows of a few sizes: the usual one, the largest, the smallest ones.
fn with_sizes(runs: &[Labelled], count: usize) -> Vec<Labelled> {
    let usual = panel::common_size(runs, Workload::RoundTrip);
    let all = panel::sizes(runs, |row| Workload::MESSAGES.contains(&row.workload));
    let largest = all.iter().rev().find(|size| Some(**size) != usual);
    let chosen = usual.iter().chain(largest).chain(&all);
    let mut distinct: Vec<usize> = Vec::new();
    for size in chosen {
        if !distinct.contains(size) && distinct.len() < count {
            distinct.push(*size);
        }
    }
    let mut runs = runs.to_vec();
    if count < all.len() {
        for run in &mut runs {
            let is_shown =
                |row: &Row| !Workload::MESSAGES.contains(&row.workload) || distinct.contains(&row.size);
            run.results.results.retain(is_shown);
        }
    }
    runs
}

fn title(runs: &[Labelled]) -> String {
    let labels: Vec<_> = runs.iter().map(|run| escape(&run.label)).collect();
    format!("ipcraft bench: {}", labels.join(", "))
}

/// Returns the sections. `shown` has the rows of the sizes that are shown one by one.
fn body(runs: &[Labelled], shown: &[Labelled]) -> String {
    let legend = Legend::of(runs);
    [
        conditions::conditions(runs),
        winners(runs),
        comparison::comparison(runs),
        toolbar::toolbar(runs, &legend),
        latency::latency(shown, &legend),
        throughput::throughput(runs, &legend),
        cpu::cpu(shown, &legend),
        ratio::ratio(shown, &legend),
        heat_map::heat_map(runs),
        setup::setup(runs, &legend),
        table::table(shown),
    ]
    .concat()
}

/// Returns the recommendations of each run.
fn winners(runs: &[Labelled]) -> String {
    let mut content = String::new();
    for run in runs {
        let lines = crate::recommendations(&run.results);
        if runs.len() > 1 && !lines.is_empty() {
            content += &format!("<h3>{}</h3>\n", escape(&run.label));
        }
        content.extend(lines.iter().map(|line| format!("<p>{}</p>\n", escape(line))));
    }
    let note = "Compared: mechanisms that deliver every message in order, at one size and placement.";
    part::section("winners", "Recommended", note, &content)
}

#[cfg(test)]
mod tests {
    use ipcraft_bench::{Implementation, Placement, mechanisms};

    use super::*;
    use crate::test_results::{estimate, results, row};

    /// A run as large as that of all mechanisms at all sizes.
    fn full_run() -> Labelled {
        let mut rows = Vec::new();
        for (number, mechanism) in (1..).zip(mechanisms()) {
            for size in [1, 8, 64, 1024, 4096, 65_536, 1 << 20] {
                for &placement in Placement::ALL {
                    for &workload in Workload::MESSAGES {
                        let ns = 1234.567 * f64::from(number) + size as f64 / 3.0;
                        let row = Row { placement: Some(placement), ..row(mechanism.id, workload, size) };
                        let library = measured(row, ns);
                        let implementation = Implementation::Baseline;
                        rows.extend([Row { implementation, ..library.clone() }, library]);
                    }
                }
            }
        }
        Labelled { label: "full".into(), results: results(rows) }
    }

    fn measured(row: Row, ns: f64) -> Row {
        let steps = (0..39).map(|step| (f64::from(step) * 2.5, ns * (1.0 + 0.0371 * f64::from(step))));
        Row {
            samples: 100_000,
            time_ns: Some(estimate(ns)),
            p50_ns: Some(ns),
            p99_ns: Some(ns * 1.9),
            percentiles: steps.collect(),
            bytes_per_s: Some(1e9 / ns * row.size as f64),
            cpu_ns_per_message: Some(ns * 1.3),
            ratio_to_baseline: Some(estimate(1.01)),
            setup_us: Some(ns / 90.0),
            ..row
        }
    }

    #[test]
    fn page_of_full_run_is_small_and_contains_its_rows() {
        let run = full_run();
        let page = page(std::slice::from_ref(&run));
        assert!(page.len() <= MAX_PAGE, "{} bytes", page.len());
        let (_, data) = page.split_once(&format!("id=\"{DATA_ID}\">")).unwrap();
        let (data, _) = data.split_once("</script>").unwrap();
        let runs: Vec<serde_json::Value> = serde_json::from_str(data).unwrap();
        let read: ipcraft_bench::Results = serde_json::from_value(unpack(runs[0].clone())).unwrap();
        let names = |rows: &[Row]| {
            let rows = rows.iter().filter(|row| row.implementation == Implementation::Ipcraft);
            rows.map(Row::id).collect::<Vec<_>>()
        };
        assert_eq!(names(&read.results), names(&run.results.results));
    }

    #[test]
    fn page_names_no_address_and_escapes_labels() {
        let label = "</title><script>hostile()</script>";
        let page = page(&[Labelled { label: label.into(), results: results(Vec::new()) }]);
        assert!(!page.contains("http:") && !page.contains("https:"), "{page}");
        assert!(!page.contains("<script>hostile") && page.contains("&lt;script&gt;hostile"), "{page}");
    }
}

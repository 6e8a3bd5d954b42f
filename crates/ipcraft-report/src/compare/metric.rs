//! The figures of a row that can be compared.

use ipcraft_bench::{Estimate, Row};

/// A figure of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The time per message.
    Time,
    /// The median sample.
    P50,
    /// The 90th percentile.
    P90,
    /// The 99th percentile.
    P99,
    /// The 99.9th percentile.
    P999,
    /// Messages per second.
    Rate,
    /// CPU time per message of both processes.
    Cpu,
    /// The time to build both endpoints.
    Setup,
}

impl Metric {
    /// All metrics, with their names in expressions.
    pub const ALL: &'static [(&'static str, Metric)] = &[
        ("time", Metric::Time),
        ("p50", Metric::P50),
        ("p90", Metric::P90),
        ("p99", Metric::P99),
        ("p999", Metric::P999),
        ("rate", Metric::Rate),
        ("cpu", Metric::Cpu),
        ("setup", Metric::Setup),
    ];

    /// Returns the metric with this name.
    pub fn find(name: &str) -> Option<Metric> {
        Metric::ALL.iter().find(|(known, _)| *known == name).map(|(_, metric)| *metric)
    }

    /// Returns whether a smaller figure is worse.
    pub fn is_rate(self) -> bool {
        self == Metric::Rate
    }

    /// Returns the figure of a row with an interval.
    ///
    /// The time and the rate have one. The percentiles and the CPU time get that of the time in
    /// proportion. For the set-up it reaches from the shortest to the longest one of the launches.
    pub(super) fn of(self, row: &Row) -> Option<Estimate> {
        let in_proportion = |figure: Option<f64>| {
            let (figure, time) = (figure?, row.time_ns?);
            let scale = figure / time.value;
            Some(Estimate { value: figure, low: time.low * scale, high: time.high * scale })
        };
        match self {
            Metric::Time => row.time_ns,
            Metric::P50 => in_proportion(row.p50_ns),
            Metric::P90 => in_proportion(row.p90_ns),
            Metric::P99 => in_proportion(row.p99_ns),
            Metric::P999 => in_proportion(row.p999_ns),
            Metric::Rate => row.time_ns.filter(|time| time.low > 0.0).map(rate),
            Metric::Cpu => in_proportion(row.cpu_ns_per_message),
            Metric::Setup => setup(row),
        }
    }
}

fn rate(time: Estimate) -> Estimate {
    Estimate { value: 1e9 / time.value, low: 1e9 / time.high, high: 1e9 / time.low }
}

fn setup(row: &Row) -> Option<Estimate> {
    let value = row.setup_us?;
    let launches = row.launches.iter().filter_map(|launch| launch.setup_us);
    let low = launches.clone().fold(value, f64::min);
    Some(Estimate { value, low, high: launches.fold(value, f64::max) })
}

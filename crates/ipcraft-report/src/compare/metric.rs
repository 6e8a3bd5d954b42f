//! The figures of a row that can be compared.

use ipcraft_bench::{Estimate, Launch, Row, median_over_launches};

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

    /// Returns the figure of two rows, each with its own interval.
    ///
    /// The time is a lower quartile over the launches, and the rate follows from it. Every other
    /// figure is a median over the launches. A row's own figure outside of their interval replaces
    /// it, with the interval in proportion: then the file was changed. If one of the rows lacks the
    /// figures of its launches, as in files of older versions, both are those of the rows, with the
    /// interval of the time in proportion.
    pub(super) fn of(self, old: &Row, new: &Row) -> Option<(Estimate, Estimate)> {
        let own = self.over_launches(old).zip(self.over_launches(new));
        own.or_else(|| self.in_proportion(old).zip(self.in_proportion(new)))
    }

    fn over_launches(self, row: &Row) -> Option<Estimate> {
        let of: fn(&Launch) -> Option<f64> = match self {
            Metric::Time => return row.time_ns,
            Metric::Rate => return row.time_ns.filter(|time| time.low > 0.0).map(rate),
            Metric::P50 => |launch| launch.figures.p50_ns,
            Metric::P90 => |launch| launch.figures.p90_ns,
            Metric::P99 => |launch| launch.figures.p99_ns,
            Metric::P999 => |launch| launch.figures.p999_ns,
            Metric::Cpu => |launch| launch.figures.cpu_ns_per_message,
            Metric::Setup => |launch| launch.setup_us,
        };
        let estimate = median_over_launches(row.launches.iter().filter_map(of))?;
        let changed = self.of_row(row).filter(|value| !(estimate.low..=estimate.high).contains(value));
        Some(changed.map_or(estimate, |value| in_proportion(value, estimate)))
    }

    fn in_proportion(self, row: &Row) -> Option<Estimate> {
        self.of_row(row).zip(row.time_ns).map(|(value, time)| in_proportion(value, time))
    }

    fn of_row(self, row: &Row) -> Option<f64> {
        match self {
            Metric::Time | Metric::Rate => None,
            Metric::P50 => row.p50_ns,
            Metric::P90 => row.p90_ns,
            Metric::P99 => row.p99_ns,
            Metric::P999 => row.p999_ns,
            Metric::Cpu => row.cpu_ns_per_message,
            Metric::Setup => row.setup_us,
        }
    }
}

/// Returns an interval around a figure that is as wide as that of another figure.
fn in_proportion(value: f64, other: Estimate) -> Estimate {
    let scale = value / other.value;
    Estimate { value, low: other.low * scale, high: other.high * scale }
}

fn rate(time: Estimate) -> Estimate {
    Estimate { value: 1e9 / time.value, low: 1e9 / time.high, high: 1e9 / time.low }
}

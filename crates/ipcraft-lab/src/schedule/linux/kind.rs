//! The names of Linux's policies.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

/// The slices that the kernel accepts as they are.
const SLICES: std::ops::RangeInclusive<Duration> = Duration::from_micros(100)..=Duration::from_millis(100);

/// One of Linux's policies for a set of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `SCHED_OTHER`; the priority of a job is its nice value.
    Other,
    /// `SCHED_BATCH`; the priority of a job is its nice value.
    Batch,
    /// `SCHED_IDLE` for jobs of a priority other than 0, and `SCHED_OTHER` for the rest.
    Idle,
    /// `SCHED_OTHER` with a slice of one's own; the priority of a job is its nice value.
    Slice(Duration),
    /// `SCHED_OTHER`, where each owner has a session, and so an autogroup.
    Autogroup,
    /// `SCHED_OTHER` in a control group for each job; its weight is that of the job's tickets.
    Weight,
    /// `SCHED_FIFO`; a high priority goes first.
    Fifo,
    /// `SCHED_RR`; a high priority goes first.
    RoundRobin,
}

/// The forms of [`Kind`] as they are written, each with a description.
pub const FORMS: &[(&str, &str)] = &[
    ("linux:other", "SCHED_OTHER; priorities are nice values from 0 to 19"),
    ("linux:batch", "SCHED_BATCH; priorities are nice values from 0 to 19"),
    ("linux:idle", "SCHED_IDLE for jobs of a priority other than 0"),
    ("linux:slice=TIME", "SCHED_OTHER with slices from 100us to 100ms (Linux 6.12)"),
    ("linux:autogroup", "SCHED_OTHER with a session for each owner"),
    ("linux:weight", "a control group for each job; its weight is the job's tickets, from 1 to 100"),
    ("linux:fifo", "SCHED_FIFO; priorities from 1 to 99, high first"),
    ("linux:rr", "SCHED_RR; priorities from 1 to 99, high first"),
];

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        match text.strip_prefix("linux:").unwrap_or(text) {
            "other" => Ok(Kind::Other),
            "batch" => Ok(Kind::Batch),
            "idle" => Ok(Kind::Idle),
            "autogroup" => Ok(Kind::Autogroup),
            "weight" => Ok(Kind::Weight),
            "fifo" => Ok(Kind::Fifo),
            "rr" => Ok(Kind::RoundRobin),
            other => other.strip_prefix("slice=").and_then(slice).map(Kind::Slice).ok_or_else(|| {
                let forms: Vec<&str> = FORMS.iter().map(|(form, _)| *form).collect();
                format!("{text:?} is no policy of Linux: choose {}", forms.join(", "))
            }),
        }
    }
}

/// Reads a slice such as 3ms or 500us.
fn slice(text: &str) -> Option<Duration> {
    let (number, unit): (&str, fn(u64) -> Duration) = match text.strip_suffix("us") {
        Some(number) => (number, Duration::from_micros),
        None => (text.strip_suffix("ms")?, Duration::from_millis),
    };
    number.parse().ok().map(unit).filter(|slice| SLICES.contains(slice))
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Other => f.write_str("linux:other"),
            Kind::Batch => f.write_str("linux:batch"),
            Kind::Idle => f.write_str("linux:idle"),
            Kind::Slice(slice) => write!(f, "linux:slice={}us", slice.as_micros()),
            Kind::Autogroup => f.write_str("linux:autogroup"),
            Kind::Weight => f.write_str("linux:weight"),
            Kind::Fifo => f.write_str("linux:fifo"),
            Kind::RoundRobin => f.write_str("linux:rr"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_is_read_and_unknown_one_names_the_forms() {
        for (form, _) in FORMS.iter().filter(|(form, _)| !form.contains("TIME")) {
            assert_eq!(form.parse::<Kind>().unwrap().to_string(), *form);
        }
        assert_eq!("linux:slice=3ms".parse(), Ok(Kind::Slice(Duration::from_millis(3))));
        for text in ["linux:cfs", "linux:slice=1us", "linux:slice=1s", "linux:slice="] {
            assert!(text.parse::<Kind>().unwrap_err().contains("linux:fifo"), "{text}");
        }
    }
}

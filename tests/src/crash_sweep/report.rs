//! What the survivors of a sweep saw.

use std::fmt;
use std::time::Duration;

use super::position::{Position, repeat};

/// The failures that a message lists.
const MAX_LISTED_FAILURES: usize = 8;

/// What the survivors of a kill saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: the operation did not begin, or it ended.
    Unnoticed,
    /// The death of the owner, reported as documented.
    Notified,
    /// A message that the dead process may have received already, as documented.
    Redelivered,
    /// A survivor blocks forever.
    Stuck,
    /// A message that no process sent.
    Corrupted,
    /// A message whose send succeeded did not arrive.
    Lost,
    /// A message arrived more often than documented.
    Duplicated,
}

impl Outcome {
    /// Whether no correct mechanism has this outcome.
    fn is_failure(self) -> bool {
        use Outcome::{Corrupted, Duplicated, Lost, Stuck};
        matches!(self, Stuck | Corrupted | Lost | Duplicated)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Unnoticed => "unnoticed: to the survivors the operation did not begin, or it ended",
            Outcome::Notified => "notified: the survivors received an error that reports the death",
            Outcome::Redelivered => "redelivered: a message arrived again, as documented",
            Outcome::Stuck => "stuck: a survivor blocks and does not return",
            Outcome::Corrupted => "corrupted: a survivor received a message that no process sent",
            Outcome::Lost => "lost: a message whose send succeeded was not received",
            Outcome::Duplicated => "duplicated: a message arrived more often than documented",
        })
    }
}

/// How many positions had which outcome.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The positions that were tried.
    pub positions: u64,
    /// The distance between them in instructions; 0 if all are at system calls.
    pub stride: u64,
    /// The first of them.
    pub offset: u64,
    /// The instructions of the operation.
    pub instructions: u64,
    /// The positions with [`Outcome::Notified`].
    pub notified: u64,
    /// The positions with [`Outcome::Redelivered`].
    pub redelivered: u64,
    /// The positions with [`Outcome::Stuck`].
    pub stuck: u64,
    /// The positions with [`Outcome::Corrupted`].
    pub corrupted: u64,
    /// The positions with [`Outcome::Lost`].
    pub lost: u64,
    /// The positions with [`Outcome::Duplicated`].
    pub duplicated: u64,
    /// The longest time from a kill to the end of the check.
    pub slowest: Duration,
    /// The positions with an outcome that a correct mechanism does not have.
    pub failures: Vec<(Position, Outcome)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { positions, instructions, stride, offset, notified, redelivered, .. } = self;
        write!(f, "{positions} positions ")?;
        match stride {
            0 => write!(f, "at system calls: ")?,
            _ => write!(f, "in {instructions} instructions (stride {stride}, offset {offset}): ")?,
        }
        write!(f, "{notified} notified, {redelivered} redelivered, {} stuck, ", self.stuck)?;
        write!(f, "{} corrupted, {} lost, {} duplicated; ", self.corrupted, self.lost, self.duplicated)?;
        write!(f, "slowest {:.1} ms", self.slowest.as_secs_f64() * 1e3)
    }
}

impl Report {
    pub(super) fn add(&mut self, position: Position, outcome: Outcome) {
        if outcome.is_failure() {
            self.failures.push((position, outcome));
        }
        let counter = match outcome {
            Outcome::Unnoticed => return,
            Outcome::Notified => &mut self.notified,
            Outcome::Redelivered => &mut self.redelivered,
            Outcome::Stuck => &mut self.stuck,
            Outcome::Corrupted => &mut self.corrupted,
            Outcome::Lost => &mut self.lost,
            Outcome::Duplicated => &mut self.duplicated,
        };
        *counter += 1;
    }

    /// Describes each failure, and how to repeat it.
    pub(super) fn describe_failures(&self, name: &str) -> String {
        let listed = self.failures.iter().take(MAX_LISTED_FAILURES);
        let mut text: String = listed
            .map(|(position, outcome)| {
                format!("{name}: killed {position}, {outcome}\n{}\n", repeat(name, *position))
            })
            .collect();
        if self.failures.len() > MAX_LISTED_FAILURES {
            text += &format!("and {} further positions\n", self.failures.len() - MAX_LISTED_FAILURES);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn description_of_failures_names_operation_position_and_command() {
        let mut report = Report::default();
        (0..10).for_each(|count| report.add(Position::Instruction(count), Outcome::Lost));
        report.add(Position::Wait(1), Outcome::Notified);
        let text = report.describe_failures("spsc_send");
        assert!(text.starts_with("spsc_send: killed after 0 instructions, lost: "), "{text}");
        assert!(text.contains("IPCRAFT_SWEEP_POSITION=instruction:7 cargo test"), "{text}");
        assert!(text.contains("-- --exact spsc_send\n"), "{text}");
        assert!(text.ends_with("and 2 further positions\n"), "{text}");
        assert_eq!((report.lost, report.notified), (10, 1));
    }
}

//! An order of steps.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use ipcraft_step::Side;
use serde::{Deserialize, Serialize};

/// The most steps that a schedule may have.
const MAX_STEPS: usize = 1_000_000;

/// Which process executes its next instruction, step by step.
///
/// As text: letters, each of which may be followed by a count. `A3 B` is `AAAB`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Schedule(Vec<Side>);

/// A text that is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is no schedule: expected letters A and B, each with an optional count, such as AAB or A2 B (at most {MAX_STEPS} steps)"
)]
pub struct ParseScheduleError {
    found: String,
}

impl Schedule {
    /// Returns a schedule of these steps.
    pub fn new(steps: Vec<Side>) -> Schedule {
        Schedule(steps)
    }

    /// The steps.
    pub fn steps(&self) -> &[Side] {
        &self.0
    }
}

impl Display for Schedule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, run) in self.0.chunk_by(|a, b| a == b).enumerate() {
            let space = if number == 0 { "" } else { " " };
            let count = if run.len() == 1 { String::new() } else { run.len().to_string() };
            write!(f, "{space}{}{count}", letter(run[0]))?;
        }
        Ok(())
    }
}

fn letter(side: Side) -> char {
    match side {
        Side::A => 'A',
        Side::B => 'B',
    }
}

impl FromStr for Schedule {
    type Err = ParseScheduleError;

    fn from_str(text: &str) -> Result<Schedule, ParseScheduleError> {
        let error = || ParseScheduleError { found: text.chars().take(40).collect() };
        let mut steps = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let side = match first {
                'A' | 'a' => Side::A,
                'B' | 'b' => Side::B,
                _ => return Err(error()),
            };
            rest = &rest[1..];
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let count = match &rest[..digits] {
                "" => 1,
                digits => digits.parse().ok().filter(|&count| count <= MAX_STEPS).ok_or_else(error)?,
            };
            steps.extend(std::iter::repeat_n(side, count));
            if steps.len() > MAX_STEPS {
                return Err(error());
            }
            rest = rest[digits..].trim_start_matches([' ', ',', '-', '\t', '\n']);
        }
        Ok(Schedule(steps))
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> String {
        schedule.to_string()
    }
}

impl TryFrom<String> for Schedule {
    type Error = ParseScheduleError;

    fn try_from(text: String) -> Result<Schedule, ParseScheduleError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_of_parsed_schedule_is_compact() {
        for (text, compact) in [("AABBAB", "A2 B2 A B"), ("a2 b2,ab", "A2 B2 A B"), ("A12", "A12"), ("", "")]
        {
            let schedule: Schedule = text.parse().unwrap();
            assert_eq!(schedule.to_string(), compact);
            assert_eq!(compact.parse(), Ok(schedule));
        }
    }

    #[test]
    fn parse_of_other_text_names_it() {
        for text in ["AXB", "3A", "A1000001", "A999999 B2", "A99999999999999999999", "é"] {
            let error = text.parse::<Schedule>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}

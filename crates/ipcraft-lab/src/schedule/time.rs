//! Time on a schedule, in integers.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Ticks in one unit of time. With a unit of 10 ms a tick is 1 us.
pub const TICKS_PER_UNIT: u64 = 10_000;

/// A job with less than this left at the end of its quantum finishes: 1/50 of a unit.
///
/// In a book a quantum and a job end at the same moment. A real job ends a little later.
pub const GRACE: Time = Time(TICKS_PER_UNIT / 50);

/// The step to which remaining times are rounded before they are compared: 1/100 of a unit.
const ROUNDING: u64 = TICKS_PER_UNIT / 100;

/// The longest time that can be written: it leaves room for sums of 10 000 of them.
const MAX_UNITS: u64 = 1_000_000_000;

/// A point in time since the start of a schedule, or a length of time.
///
/// It counts ticks, of which a unit has [`TICKS_PER_UNIT`]. It is printed, parsed and serialised
/// in units: `3`, `0.25`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The start, and no time at all.
    pub const ZERO: Time = Time(0);
    /// One unit.
    pub const UNIT: Time = Time(TICKS_PER_UNIT);

    /// Returns a time of whole units. A time beyond the range becomes the longest one.
    pub const fn units(units: u64) -> Time {
        Time(units.saturating_mul(TICKS_PER_UNIT))
    }

    /// Returns a time of this many ticks.
    pub const fn from_ticks(ticks: u64) -> Time {
        Time(ticks)
    }

    /// Returns the number of ticks.
    pub const fn ticks(self) -> u64 {
        self.0
    }

    /// Returns the number of units.
    pub fn as_units(self) -> f64 {
        self.0 as f64 / TICKS_PER_UNIT as f64
    }

    /// Returns whether there is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Returns the difference, or zero if `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Time) -> Time {
        Time(self.0.saturating_sub(other.0))
    }

    /// Returns this time rounded to 1/100 of a unit. Times that are compared are rounded, so that
    /// measured and exact times compare alike.
    #[must_use]
    pub const fn rounded(self) -> Time {
        Time(self.0.saturating_add(ROUNDING / 2) / ROUNDING * ROUNDING)
    }
}

impl Add for Time {
    type Output = Time;

    fn add(self, other: Time) -> Time {
        Time(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Time {
    fn add_assign(&mut self, other: Time) {
        *self = *self + other;
    }
}

impl Sub for Time {
    type Output = Time;

    /// Returns the difference, or zero if `other` is longer.
    fn sub(self, other: Time) -> Time {
        self.saturating_sub(other)
    }
}

impl SubAssign for Time {
    fn sub_assign(&mut self, other: Time) {
        *self = *self - other;
    }
}

impl Sum for Time {
    fn sum<I: Iterator<Item = Time>>(times: I) -> Time {
        times.fold(Time::ZERO, Add::add)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, ticks) = (self.0 / TICKS_PER_UNIT, self.0 % TICKS_PER_UNIT);
        let mut text = units.to_string();
        if ticks > 0 {
            text += format!(".{ticks:04}").trim_end_matches('0');
        }
        f.pad(&text)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_units())
    }
}

/// Why a text is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not digits with an optional fraction.
    #[error("{0:?} is no time: write a number of units, such as 3 or 0.25")]
    NotANumber(String),
    /// More digits after the point than a tick has.
    #[error("{0:?} is too fine: a unit has {TICKS_PER_UNIT} ticks, so write at most 4 decimals")]
    TooFine(String),
    /// Beyond the range.
    #[error("{0:?} is too long: at most {MAX_UNITS} units")]
    TooLong(String),
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Time, TimeError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(TimeError::NotANumber(text.into()));
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 4 {
            return Err(TimeError::TooFine(text.into()));
        }
        let units = whole.parse::<u64>().ok().filter(|&units| units <= MAX_UNITS);
        let units = units.ok_or_else(|| TimeError::TooLong(text.into()))?;
        let ticks = format!("{fraction:0<4}").parse::<u64>().expect("four digits");
        Ok(Time(units * TICKS_PER_UNIT + ticks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_parsed_and_printed_returns_the_same_text() {
        for text in ["0", "3", "0.25", "10.5", "1.0001"] {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), text);
        }
        assert_eq!("1.50".parse::<Time>().unwrap(), Time::from_ticks(15_000));
    }

    #[test]
    fn text_that_is_no_time_is_refused_with_its_reason() {
        for text in ["", ".", "1.", ".5", "-1", "1e3", "a", "+1", "1.2.3"] {
            assert_eq!(text.parse::<Time>(), Err(TimeError::NotANumber(text.into())));
        }
        assert_eq!("0.00001".parse::<Time>(), Err(TimeError::TooFine("0.00001".into())));
        for text in ["1000000001", "99999999999999999999999"] {
            assert_eq!(text.parse::<Time>(), Err(TimeError::TooLong(text.into())));
        }
    }

    #[test]
    fn rounding_goes_to_the_nearest_hundredth() {
        assert_eq!(Time::from_ticks(149).rounded(), Time::from_ticks(100));
        assert_eq!(Time::from_ticks(150).rounded(), Time::from_ticks(200));
    }
}

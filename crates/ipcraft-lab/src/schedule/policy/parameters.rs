//! The parameters of a policy as they are written: `rr:4`, `priority:low,rr=2`, `lottery:1@7`.

use std::str::FromStr;

use super::parse::FORMS;
use crate::schedule::time::Time;

/// Why a text is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No policy has this name.
    #[error("{0:?} is no policy: choose {choices}", choices = choices())]
    Unknown(String),
    /// A parameter is missing.
    #[error("{0}: {1}")]
    Parameter(String, String),
}

fn choices() -> String {
    FORMS.iter().map(|(form, _)| *form).collect::<Vec<_>>().join(", ")
}

/// What follows the name of a policy. Each parameter is taken once; [`finish`](Parameters::finish)
/// refuses what is left.
pub(super) struct Parameters<'a> {
    policy: &'a str,
    parts: Vec<&'a str>,
    seed: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    /// Splits a policy into its name and its parameters.
    pub(super) fn split(text: &'a str) -> (&'a str, Parameters<'a>) {
        let (rest, seed) = match text.split_once('@') {
            Some((rest, seed)) => (rest, Some(seed)),
            None => (text, None),
        };
        let (policy, parts) = match rest.split_once(':') {
            Some((policy, parts)) => (policy, parts.split(',').collect()),
            None => (rest, Vec::new()),
        };
        (policy, Parameters { policy, parts, seed })
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> SpecError {
        SpecError::Parameter(self.policy.into(), problem.into())
    }

    /// Takes a word such as `low`. Returns whether it was there.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let place = self.parts.iter().position(|part| *part == word);
        place.map(|place| self.parts.remove(place)).is_some()
    }

    /// Takes the value of `key=value`.
    pub(super) fn value(&mut self, key: &str) -> Option<&'a str> {
        let value = |part: &&'a str| part.split_once('=').filter(|(name, _)| *name == key);
        let place = self.parts.iter().position(|part| value(part).is_some())?;
        self.parts.remove(place).split_once('=').map(|(_, value)| value)
    }

    /// Takes the numbers that stand without a key.
    pub(super) fn numbers(&mut self) -> Vec<&'a str> {
        let is_number = |part: &&str| part.starts_with(|first: char| first.is_ascii_digit());
        let (numbers, rest) = std::mem::take(&mut self.parts).into_iter().partition(is_number);
        self.parts = rest;
        numbers
    }

    /// Takes the seed after `@`, 1 if there is none.
    pub(super) fn seed(&mut self) -> Result<u64, SpecError> {
        let text = self.seed.take().unwrap_or("1");
        text.parse().map_err(|_| self.error(format!("{text:?} is no seed: write a whole number after @")))
    }

    /// Reads a length of time above 0.
    pub(super) fn time(&self, text: &str) -> Result<Time, SpecError> {
        let time = Time::from_str(text).map_err(|error| self.error(error.to_string()))?;
        if time.is_zero() { Err(self.error("a time must be above 0")) } else { Ok(time) }
    }

    /// Takes the quantum: the only number, or `q=`. `None` if it is not there.
    pub(super) fn quantum(&mut self) -> Result<Option<Time>, SpecError> {
        let named = self.value("q");
        let numbers = self.numbers();
        match (named, numbers.as_slice()) {
            (None, []) => Ok(None),
            (Some(quantum), []) | (None, &[quantum]) => Ok(Some(self.time(quantum)?)),
            _ => Err(self.error("takes one quantum")),
        }
    }

    /// Fails if there is a parameter that the policy does not have.
    pub(super) fn finish(self) -> Result<(), SpecError> {
        if let Some(part) = self.parts.first() {
            return Err(self.error(format!("unknown parameter {part:?}: write {}", form(self.policy))));
        }
        match self.seed {
            Some(_) => Err(self.error("has no seed")),
            None => Ok(()),
        }
    }
}

/// Returns how a policy is written.
fn form(policy: &str) -> &'static str {
    let is_of = |form: &&str| form.split([':', '[', '@']).next() == Some(policy);
    FORMS.iter().map(|(form, _)| *form).find(is_of).unwrap_or_default()
}

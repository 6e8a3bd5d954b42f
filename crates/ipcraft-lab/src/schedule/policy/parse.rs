//! How a policy is written: `rr:4`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::parameters::{Parameters, SpecError};
use super::spec::Spec;
use super::spn::Weight;
use crate::schedule::time::Time;

/// How each policy is written, and what it does.
pub const FORMS: &[(&str, &str)] = &[
    ("fcfs", "first come, first served"),
    ("sjf", "shortest job first, not preemptive"),
    ("srtn", "shortest remaining time next: a shorter job preempts"),
    ("rr:QUANTUM", "round robin"),
    ("priority[:low][,ageing][,rr=QUANTUM]", "highest priority first, preemptive; low: low numbers first"),
    ("multilevel:Q1,Q2,…[,demote=if-others][,ostep]", "a job that has used its quantum moves down a class"),
    ("spn[:a=1/2][,t0=10]", "shortest process next, by an estimate from past bursts"),
    ("guaranteed[:QUANTUM]", "the job that has got the least of its 1/n"),
    ("lottery[:QUANTUM][@SEED]", "a ticket is drawn for each quantum"),
    ("fair[:WEIGHT,…][,q=QUANTUM]", "users take turns, not jobs"),
    ("rm", "rate monotonic: shortest period first"),
    ("edf", "earliest deadline first"),
    ("stride[:QUANTUM]", "shares by tickets, without chance"),
    ("hrrn", "highest response ratio next"),
];

/// Splits a list of policies at its commas. A part that begins with no policy's name continues the
/// policy before it: `fcfs,multilevel:1,2,4,rr:1` has three.
pub fn parse_list(text: &str) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for part in text.split(',') {
        let name = part.split([':', '@']).next().unwrap_or_default();
        let is_parameter = part.contains('=') && !part.contains(':')
            || name.starts_with(|first: char| first.is_ascii_digit())
            || ["low", "ageing", "ostep"].contains(&name);
        match list.last_mut() {
            Some(last) if is_parameter => *last += &format!(",{part}"),
            _ => list.push(part.into()),
        }
    }
    list
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Spec, SpecError> {
        let (name, mut parameters) = Parameters::split(text);
        let p = &mut parameters;
        let spec = match name {
            "fcfs" => Spec::Fcfs,
            "sjf" => Spec::Sjf,
            "srtn" => Spec::Srtn,
            "rr" => Spec::RoundRobin {
                quantum: p.quantum()?.ok_or_else(|| p.error("a quantum is missing: write rr:4"))?,
            },
            "priority" => Spec::Priority {
                low_first: p.word("low"),
                ageing: p.word("ageing"),
                quantum: p.value("rr").map(|quantum| p.time(quantum)).transpose()?,
            },
            "multilevel" => multilevel(p)?,
            "spn" => spn(p)?,
            "guaranteed" => Spec::Guaranteed { quantum: p.quantum()?.unwrap_or(Time::UNIT) },
            "lottery" => Spec::Lottery { quantum: p.quantum()?.unwrap_or(Time::UNIT), seed: p.seed()? },
            "fair" => fair(p)?,
            "rm" => Spec::Rm,
            "edf" => Spec::Edf,
            "stride" => Spec::Stride { quantum: p.quantum()?.unwrap_or(Time::UNIT) },
            "hrrn" => Spec::Hrrn,
            _ => return Err(SpecError::Unknown(text.into())),
        };
        parameters.finish()?;
        Ok(spec)
    }
}

fn multilevel(p: &mut Parameters<'_>) -> Result<Spec, SpecError> {
    const MAX_CLASSES: usize = 64;
    let demotes_alone = match p.value("demote") {
        None | Some("always") => true,
        Some("if-others") => false,
        Some(other) => return Err(p.error(format!("demote={other}: choose always or if-others"))),
    };
    let ostep = p.word("ostep");
    let quanta: Vec<Time> = p.numbers().into_iter().map(|text| p.time(text)).collect::<Result<_, _>>()?;
    if quanta.is_empty() || quanta.len() > MAX_CLASSES {
        let problem = format!("needs 1 to {MAX_CLASSES} quanta: write multilevel:1,2,4,8");
        return Err(p.error(problem));
    }
    Ok(Spec::Multilevel { quanta, demotes_alone, ostep })
}

fn spn(p: &mut Parameters<'_>) -> Result<Spec, SpecError> {
    let text = p.value("a").unwrap_or("1/2");
    let fraction = text.split_once('/').unwrap_or((text, "1"));
    let weight = match (fraction.0.parse(), fraction.1.parse()) {
        (Ok(numerator), Ok(denominator)) if denominator > 0 && numerator <= denominator => {
            Weight { numerator, denominator }
        }
        _ => return Err(p.error(format!("a={text}: write a fraction from 0 to 1, such as 1/2"))),
    };
    let first = p.value("t0").unwrap_or("10");
    Ok(Spec::Spn { weight, first: p.time(first)? })
}

fn fair(p: &mut Parameters<'_>) -> Result<Spec, SpecError> {
    const MAX_WEIGHT: u64 = 1_000;
    let quantum = p.value("q").map_or(Ok(Time::UNIT), |quantum| p.time(quantum))?;
    let weight = |text: &str| text.parse().ok().filter(|weight| (1..=MAX_WEIGHT).contains(weight));
    let weights: Option<Vec<u64>> = p.numbers().into_iter().map(weight).collect();
    let weights =
        weights.ok_or_else(|| p.error(format!("a weight is a whole number from 1 to {MAX_WEIGHT}")))?;
    Ok(Spec::Fair { quantum, weights })
}

impl fmt::Display for Spec {
    /// Writes the policy as it is parsed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Spec::Fcfs => "fcfs".into(),
            Spec::Sjf => "sjf".into(),
            Spec::Srtn => "srtn".into(),
            Spec::RoundRobin { quantum } => format!("rr:{quantum}"),
            Spec::Priority { low_first, ageing, quantum } => {
                let low = low_first.then(|| "low".to_owned());
                let ageing = ageing.then(|| "ageing".to_owned());
                let turns = quantum.map(|quantum| format!("rr={quantum}"));
                joined("priority", [low, ageing, turns].into_iter().flatten())
            }
            Spec::Multilevel { quanta, demotes_alone, ostep } => {
                let alone = (!demotes_alone).then(|| "demote=if-others".to_owned());
                let ostep = ostep.then(|| "ostep".to_owned());
                joined("multilevel", quanta.iter().map(Time::to_string).chain(alone).chain(ostep))
            }
            Spec::Spn { weight, first } => format!("spn:a={weight},t0={first}"),
            Spec::Guaranteed { quantum } => format!("guaranteed:{quantum}"),
            Spec::Lottery { quantum, seed } => format!("lottery:{quantum}@{seed}"),
            Spec::Fair { quantum, weights } => {
                joined("fair", weights.iter().map(u64::to_string).chain([format!("q={quantum}")]))
            }
            Spec::Rm => "rm".into(),
            Spec::Edf => "edf".into(),
            Spec::Stride { quantum } => format!("stride:{quantum}"),
            Spec::Hrrn => "hrrn".into(),
        };
        f.pad(&text)
    }
}

fn joined(name: &str, parts: impl Iterator<Item = String>) -> String {
    let parts = parts.collect::<Vec<_>>().join(",");
    if parts.is_empty() { name.into() } else { format!("{name}:{parts}") }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

impl Serialize for Spec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_printed_is_the_policy_parsed() {
        for text in [
            "fcfs",
            "sjf",
            "srtn",
            "rr:4",
            "rr:0.5",
            "priority",
            "priority:low",
            "priority:low,ageing,rr=2",
            "multilevel:1,2,4,8",
            "multilevel:1,2,demote=if-others,ostep",
            "spn:a=1/3,t0=4",
            "guaranteed:2",
            "lottery:1@7",
            "fair:2,1,q=1",
            "rm",
            "edf",
            "stride:1",
            "hrrn",
        ] {
            let spec: Spec = text.parse().unwrap();
            assert_eq!(spec.to_string(), text);
            assert!(!spec.title().is_empty());
        }
    }

    #[test]
    fn policy_without_optional_parameters_has_defaults() {
        for (text, full) in [
            ("spn", "spn:a=1/2,t0=10"),
            ("lottery@7", "lottery:1@7"),
            ("lottery:q=2", "lottery:2@1"),
            ("fair", "fair:q=1"),
            ("stride", "stride:1"),
            ("guaranteed", "guaranteed:1"),
        ] {
            assert_eq!(text.parse::<Spec>().unwrap().to_string(), full);
        }
    }

    #[test]
    fn text_that_is_no_policy_is_refused_with_the_choices() {
        for (text, part) in [
            ("fifo", "choose fcfs, sjf, srtn, rr:QUANTUM"),
            ("", "choose fcfs"),
            ("rr", "a quantum is missing: write rr:4"),
            ("rr:0", "a time must be above 0"),
            ("rr:x", "a quantum is missing"),
            ("rr:4,x", "unknown parameter \"x\": write rr:QUANTUM"),
            ("rr:4,5", "takes one quantum"),
            ("rr:4@7", "has no seed"),
            ("fcfs:4", "unknown parameter \"4\": write fcfs"),
            ("priority:high", "unknown parameter \"high\": write priority[:low]"),
            ("multilevel", "write multilevel:1,2,4,8"),
            ("multilevel:1,demote=never", "choose always or if-others"),
            ("spn:a=2", "write a fraction from 0 to 1"),
            ("spn:a=1/0", "write a fraction from 0 to 1"),
            ("lottery@x", "is no seed"),
            ("fair:0", "a weight is a whole number"),
        ] {
            let error = text.parse::<Spec>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn list_is_split_between_policies_and_not_within() {
        let list = parse_list("fcfs,multilevel:1,2,demote=if-others,priority:low,rr=2,rr:1,fifo,linux:rr");
        let expected =
            ["fcfs", "multilevel:1,2,demote=if-others", "priority:low,rr=2", "rr:1", "fifo", "linux:rr"];
        assert_eq!(list, expected);
    }
}

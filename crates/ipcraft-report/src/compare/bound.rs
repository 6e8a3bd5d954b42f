//! Bounds on what may become worse: `channel/round_trip/64/p50 > 10%`.

use std::fmt;

use ipcraft_bench::{Estimate, Row};

use super::{Comparison, Metric};

/// A bound on how much worse some rows may be than before.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    text: String,
    mechanism: String,
    workload: String,
    size: String,
    placement: String,
    metric: Metric,
    /// The greatest loss, as a fraction.
    most: f64,
}

/// A row that is worse than a bound allows, beyond the noise.
#[derive(Clone, Debug)]
pub struct Regression {
    /// The row.
    pub name: String,
    /// The bound.
    pub bound: String,
    /// The newer figure relative to the older one.
    pub ratio: Estimate,
}

/// A bound that applies to no row of both runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched(pub String);

impl fmt::Display for Regression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { value, low, high } = self.ratio;
        let (name, bound) = (&self.name, &self.bound);
        write!(f, "regression: {name} at {value:.2} times ({low:.2} to {high:.2}) the baseline: {bound}")
    }
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: not measured in both runs", self.0)
    }
}

impl std::str::FromStr for Bound {
    type Err = String;

    /// Parses `MECHANISM/WORKLOAD/SIZE[/PLACEMENT]/METRIC > N%`. A `*` stands for any characters.
    fn from_str(text: &str) -> Result<Bound, String> {
        let (path, limit) = text.split_once('>').ok_or_else(usage)?;
        let parts: Vec<&str> = path.trim().split('/').collect();
        let (mechanism, workload, size, placement, metric) = match parts[..] {
            [mechanism, workload, size, metric] => (mechanism, workload, size, "*", metric),
            [mechanism, workload, size, placement, metric] => (mechanism, workload, size, placement, metric),
            _ => return Err(usage()),
        };
        if [mechanism, workload, size, placement].iter().any(|part| part.is_empty()) {
            return Err(usage());
        }
        Ok(Bound {
            text: text.trim().into(),
            mechanism: mechanism.into(),
            workload: workload.into(),
            size: size.into(),
            placement: placement.into(),
            metric: Metric::find(metric).ok_or_else(|| unknown_metric(metric))?,
            most: percent(limit.trim()).ok_or_else(usage)? / 100.0,
        })
    }
}

fn usage() -> String {
    "expected MECHANISM/WORKLOAD/SIZE[/PLACEMENT]/METRIC > N%, \
     such as channel/round_trip/64/p50 > 10%; * stands for anything"
        .into()
}

fn unknown_metric(name: &str) -> String {
    let names: Vec<_> = Metric::ALL.iter().map(|(name, _)| *name).collect();
    format!("unknown metric '{name}'; choose from {}", names.join(", "))
}

fn percent(text: &str) -> Option<f64> {
    let number: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

impl Bound {
    /// Returns whether the bound applies to some of these mechanisms, workloads and placements.
    pub fn selects(&self, mechanisms: &[&str], workloads: &[&str], placements: &[&str]) -> bool {
        let any = |pattern: &str, names: &[&str]| names.iter().any(|name| matches(pattern, name));
        let baseline = |name: &&str| matches(&self.mechanism, &format!("{name}_baseline"));
        (any(&self.mechanism, mechanisms) || mechanisms.iter().any(baseline))
            && any(&self.workload, workloads)
            && (self.placement == "*" || any(&self.placement, placements))
    }

    /// Returns whether the bound applies to a row.
    pub fn applies_to(&self, row: &Row) -> bool {
        let mechanism = format!("{}{}", row.mechanism, row.implementation.suffix());
        matches(&self.mechanism, &mechanism)
            && matches(&self.workload, row.workload.name())
            && matches(&self.size, &row.size.to_string())
            && row.placement.map_or(self.placement == "*", |place| matches(&self.placement, place.name()))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Comparison<'_> {
    /// Returns the rows that are worse than the bounds allow.
    ///
    /// A row counts if the intervals of both runs are apart and the ratio exceeds the bound. Fails
    /// with [`Unmatched`] if a bound applies to no figure that both runs have.
    pub fn regressions(&self, bounds: &[Bound]) -> Result<Vec<Regression>, Unmatched> {
        let mut regressions = Vec::new();
        for bound in bounds {
            let pairs = self.pairs.iter().filter(|pair| bound.applies_to(pair.old));
            let mut ratios = pairs.filter_map(|pair| Some((pair, pair.ratio(bound.metric)?))).peekable();
            if ratios.peek().is_none() {
                return Err(Unmatched(bound.text.clone()));
            }
            let worse = ratios.filter(|(pair, ratio)| {
                pair.differs(bound.metric) && loss(bound.metric, ratio.value) > bound.most
            });
            regressions.extend(worse.map(|(pair, ratio)| Regression {
                name: pair.name(),
                bound: bound.text.clone(),
                ratio,
            }));
        }
        Ok(regressions)
    }
}

/// Returns how much worse a figure became, as a fraction of the older one.
fn loss(metric: Metric, ratio: f64) -> f64 {
    if metric.is_rate() { 1.0 - ratio } else { ratio - 1.0 }
}

/// Returns whether a text matches a pattern, in which `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).any(|end| text.is_char_boundary(end) && matches(rest, &text[end..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bound_is_parsed_with_and_without_placement() {
        let bound: Bound = " channel*/round_trip/64/p50 > 10% ".parse().unwrap();
        assert_eq!((&bound.mechanism[..], &bound.placement[..]), ("channel*", "*"));
        assert_eq!((bound.metric, bound.most), (Metric::P50, 0.1));
        assert_eq!(bound.to_string(), "channel*/round_trip/64/p50 > 10%");
        let bound: Bound = "pipe/stream/*/same_core/rate>2.5 %".parse().unwrap();
        assert_eq!((&bound.placement[..], bound.metric, bound.most), ("same_core", Metric::Rate, 0.025));
    }

    #[test]
    fn parse_of_other_text_shows_the_form() {
        let wrong =
            ["", "pipe", "pipe > 1%", "a/b/c/p50 < 1%", "a/b/c/p50 > 1", "a/b/c/p50 > -1%", "//c/p50 > 1%"];
        for text in wrong.iter().chain(&["a/b/c/d/e/p50 > 1%", "a/b/c/p50 > x%", "a/b/c/p50 > inf%"]) {
            let error = text.parse::<Bound>().unwrap_err();
            assert!(error.contains("MECHANISM/WORKLOAD/SIZE"), "{text}: {error}");
        }
        let error = "a/b/c/p51 > 1%".parse::<Bound>().unwrap_err();
        assert!(error.contains("'p51'") && error.contains("p50, p90"), "{error}");
    }

    #[test]
    fn bound_selects_mechanisms_workloads_and_placements() {
        let selects = |text: &str| {
            let bound: Bound = text.parse().unwrap();
            bound.selects(&["pipe", "futex"], &["round_trip"], &["two_cores"])
        };
        assert!(selects("pipe/*/64/p50 > 1%") && selects("pipe_baseline/round_trip/*/two_cores/p50 > 1%"));
        assert!(!selects("fifo/*/*/p50 > 1%") && !selects("*/stream/*/p50 > 1%"));
        assert!(!selects("pipe/*/*/same_core/p50 > 1%"));
    }

    #[test]
    fn star_matches_any_characters() {
        assert!(matches("*", "") && matches("a*c", "abc") && matches("*b*", "abc") && matches("abc", "abc"));
        assert!(!matches("a*c", "abd") && !matches("ab", "abc") && !matches("*z", "abc"));
    }

    #[test]
    fn loss_of_a_rate_is_what_is_missing() {
        assert!((loss(Metric::Rate, 0.8) - 0.2).abs() < 1e-9);
        assert!((loss(Metric::Time, 1.2) - 0.2).abs() < 1e-9);
    }
}

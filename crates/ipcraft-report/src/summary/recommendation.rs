//! Three recommendations: for small messages, for bulk, and for two processes on one core.
//!
//! Each compares only mechanisms that deliver every message in order, at the same size and the same
//! placement.
//!
//! Neighbours on a machine change times by a third, and the order of mechanisms that are nearly as
//! fast with them. So the fastest mechanism decides only which families are fast enough. Of these
//! the mechanism is recommended that gives up least. The fastest one is named beside it.

use ipcraft_bench::{Description, Placement, Promise, Results, Row, Waiting, Workload};

use super::cells::shown_ns;
use super::choice::Chosen;
use super::columns::{MAX_SIZES, is_mechanism, sizes};
use crate::units;

/// Names that are written out before the rest is counted.
const MAX_EQUALS: usize = 2;

/// A family is fast enough if its fastest mechanism takes at most this much more time than the
/// fastest of all.
const FAST_ENOUGH: f64 = 1.5;
/// Within such a family, a mechanism that gives up less may take this much more time than the
/// fastest of all.
const WORTH_GIVING_UP: f64 = 4.0;

/// Returns a line for each question that the run answers.
pub(super) fn lines(results: &Results, chosen: &Chosen, width: usize) -> Vec<String> {
    use Placement::{SameCore, TwoCores};
    let small = |place| Question::new(results, chosen, Workload::RoundTrip, place, |s| s.first().copied());
    let bulk = |place| Question::new(results, chosen, Workload::Stream, place, |s| s.last().copied());
    let questions = [
        ("latency", small(TwoCores)),
        ("bulk", bulk(TwoCores)),
        ("one core", small(SameCore)),
        // Only if nothing was measured on two cores.
        ("bulk on one core", bulk(SameCore).filter(|_| bulk(TwoCores).is_none())),
    ];
    let lines = |(name, question): (&str, Option<Question<'_>>)| question.and_then(|q| q.answer(name, width));
    questions.into_iter().filter_map(lines).flatten().collect()
}

/// The rows that can be compared: same workload, placement, size and promise.
struct Question<'a> {
    results: &'a Results,
    workload: Workload,
    placement: Placement,
    size: usize,
    rows: Vec<&'a Row>,
}

impl<'a> Question<'a> {
    fn new(
        results: &'a Results,
        chosen: &Chosen,
        workload: Workload,
        placement: Placement,
        select: impl FnOnce(&[usize]) -> Option<usize>,
    ) -> Option<Question<'a>> {
        let size = select(&sizes(results, workload, placement, MAX_SIZES))?;
        let fits = |row: &&Row| {
            is_mechanism(row)
                && chosen.has(row)
                && (row.workload, row.placement, row.size) == (workload, Some(placement), size)
                && row.time_ns.is_some()
                && describe(results, row).is_some_and(|found| found.promise == Promise::EveryMessage)
        };
        let rows: Vec<&Row> = results.results.iter().filter(fits).collect();
        // A single mechanism is no choice.
        let is_choice = rows.len() > 1;
        is_choice.then_some(Question { results, workload, placement, size, rows })
    }

    /// Names the best mechanism, its equals, and what the choice gives up, in one line if possible.
    fn answer(&self, name: &str, width: usize) -> Option<Vec<String>> {
        let best = self.rows.iter().copied().min_by(|a, b| time(a).total_cmp(&time(b)))?;
        let choice = self.choice(best)?;
        let others = self.equals(choice);
        let head = format!("{name} {}: {}", units::size(self.size), self.with_figure(choice));
        let fastest = if std::ptr::eq(best, choice) || others.iter().any(|row| std::ptr::eq(*row, best)) {
            String::new()
        } else {
            format!("; fastest: {}", self.with_figure(best))
        };
        let gives_up = format!("; gives up: {}", self.gives_up(choice));
        let alternative = self.pollable(choice).unwrap_or_default();
        let mut forms = Vec::new();
        for count in (0..=MAX_EQUALS).rev() {
            let equal = equal_names(&others, count);
            forms.push(format!("{head}{equal}{fastest}{gives_up}{alternative}"));
            forms.push(format!("{head}{equal}{fastest}{gives_up}"));
        }
        if let Some(line) = forms.into_iter().find(|line| line.len() <= width) {
            return Some(vec![line]);
        }
        let rest = gives_up.trim_start_matches("; ");
        let firsts =
            (0..=MAX_EQUALS).rev().map(|count| format!("{head}{}{fastest}", equal_names(&others, count)));
        let first = firsts.into_iter().find(|line| line.len() <= width).unwrap_or(head);
        let seconds = [format!("  {rest}{alternative}"), format!("  {rest}")];
        let second = seconds.into_iter().find(|line| line.len() <= width);
        Some([Some(first), second].into_iter().flatten().collect())
    }

    /// Returns the row that gives up least among the families that are fast enough.
    fn choice(&self, best: &Row) -> Option<&'a Row> {
        let within = |row: &Row, factor: f64| time(row) <= factor * time(best);
        let fast = |row: &&&Row| within(row, FAST_ENOUGH);
        let families: Vec<&str> = self.rows.iter().filter(fast).filter_map(|row| self.family(row)).collect();
        let candidates = self.rows.iter().copied().filter(|row| {
            within(row, WORTH_GIVING_UP) && self.family(row).is_some_and(|family| families.contains(&family))
        });
        candidates.min_by_key(|row| self.losses(row))
    }

    /// Returns the other rows that equal one within the noise, the fastest first.
    fn equals(&self, choice: &Row) -> Vec<&'a Row> {
        let is_equal = |row: &&Row| {
            let overlap = row.time_ns.zip(choice.time_ns).is_some_and(|(a, b)| a.overlaps(&b));
            overlap && !std::ptr::eq(*row, choice)
        };
        let mut equals: Vec<&Row> = self.rows.iter().copied().filter(is_equal).collect();
        equals.sort_by(|a, b| time(a).total_cmp(&time(b)));
        equals
    }

    fn family(&self, row: &Row) -> Option<&'a str> {
        describe(self.results, row).map(|found| found.family.as_str())
    }

    /// Returns how much a choice gives up, for sorting. Of two mechanisms that give up as much, the
    /// more general one comes first in the list of mechanisms.
    fn losses(&self, row: &Row) -> (bool, usize, usize) {
        let phrases = describe(self.results, row).map_or(0, |found| phrases(found).count());
        let place = self.results.mechanisms.iter().position(|described| described.id == row.mechanism);
        (row.waiting == Waiting::Spin, phrases, place.unwrap_or(usize::MAX))
    }

    fn gives_up(&self, row: &Row) -> String {
        let waits = match row.waiting {
            Waiting::Spin => Some("waits by spinning"),
            Waiting::Adaptive if self.placement == Placement::TwoCores => Some("spins first"),
            _ => None,
        };
        let described = describe(self.results, row).into_iter().flat_map(phrases);
        // The way of waiting appears once.
        let others = described.filter(|phrase| row.waiting != Waiting::Spin || !phrase.contains("occupies"));
        let all: Vec<_> = waits.into_iter().chain(others).collect();
        if all.is_empty() { "nothing".into() } else { all.join("; ") }
    }

    /// Names the fastest mechanism with a descriptor for `poll(2)`, if the best has none.
    fn pollable(&self, best: &Row) -> Option<String> {
        let has_poll = |row: &Row| describe(self.results, row).is_some_and(|found| found.pollable);
        if has_poll(best) {
            return None;
        }
        let pollable = self.rows.iter().filter(|row| has_poll(row));
        let fastest = pollable.min_by(|a, b| time(a).total_cmp(&time(b)))?;
        Some(format!("; with poll: {}", self.with_figure(fastest)))
    }

    fn with_figure(&self, row: &Row) -> String {
        let time = shown_ns(row).unwrap_or(f64::INFINITY);
        let figure = match self.workload {
            Workload::Stream => units::bandwidth(row.size as f64 / time * 1e9),
            _ => units::time(time),
        };
        let variant = row.variant.as_ref().map_or(String::new(), |variant| format!(" {variant}"));
        format!("{}{variant} {figure}{}", row.mechanism, if row.noisy { " (noisy)" } else { "" })
    }
}

fn time(row: &Row) -> f64 {
    row.time_ns.map_or(f64::INFINITY, |time| time.value)
}

fn describe<'a>(results: &'a Results, row: &Row) -> Option<&'a Description> {
    results.mechanisms.iter().find(|described| described.id == row.mechanism)
}

fn phrases(described: &Description) -> impl Iterator<Item = &str> {
    described.gives_up.split("; ").filter(|phrase| !phrase.is_empty())
}

fn equal_names(others: &[&Row], count: usize) -> String {
    let named: Vec<_> = others.iter().take(count).map(|row| row.mechanism.as_str()).collect();
    let rest = others.len() - named.len();
    match (named.is_empty(), rest) {
        (true, 0) => String::new(),
        (true, rest) => format!(" (= {rest} others)"),
        (false, 0) => format!(" (= {})", named.join(", ")),
        (false, rest) => format!(" (= {}, {rest} more)", named.join(", ")),
    }
}

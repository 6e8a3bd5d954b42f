//! `ipcraft lab peterson`.

use std::time::Duration;

use ipcraft_bench::Placement;
use ipcraft_lab::Layout;
use ipcraft_lab::exclusion::{Contention, Speed};
use ipcraft_lab::litmus::{Litmus, litmus};
use ipcraft_lab::machine::unpinned;
use ipcraft_lab::peterson::{Variant, matrix};
use serde::Serialize;

use super::exclusion::count;
use super::{Failure, Outcome, table};

#[derive(Serialize)]
struct Results {
    store_buffering: Vec<Litmus>,
    variants: Vec<Variant>,
}

/// `time` is that of each variant, placement and layout.
pub(super) fn outcome(time: Duration) -> Result<Outcome, Failure> {
    let (store_buffering, mut skipped) = litmus()?;
    let (variants, also_skipped) = matrix(time)?;
    skipped.extend(also_skipped);
    skipped.extend(unpinned()?);
    let text = format!("{}\n{}\n{LESSON}", buffering(&store_buffering), variants_text(&variants));
    Ok(Outcome::new(text, &Results { store_buffering, variants }, skipped)?)
}

const LESSON: &str = "\
In every order of its instructions Peterson's algorithm is right (ipcraft lab explore peterson-relaxed).\n\
A core keeps its stores in a buffer, so that its loads come first: that is no order of instructions.\n\
Only a fence between the stores and the loads, or an exchange, prevents it. No violation in N entries\n\
proves nothing where one may be seen.\n";

fn buffering(results: &[Litmus]) -> String {
    let mut rows = table(&["store x, load y | store y, load x", "placement", "rounds", "both loads first"]);
    for found in results {
        rows.add_row([
            found.access.name().to_owned(),
            if found.placement == Placement::TwoCores { "two cores" } else { "one core" }.into(),
            count(found.rounds as u64),
            format!(
                "{} ({:.1} per million)",
                found.reordered,
                found.reordered as f64 * 1e6 / found.rounds as f64
            ),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn variants_text(variants: &[Variant]) -> String {
    let mut rows = table(&[
        "variant",
        "placement",
        "variables",
        "entries",
        "violations per million",
        "ns per entry",
        "verdict",
    ]);
    for variant in variants {
        let found = &variant.contention;
        rows.add_row([
            variant.algorithm.clone(),
            if found.speed == Speed::TwoCores { "two cores" } else { "one core" }.into(),
            if found.layout == Layout::OneLine { "one line" } else { "own lines" }.into(),
            count(found.total()),
            format!("{:.2}", found.per_million()),
            format!("{:.0}", found.ns_per_entry),
            verdict(variant, found).into(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn verdict(variant: &Variant, found: &Contention) -> &'static str {
    match (found.is_violated(), variant.may_be_wrong) {
        (true, true) => "wrong, as expected",
        (true, false) => "WRONG, against the rules of the language",
        (false, true) => "not seen here, which proves nothing",
        (false, false) => "held",
    }
}

//! The time between every pair of cores.

use ipcraft_bench::HeatMap;

use super::escape::escape;
use super::part::{figures, section};
use super::scale::Scale;
use super::svg::{WIDTH, document, text};
use super::tick;
use crate::{Labelled, units};

/// The most cores whose figures fit into the cells.
const MAX_WRITTEN: usize = 12;
/// The most cores whose numbers fit beside the cells.
const MAX_NUMBERED: usize = 32;

/// Returns the section. Maps of one mechanism share their colours in all runs.
pub(super) fn heat_map(runs: &[Labelled]) -> String {
    let mut charts = Vec::new();
    for (run, labelled) in runs.iter().enumerate() {
        for map in labelled.results.topology.heat_maps.iter().filter(|map| !map.cores.is_empty()) {
            let name = match runs.len() {
                1 => map.mechanism.clone(),
                _ => format!("{}: {}", labelled.label, map.mechanism),
            };
            if let Some(scale) = scale(runs, &map.mechanism) {
                let chart = chart(map, scale, &name);
                let caption = escape(&name);
                charts.push(format!(
                    "<figure data-run={run}><figcaption>{caption}</figcaption>\n{chart}</figure>\n"
                ));
            }
        }
    }
    section(
        "cores",
        "From core to core",
        "The median round trip between every pair of cores: the client's core by row, the server's \
         by column. Darker is slower, and the colours are logarithmic.",
        &figures(&charts),
    )
}

fn scale(runs: &[Labelled], mechanism: &str) -> Option<Scale> {
    let maps = runs.iter().flat_map(|run| &run.results.topology.heat_maps);
    let figures = maps.filter(|map| map.mechanism == mechanism).flat_map(|map| map.ns.iter().flatten());
    let (low, high) = figures
        .flatten()
        .filter(|ns| ns.is_finite() && **ns > 0.0)
        .fold((f64::INFINITY, 0.0_f64), |(low, high), ns| (low.min(*ns), high.max(*ns)));
    (high > 0.0).then(|| Scale::Log { low: low / 1.05, high: high * 1.05 })
}

fn chart(map: &HeatMap, scale: Scale, name: &str) -> String {
    let cores = i32::try_from(map.cores.len()).unwrap_or(i32::MAX);
    let (left, top) = (96, 64);
    let cell = ((WIDTH - left - 16) / cores).clamp(2, 120);
    let (right, bottom) = (left + cell * cores, top + cell * cores);
    let mut shapes = text(i32::midpoint(left, right), 24, "m t", "core of the server")
        + &format!(
            "<text class=\"m t\" transform=\"translate(24 {}) rotate(-90)\">core of the client</text>",
            i32::midpoint(top, bottom)
        );
    let every = map.cores.len().div_ceil(MAX_NUMBERED);
    for (index, core) in (0..).zip(&map.cores).filter(|(index, _)| (*index as usize).is_multiple_of(every)) {
        let middle = cell * index + cell / 2;
        shapes += &text(left + middle, top - 8, "m", &core.to_string());
        shapes += &text(left - 10, top + middle + 9, "e", &core.to_string());
    }
    for (y, row) in (0..cores).zip(&map.ns) {
        for (x, ns) in (0..cores).zip(row) {
            let pair = format!("{} to {}", map.cores[y as usize], map.cores[x as usize]);
            let place = (left + cell * x, top + cell * y, cell);
            shapes += &one(place, *ns, scale, &pair, map.cores.len() <= MAX_WRITTEN);
        }
    }
    shapes += &key(scale, bottom + 24, left);
    document(
        (WIDTH, bottom + 100),
        "",
        &format!("Core to core, {name}"),
        "Round trips by pair of cores",
        &shapes,
    )
}

fn one((x, y, side): (i32, i32, i32), ns: Option<f64>, scale: Scale, pair: &str, written: bool) -> String {
    let Some((ns, position)) = ns.and_then(|ns| Some((ns, scale.position(ns)?))) else {
        return format!("<rect class=none x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\"/>");
    };
    let rect = format!(
        "<rect fill=\"{}\" x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" data-t=\"{pair}: {}\"/>",
        colour(position),
        units::time(ns)
    );
    let figure =
        if ns < 1e3 { format!("{ns:.0}") } else { units::time(ns).replace(" us", "u").replace(" ms", "m") };
    let ink = if position < 0.5 { "#000" } else { "#fff" };
    let label = || {
        let (x, y) = (x + side / 2, y + side / 2 + 9);
        format!("<text class=m style=\"fill:{ink}\" x=\"{x}\" y=\"{y}\">{figure}</text>")
    };
    if written && side >= 60 { rect + &label() } else { rect }
}

fn key(scale: Scale, top: i32, left: i32) -> String {
    const STEPS: i32 = 24;
    let Scale::Log { low, high } = scale else {
        return String::new();
    };
    let width = (WIDTH - left - 120) / STEPS;
    let mut shapes = String::new();
    for step in 0..STEPS {
        let fill = colour(f64::from(step) / f64::from(STEPS - 1));
        let x = left + width * step;
        shapes += &format!("<rect fill=\"{fill}\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"20\"/>");
    }
    for tick in Scale::ticks(scale).into_iter().filter(|tick| *tick >= low && *tick <= high) {
        if let Some(position) = scale.position(tick) {
            let x = left + (position * f64::from(width * STEPS)).round() as i32;
            shapes += &text(x, top + 50, "m", &tick::time(tick));
        }
    }
    shapes
}

/// Returns a colour from light yellow to dark blue, along the map "cividis": its lightness alone
/// carries the order.
fn colour(position: f64) -> String {
    const STOPS: [[f64; 3]; 5] =
        [[254., 232., 56.], [188., 174., 108.], [124., 123., 120.], [65., 77., 107.], [0., 32., 77.]];
    let along = position.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let index = (along as usize).min(STOPS.len() - 2);
    let part = along - index as f64;
    let mixed = |channel: usize| {
        let (from, to) = (STOPS[index][channel], STOPS[index + 1][channel]);
        (from + (to - from) * part).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mixed(0), mixed(1), mixed(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_darker() {
        assert_eq!([colour(0.0), colour(0.5), colour(1.0)], ["#fee838", "#7c7b78", "#00204d"]);
    }

    #[test]
    fn missing_figures_have_cells_without_colour() {
        let map = HeatMap {
            mechanism: "channel".into(),
            cores: vec![0, 4],
            ns: vec![vec![None, Some(100.0)], vec![Some(900.0), None]],
        };
        let svg = chart(&map, Scale::Log { low: 100.0, high: 900.0 }, "<x>");
        assert_eq!((svg.matches("class=none").count(), svg.matches("data-t").count()), (2, 2), "{svg}");
        assert!(svg.contains("4 to 0: 900 ns") && svg.contains("&lt;x&gt;"), "{svg}");
    }
}

//! Named rows of dots with whiskers, on a logarithmic axis.

use super::escape::escape;
use super::scale::Scale;
use super::svg::{Axis, Frame, text};

/// The height of a row.
const ROW: i32 = 34;

/// One row.
pub(super) struct Dot {
    /// The name on the left.
    pub(super) name: String,
    /// The classes of the dot and the series.
    pub(super) attributes: String,
    pub(super) value: f64,
    /// The ends of the whisker.
    pub(super) whisker: Option<(f64, f64)>,
    /// What the script shows beside the pointer.
    pub(super) tooltip: String,
}

/// Returns a chart of the rows, from the top. A figure may be marked by a line.
pub(super) fn dots(dots: &[Dot], axis: Axis, mark: Option<f64>, title: &str, description: &str) -> String {
    let rows = i32::try_from(dots.len()).unwrap_or_default();
    let frame = Frame { x: axis, y: None, height: ROW * rows + 124, left: 330, right: 48 };
    let mut shapes = String::new();
    if let Some(x) = mark.and_then(|mark| frame.at_x(mark)) {
        shapes += &format!("<path class=mark d=\"M{x} 16V{}\"/>", frame.bottom());
    }
    for (row, dot) in (0..).zip(dots) {
        let y = 16 + ROW * row + ROW / 2;
        shapes += &text(318, y + 9, "e", &shortened(&dot.name));
        let whisker = dot.whisker.and_then(|(low, high)| Some((frame.at_x(low)?, frame.at_x(high)?)));
        let Some(x) = frame.at_x(dot.value) else { continue };
        let whisker = whisker.map(|(low, high)| format!("<path class=w d=\"M{low} {y}H{high}\"/>"));
        shapes += &format!(
            "<g {} data-t=\"{}\">{}<path class=p d=\"M{x} {y}m-8 0a8 8 0 1 1 16 0a8 8 0 1 1-16 0z\"/></g>",
            dot.attributes,
            escape(&dot.tooltip),
            whisker.unwrap_or_default()
        );
    }
    frame.svg(title, description, &shapes)
}

fn shortened(name: &str) -> String {
    const LONGEST: usize = 22;
    if name.chars().count() <= LONGEST {
        return name.into();
    }
    name.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// Returns an axis for the dots and their whiskers. `None` if there is nothing to show.
pub(super) fn scale<'a>(dots: impl IntoIterator<Item = &'a Dot>, mark: Option<f64>) -> Option<Scale> {
    let mut figures: Vec<f64> = Vec::new();
    for dot in dots {
        figures.push(dot.value);
        figures.extend(dot.whisker.into_iter().flat_map(|(low, high)| [low, high]));
    }
    if figures.is_empty() { None } else { Scale::log(figures.into_iter().chain(mark)) }
}

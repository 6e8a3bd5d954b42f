//! The frame of a chart, with axes and a grid, and the shapes within it.
//!
//! Coordinates are whole numbers. A chart is 880 wide and shown at about half of that, so a unit is
//! half a pixel.

use super::escape::escape;
use super::scale::Scale;

/// The width of a chart.
pub(super) const WIDTH: i32 = 880;
/// The height of a chart whose height does not depend on its content.
pub(super) const HEIGHT: i32 = 600;

/// One axis.
pub(super) struct Axis {
    /// How figures become positions.
    pub(super) scale: Scale,
    /// What the axis shows.
    pub(super) title: &'static str,
    /// Formats a tick.
    pub(super) label: fn(f64) -> String,
}

/// A chart with two axes.
pub(super) struct Frame {
    pub(super) x: Axis,
    /// `None` if the rows are named and not measured.
    pub(super) y: Option<Axis>,
    pub(super) height: i32,
    /// The space to the left of the area.
    pub(super) left: i32,
    /// The space to its right.
    pub(super) right: i32,
}

const TOP: i32 = 16;
const BOTTOM: i32 = 92;
/// The width of a label of the x axis, with the space to the next one.
const LABEL_WIDTH: i32 = 100;

impl Frame {
    /// Returns the usual frame.
    pub(super) fn new(x: Axis, y: Axis) -> Frame {
        Frame { x, y: Some(y), height: HEIGHT, left: 170, right: 48 }
    }

    /// Returns the horizontal coordinate of a figure.
    pub(super) fn at_x(&self, figure: f64) -> Option<i32> {
        Some(self.left + scaled(self.x.scale.position(figure)?, WIDTH - self.left - self.right))
    }

    /// Returns the vertical coordinate of a figure.
    pub(super) fn at_y(&self, figure: f64) -> Option<i32> {
        let position = self.y.as_ref()?.scale.position(figure)?;
        Some(self.bottom() - scaled(position, self.bottom() - TOP))
    }

    /// Returns the vertical coordinate of the x axis.
    pub(super) fn bottom(&self) -> i32 {
        self.height - BOTTOM
    }

    /// Returns the chart with its shapes.
    pub(super) fn svg(&self, title: &str, description: &str, shapes: &str) -> String {
        let axes = self.x_axis() + &self.y_axis();
        let attributes = format!(" {}", self.inverse());
        document((WIDTH, self.height), &attributes, title, description, &(axes + shapes))
    }

    /// Returns attributes from which a script computes figures from positions.
    fn inverse(&self) -> String {
        let ends = |scale| match scale {
            Scale::Log { low, high } => format!("log {low} {high}"),
            Scale::Nines { nines } => format!("nines 0 {nines}"),
        };
        let x = format!("data-x=\"{} {} {}\"", ends(self.x.scale), self.left, WIDTH - self.right);
        let y = self.y.as_ref().map(|y| format!(" data-y=\"{} {} {TOP}\"", ends(y.scale), self.bottom()));
        x + &y.unwrap_or_default()
    }

    fn x_axis(&self) -> String {
        let (left, right, bottom) = (self.left, WIDTH - self.right, self.bottom());
        let mut grid = String::new();
        let mut labels = format!("<path class=a d=\"M{left} {bottom}H{right}\"/>");
        let mut free = 0;
        for tick in self.x.scale.ticks() {
            if let Some(x) = self.at_x(tick) {
                grid += &format!("M{x} {TOP}V{bottom}");
                if x >= free {
                    labels += &text(x, bottom + 32, "m", &(self.x.label)(tick));
                    free = x + LABEL_WIDTH;
                }
            }
        }
        labels += &text(i32::midpoint(left, right), bottom + 74, "m t", self.x.title);
        format!("<path class=g d=\"{grid}\"/>{labels}")
    }

    fn y_axis(&self) -> String {
        let Some(axis) = &self.y else {
            return String::new();
        };
        let (left, right) = (self.left, WIDTH - self.right);
        let (mut grid, mut labels) = (String::new(), String::new());
        for tick in axis.scale.ticks() {
            if let Some(y) = self.at_y(tick) {
                grid += &format!("M{left} {y}H{right}");
                labels += &text(left - 10, y + 9, "e", &(axis.label)(tick));
            }
        }
        let middle = i32::midpoint(TOP, self.bottom());
        let title = escape(axis.title);
        format!(
            "<path class=g d=\"{grid}\"/>{labels}\
             <text class=\"m t\" transform=\"translate(26 {middle}) rotate(-90)\">{title}</text>"
        )
    }
}

fn scaled(position: f64, length: i32) -> i32 {
    (position * f64::from(length)).round() as i32
}

/// Returns an image that screen readers announce by its title.
pub(super) fn document(
    (width, height): (i32, i32),
    attributes: &str,
    title: &str,
    description: &str,
    content: &str,
) -> String {
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\"{attributes}>\
         <title>{}</title><desc>{}</desc>{content}</svg>\n",
        escape(title),
        escape(description)
    )
}

/// Returns a text. The class gives its anchor: `m` for the middle, `e` for the end.
pub(super) fn text(x: i32, y: i32, class: &str, text: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(text))
}

/// Returns the commands of a line through points, without points that do not bend it visibly.
pub(super) fn line(points: &[(i32, i32)]) -> String {
    let points = bends(points);
    let Some(&(mut x, mut y)) = points.first() else {
        return String::new();
    };
    let mut commands = format!("M{x} {y}l");
    for &(next_x, next_y) in &points[1..] {
        let (right, down) = (next_x - x, next_y - y);
        let space = if right >= 0 && !commands.ends_with('l') { " " } else { "" };
        let between = if down >= 0 { " " } else { "" };
        commands += &format!("{space}{right}{between}{down}");
        (x, y) = (next_x, next_y);
    }
    commands.trim_end_matches('l').to_owned()
}

/// Returns the points without points within a unit of the line between their neighbours.
fn bends(points: &[(i32, i32)]) -> Vec<(i32, i32)> {
    let mut kept: Vec<(i32, i32)> = Vec::new();
    for (index, &point) in points.iter().enumerate() {
        let start = kept.last().copied();
        if start == Some(point) {
            continue;
        }
        let redundant = start.zip(points.get(index + 1)).is_some_and(|(start, &end)| {
            let (along, to) = (difference(end, start), difference(point, start));
            let length = f64::from(along.0).hypot(f64::from(along.1));
            f64::from((along.0 * to.1 - along.1 * to.0).abs()) <= length
        });
        if !redundant {
            kept.push(point);
        }
    }
    kept
}

fn difference(a: (i32, i32), b: (i32, i32)) -> (i32, i32) {
    (a.0 - b.0, a.1 - b.1)
}

/// Returns the outline of a marker. Families differ in shape as well as in colour.
pub(super) fn marker(family: usize, x: i32, y: i32) -> String {
    let shape = [
        "m-8 0a8 8 0 1 1 16 0a8 8 0 1 1-16 0z",
        "m-7-7h14v14h-14z",
        "m0-10l9 16h-18z",
        "m0-10l10 10l-10 10l-10-10z",
        "m0 10l9-16h-18z",
        "m-3-9h6v6h6v6h-6v6h-6v-6h-6v-6h6z",
        "m-4-9h8l5 9l-5 9h-8l-5-9z",
        "m-10-4h20v8h-20z",
    ];
    format!("M{x} {y}{}", shape[family % shape.len()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units;

    fn frame() -> Frame {
        let time = |title| Axis { scale: Scale::log([1.0, 1000.0]).unwrap(), title, label: units::time };
        Frame::new(time("x"), time("y"))
    }

    #[test]
    fn frame_maps_figures_to_its_area() {
        let frame = frame();
        assert_eq!((frame.at_x(1.0), frame.at_x(1000.0)), (Some(170), Some(832)));
        assert_eq!((frame.at_y(1.0), frame.at_y(1000.0)), (Some(508), Some(16)));
        assert_eq!((frame.at_y(0.0), frame.at_y(f64::NAN)), (Some(508), None));
    }

    #[test]
    fn line_is_relative_and_omits_straight_points() {
        assert_eq!(line(&[(10, 10), (20, 10), (30, 10), (30, 5), (25, 9)]), "M10 10l20 0 0-5-5 4");
        assert_eq!(
            (line(&[]), line(&[(1, 2)]), line(&[(1, 2), (1, 2)])),
            ("".into(), "M1 2".into(), "M1 2".into())
        );
    }

    #[test]
    fn svg_has_title_and_description_and_escapes_them() {
        let svg = frame().svg("a < b", "\"c\"", "");
        assert!(svg.contains("role=\"img\"") && svg.contains("<title>a &lt; b</title>"), "{svg}");
        assert!(svg.contains("<desc>&quot;c&quot;</desc>"), "{svg}");
        assert_eq!(svg.matches(">100 ns</text>").count(), 2, "{svg}");
    }
}

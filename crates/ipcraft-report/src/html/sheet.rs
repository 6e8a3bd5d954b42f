//! A page of charts about anything: lines, and named rows. It has no script.

use super::dots::{self, Dot};
use super::escape::escape;
use super::part::section;
use super::scale::Scale;
use super::svg::{Axis, Frame, line, marker, text};
use super::throughput::spread;
use super::{POLICY, STYLE, tick};

/// What an axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Size,
    /// A number of things.
    Count,
}

/// One line of a chart.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name, which is short.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// One named row.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// The interval, if there is one.
    pub interval: Option<(f64, f64)>,
}

/// A chart with logarithmic axes.
#[derive(Clone, Debug)]
pub enum Chart {
    /// Figures against figures.
    Lines {
        /// The heading.
        title: &'static str,
        /// What is to be seen, in a sentence.
        note: &'static str,
        /// The horizontal axis: its title and unit.
        x: (&'static str, Quantity),
        /// The vertical axis.
        y: (&'static str, Quantity),
        /// The lines.
        lines: Vec<Line>,
    },
    /// Named rows of one figure each.
    Bars {
        /// The heading.
        title: &'static str,
        /// What is to be seen, in a sentence.
        note: &'static str,
        /// The axis: its title and unit.
        x: (&'static str, Quantity),
        /// The rows, from the top.
        bars: Vec<Bar>,
    },
}

/// Returns a self-contained page with these charts. `remarks` are lines below the title.
pub fn sheet(title: &str, remarks: &[String], charts: &[Chart]) -> String {
    let title = escape(title);
    let remarks: String = remarks.iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
    let sections: String = charts.iter().enumerate().map(|(number, chart)| chart.section(number)).collect();
    format!(
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\n\
         <meta name=color-scheme content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <ul class=remarks>{remarks}</ul>\n{sections}</body>\n</html>\n"
    )
}

impl Quantity {
    fn label(self) -> fn(f64) -> String {
        match self {
            Quantity::Time => tick::time,
            Quantity::Size => tick::size,
            Quantity::Count => tick::ratio,
        }
    }
}

impl Chart {
    fn section(&self, number: usize) -> String {
        let id = format!("chart{number}");
        let (title, note, svg) = match self {
            Chart::Lines { title, note, x, y, lines } => (title, note, curves(title, *x, *y, lines)),
            Chart::Bars { title, note, x, bars } => (title, note, rows(title, *x, bars)),
        };
        let figure = svg.map(|svg| format!("<figure>\n{svg}</figure>\n")).unwrap_or_default();
        section(&id, title, note, &figure)
    }
}

type Title = (&'static str, Quantity);

fn axis((title, quantity): Title, figures: impl IntoIterator<Item = f64>) -> Option<Axis> {
    Some(Axis { scale: Scale::log(figures)?, title, label: quantity.label() })
}

/// Returns `None` if there is nothing to show.
fn curves(title: &str, x: Title, y: Title, lines: &[Line]) -> Option<String> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let axes = axis(x, points().map(|point| point.0)).zip(axis(y, points().map(|point| point.1)));
    let (x, y) = axes?;
    let frame = Frame { right: 256, ..Frame::new(x, y) };
    let mut shapes = String::new();
    let mut ends = Vec::new();
    for (colour, one) in lines.iter().enumerate() {
        let at = |&(x, y): &(f64, f64)| Some((frame.at_x(x)?, frame.at_y(y)?));
        let points: Vec<(i32, i32)> = one.points.iter().filter_map(at).collect();
        shapes += &format!("<path class=\"c on f{}\" d=\"{}\"/>", colour % 8, line(&points));
        for &(x, y) in &points {
            shapes += &format!("<path class=\"p on f{}\" d=\"{}\"/>", colour % 8, marker(colour, x, y));
        }
        ends.extend(points.last().map(|&end| (end, one.name.as_str())));
    }
    ends.sort_by_key(|((_, y), _)| *y);
    let wanted: Vec<i32> = ends.iter().map(|((_, y), _)| *y).collect();
    for (((x, y), name), place) in ends.iter().zip(spread(&wanted, 24, frame.bottom())) {
        shapes += &format!("<path class=lead d=\"M{} {y}L628 {place}\"/>", x + 10);
        shapes += &text(634, place + 8, "t", name);
    }
    Some(frame.svg(title, "Lines on logarithmic axes", &shapes))
}

fn rows(title: &str, x: Title, bars: &[Bar]) -> Option<String> {
    let dots: Vec<Dot> = bars
        .iter()
        .map(|bar| Dot {
            name: bar.name.clone(),
            attributes: "class=\"on f0\"".into(),
            value: bar.value,
            whisker: bar.interval,
            tooltip: (x.1.label())(bar.value),
        })
        .collect();
    let axis = Axis { scale: dots::scale(&dots, None)?, title: x.0, label: x.1.label() };
    Some(dots::dots(&dots, axis, None, title, "Rows on a logarithmic axis"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheet_has_every_chart_and_escapes_names() {
        let lines = vec![Line { name: "<b>".into(), points: vec![(2.0, 10.0), (100.0, 20.0)] }];
        let bars = vec![Bar { name: "thread".into(), value: 3e3, interval: Some((2e3, 4e3)) }];
        let charts = [
            Chart::Lines {
                title: "switches",
                note: "",
                x: ("units", Quantity::Count),
                y: ("time", Quantity::Time),
                lines,
            },
            Chart::Bars { title: "memory", note: "", x: ("bytes", Quantity::Size), bars },
        ];
        let page = sheet("a & b", &["one remark".into()], &charts);
        assert_eq!(page.matches("<svg").count(), 2);
        assert!(page.contains("a &amp; b") && page.contains("&lt;b&gt;") && page.contains("one remark"));
        assert!(!page.contains("http:") && !page.contains("<script"));
    }

    #[test]
    fn chart_without_figures_is_left_out() {
        let empty = Chart::Bars { title: "memory", note: "", x: ("bytes", Quantity::Size), bars: Vec::new() };
        assert!(!sheet("a", &[], &[empty]).contains("<section"));
    }
}

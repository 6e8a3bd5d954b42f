//! A Gantt chart as SVG, which needs nothing else to be shown.

use std::fmt::Write as _;

use ipcraft_lab::schedule::{Job, Segment, Time, Timeline, What};

use super::Drawing;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 120.0;
const RIGHT: f64 = 24.0;
const TITLE: f64 = 34.0;
/// The distance of the rows, less their bars.
const GAP: f64 = 8.0;
const BAR: f64 = 14.0;
const AXIS: f64 = 26.0;
const LEGEND: f64 = 24.0;
/// The most rows: browsers become slow with many thousand.
const MAX_JOBS: usize = 200;

/// Colours that differ for the colour-blind, too.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#8c6d31"];

const STYLE: &str = "text{font:13px sans-serif;fill:#222}.title{font-size:15px;font-weight:bold}\
                     .tick{font-size:11px;fill:#666}.grid{stroke:#ddd}.wait{stroke:#999;stroke-dasharray:2 3}\
                     .io{fill:url(#io)}.real{opacity:.6}";

/// Returns the drawing: one chart below the other, over the same scale. In each row the real
/// schedule is below the ideal one.
pub(super) fn document(jobs: &[Job], drawings: &[Drawing<'_>]) -> String {
    let end = drawings
        .iter()
        .flat_map(|drawing| &drawing.timelines)
        .map(|(_, timeline)| timeline.end())
        .max()
        .unwrap_or_default();
    let lanes = drawings.iter().map(|drawing| drawing.timelines.len()).max().unwrap_or(1);
    let row = GAP + BAR * lanes as f64;
    let rows = jobs.len().min(MAX_JOBS) as f64;
    let chart_height = TITLE + rows * row + AXIS;
    let height = chart_height * drawings.len() as f64 + LEGEND;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\">\n<style>{STYLE}</style>\n<defs><pattern id=\"io\" width=\"6\" height=\"6\" \
         patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" \
         fill=\"#eee\"/><rect width=\"2\" height=\"6\" fill=\"#999\"/></pattern></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (index, drawing) in drawings.iter().enumerate() {
        let chart = Chart { jobs, top: chart_height * index as f64, end, rows, row };
        chart.draw(&mut svg, &drawing.title, &drawing.timelines);
    }
    legend(&mut svg, height - 8.0, jobs, lanes);
    svg + "</svg>\n"
}

struct Chart<'a> {
    jobs: &'a [Job],
    top: f64,
    end: Time,
    rows: f64,
    /// The height of a row.
    row: f64,
}

impl Chart<'_> {
    fn x(&self, time: Time) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * time.as_units() / self.end.as_units().max(f64::MIN_POSITIVE)
    }

    fn y(&self, row: usize) -> f64 {
        self.top + TITLE + row as f64 * self.row
    }

    fn draw(&self, svg: &mut String, title: &str, timelines: &[(&str, &Timeline)]) {
        let _ = writeln!(
            svg,
            "<text class=\"title\" x=\"12\" y=\"{}\">{}</text>",
            self.top + 20.0,
            escaped(title)
        );
        self.grid(svg);
        for (id, job) in self.jobs.iter().enumerate().take(MAX_JOBS) {
            self.label(svg, id, job);
        }
        for (lane, (label, timeline)) in timelines.iter().enumerate() {
            let _ = writeln!(svg, "<g class=\"{label}\">");
            for (id, job) in self.jobs.iter().enumerate().take(MAX_JOBS) {
                self.stay(svg, (id, lane), job, timeline);
            }
            for segment in timeline.segments.iter().filter(|segment| segment.job < MAX_JOBS) {
                self.segment(svg, lane, segment);
            }
            let _ = writeln!(svg, "</g>");
        }
    }

    /// Returns the top of a bar.
    fn bar(&self, row: usize, lane: usize) -> f64 {
        self.y(row) + GAP / 2.0 + BAR * lane as f64
    }

    fn segment(&self, svg: &mut String, lane: usize, segment: &Segment) {
        let (x, width) = (self.x(segment.from), self.x(segment.to) - self.x(segment.from));
        let y = self.bar(segment.job, lane);
        let fill = match segment.what {
            What::Blocked => "class=\"io\"".to_owned(),
            What::Running => format!("fill=\"{}\"", COLOURS[segment.job % COLOURS.len()]),
            What::Switching | What::Stolen => "fill=\"#000\"".to_owned(),
        };
        let what = match segment.what {
            What::Running => "runs",
            What::Blocked => "blocked",
            What::Switching => "is switched to",
            What::Stolen => "loses the CPU",
        };
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{}\" {fill}>\
             <title>{} {what} {} to {}</title></rect>",
            BAR - 1.0,
            escaped(&self.jobs[segment.job].name),
            segment.from.rounded(),
            segment.to.rounded()
        );
    }

    fn label(&self, svg: &mut String, id: usize, job: &Job) {
        let name: String = job.name.chars().take(14).collect();
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.2}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            self.y(id) + self.row / 2.0 + 4.5,
            escaped(&name)
        );
    }

    /// Draws a line from the arrival of a job to its end.
    fn stay(&self, svg: &mut String, (id, lane): (usize, usize), job: &Job, timeline: &Timeline) {
        let middle = self.bar(id, lane) + BAR / 2.0;
        let (from, to) = (self.x(job.arrival), self.x(timeline.ends[id].unwrap_or(self.end)));
        let _ = writeln!(
            svg,
            "<line class=\"wait\" x1=\"{from:.2}\" x2=\"{to:.2}\" y1=\"{middle:.2}\" y2=\"{middle:.2}\"/>"
        );
    }

    fn grid(&self, svg: &mut String) {
        let (top, bottom) = (self.top + TITLE, self.top + TITLE + self.rows * self.row);
        let step = step(self.end);
        let mut at = Time::ZERO;
        while at <= self.end {
            let x = self.x(at);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{x:.2}\" x2=\"{x:.2}\" y1=\"{top:.2}\" y2=\"{bottom:.2}\"/>\
                 <text class=\"tick\" x=\"{x:.2}\" y=\"{:.2}\" text-anchor=\"middle\">{at}</text>",
                bottom + 14.0
            );
            at += step;
        }
    }
}

/// Returns the distance of grid lines: at most 20 of them, 1, 2 or 5 times a power of ten apart.
fn step(end: Time) -> Time {
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = Time::units(factor * power);
            if step.as_units() * 20.0 >= end.as_units() {
                return step;
            }
        }
        power *= 10;
    }
}

fn legend(svg: &mut String, y: f64, jobs: &[Job], lanes: usize) {
    let mut text = "bar: running; dashed line: ready".to_owned();
    if jobs.iter().any(|job| job.bursts.len() > 1) {
        text += "; hatched: blocked in I/O";
    }
    if lanes > 1 {
        text += "; above: ideal; below, paler: real";
    }
    if jobs.len() > MAX_JOBS {
        let _ = write!(text, "; {} more jobs are not drawn", jobs.len() - MAX_JOBS);
    }
    let _ = writeln!(svg, "<text class=\"tick\" x=\"12\" y=\"{y}\">{text}</text>");
}

/// Replaces the characters that XML reserves, and the characters that it forbids.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            _ if character.is_control() => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

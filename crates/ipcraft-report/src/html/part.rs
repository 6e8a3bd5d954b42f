//! The parts of which the page consists: sections, figures, tabs and keys.

use std::fmt::Write as _;

use super::escape::escape;
use super::panel::{Legend, Panel, colour};
use super::svg;

/// Returns a section with a heading, or nothing if it has no content.
pub(super) fn section(id: &str, heading: &str, explanation: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!(
        "<section id=\"{id}\"><h2>{}</h2>\n<p>{}</p>\n{content}</section>\n",
        escape(heading),
        escape(explanation)
    )
}

/// Returns a chart with its caption, which the script hides with its run.
pub(super) fn figure(panel: &Panel<'_>, chart: &str) -> String {
    let caption = escape(&panel.title);
    format!("<figure data-run={}><figcaption>{caption}</figcaption>\n{chart}</figure>\n", panel.run)
}

/// Returns figures beside each other.
pub(super) fn figures(figures: &[String]) -> String {
    if figures.is_empty() {
        String::new()
    } else {
        format!("<div class=figures>\n{}</div>\n", figures.concat())
    }
}

/// Returns tabs without a script: a radio button before each pane. A single pane has no button.
pub(super) fn tabs(name: &str, selected: usize, panes: &[(String, String)]) -> String {
    if let [(title, pane)] = panes {
        return format!("<p class=single>{}</p>\n{pane}", escape(title));
    }
    let mut text = String::new();
    for (index, (title, pane)) in panes.iter().enumerate() {
        let checked = if index == selected { " checked" } else { "" };
        let title = escape(title);
        let _ = write!(
            text,
            "<label><input type=radio name=\"{name}\"{checked}>{title}</label><div class=pane>\n\
             <p class=print>{title}</p>{pane}</div>\n"
        );
    }
    if text.is_empty() { text } else { format!("<div class=tabs>\n{text}</div>\n") }
}

/// Returns the key of colours, dashes and markers. It names the series that are coloured at first.
pub(super) fn key(legend: &Legend) -> String {
    let mut text = String::from("<ul class=key>");
    for (family, name) in legend.families.iter().enumerate() {
        let coloured: Vec<_> = legend.coloured_of(family).map(|series| escape(series)).collect();
        let series = coloured.join(", ");
        let named = if series == *name { String::new() } else { format!(": {series}") };
        let _ = write!(text, "<li>{}{}<span class=now>{named}</span></li>", sample(family), escape(name));
    }
    text + "</ul>\n"
}

/// Returns a short line with a marker.
pub(super) fn sample(family: usize) -> String {
    let colour = colour(family);
    let marker = svg::marker(family, 36, 12);
    format!(
        "<svg class=sample viewBox=\"0 0 72 24\" aria-hidden=true>\
         <path class=\"c on {colour}\" d=\"M0 12H72\"/><path class=\"p on {colour}\" d=\"{marker}\"/></svg>"
    )
}

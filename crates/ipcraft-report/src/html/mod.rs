//! The HTML report: one file without a network, which contains its own data.

use crate::input::Labelled;

/// The id of the element that contains the runs as JSON.
pub const DATA_ID: &str = "ipcraft-data";

/// Returns a page about one run, or about several beside each other.
pub fn page(runs: &[Labelled]) -> String {
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>ipcraft bench</title>\n\
         <script type=\"application/json\" id=\"{DATA_ID}\">{}</script>\n",
        data(runs)
    )
}

/// Returns the runs as a JSON array. A `<` appears as `\u003c`, so that no text ends the element.
fn data(runs: &[Labelled]) -> String {
    let runs: Vec<_> = runs.iter().map(Labelled::with_label).collect();
    let json = serde_json::to_string(&runs).unwrap_or_else(|_| "[]".into());
    json.replace('<', "\\u003c")
}

//! The choice of mechanisms and runs, for the script. Without a script it is hidden.

use super::escape::escape;
use super::panel::Legend;
use super::part::sample;
use crate::Labelled;

/// Returns the toolbar.
pub(super) fn toolbar(runs: &[Labelled], legend: &Legend) -> String {
    if legend.families.is_empty() {
        return String::new();
    }
    let mut text =
        String::from("<details id=choice class=script><summary>Choose what is coloured</summary>\n");
    if runs.len() > 1 {
        text += "<fieldset><legend>runs</legend>";
        for (run, labelled) in runs.iter().enumerate() {
            let label = escape(&labelled.label);
            text += &format!("<label><input type=checkbox checked data-show={run}>{label}</label>\n");
        }
        text += "</fieldset>\n";
    }
    for (family, name) in legend.families.iter().enumerate() {
        text += &format!("<fieldset><legend>{}{}</legend>", sample(family), escape(name));
        for series in &legend.members[family] {
            let checked = if legend.is_coloured(series) { " checked" } else { "" };
            let series = escape(series);
            text +=
                &format!("<label><input type=checkbox{checked} data-pick=\"{series}\">{series}</label>\n");
        }
        text += "</fieldset>\n";
    }
    text + "</details>\n"
}

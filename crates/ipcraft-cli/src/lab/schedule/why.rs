//! One line for each decision.

use std::fmt::Write as _;

use ipcraft_lab::schedule::{Dispatch, Job, Timeline};

/// The most lines. A reader follows no more, and `--json` has them all.
const MAX_LINES: usize = 200;

/// Returns the decisions of a schedule that was explained.
pub(super) fn text(jobs: &[Job], timeline: &Timeline) -> String {
    let mut text = String::new();
    for dispatch in timeline.dispatches.iter().take(MAX_LINES) {
        let _ = writeln!(text, "t={}: {}", dispatch.at.rounded(), reason(jobs, dispatch));
    }
    let more = timeline.dispatches.len().saturating_sub(MAX_LINES);
    if more > 0 {
        let _ = writeln!(text, "and {more} more decisions: --json has them all");
    }
    text
}

fn reason(jobs: &[Job], dispatch: &Dispatch) -> String {
    let name = &jobs[dispatch.job].name;
    let Some(why) = &dispatch.why else {
        return name.clone();
    };
    let mut text = format!("{name} ({})", why.chosen);
    match &why.other {
        Some((other, compared)) => {
            let _ = write!(text, " before {} ({compared})", jobs[*other].name);
            if why.waiting > 1 {
                let _ = write!(text, " and {} more", why.waiting - 1);
            }
        }
        None => text += ", alone",
    }
    text
}

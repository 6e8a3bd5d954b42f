//! One run of the benchmark: plan, progress, interruption, output.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use ipcraft_bench::{Progress, Results, run};

use crate::args::Bench;
use crate::ending::Ending;
use crate::output;
use ipcraft_report::{ResultFile, Style, header, legend, recommendation, tables};

/// Measures, writes the JSON file, and prints the tables. Ends the program by the signal that ended
/// the run.
pub(crate) fn measure(bench: &Bench) -> io::Result<ExitCode> {
    let plan = match bench.plan() {
        Ok(plan) => plan,
        Err(usage) => return crate::args::print(&usage),
    };
    // Checked first, so that an unusable path fails before the measurement.
    let file = bench.json.as_deref().map(ResultFile::at).transpose()?;
    let ending = Ending::catch()?;
    let bar = progress_bar();
    let results = run(&plan, ending.stop(), &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    // From here on, nothing is left that a signal could leave behind.
    ending.allow();
    // The file first, since the output may have no reader. The tables are the only copy of the
    // results if the file cannot be written.
    let saved = file.map_or(Ok(()), |file| file.save(&json(&results)?));
    let printed = output::print(&text(&results));
    saved.and(printed).inspect_err(|error| {
        // After a signal, a failure is reported, and the status is that of the signal.
        if !results.complete {
            output::complain(error);
            ending.raise_caught();
        }
    })?;
    ending.raise_caught();
    Ok(if results.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The bar is drawn on standard error, and hidden if that is not a terminal that moves its cursor.
fn progress_bar() -> ProgressBar {
    if output::is_dumb() {
        return ProgressBar::hidden();
    }
    let template = "{wide_bar} {pos}/{len}  {msg}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_length(progress.total as u64);
    bar.set_position(progress.done as u64);
    // Whole seconds, to keep the text from flickering.
    let left = Duration::from_secs(progress.remaining.as_secs());
    bar.set_message(format!("{}, {} left", progress.label, HumanDuration(left)));
}

fn text(results: &Results) -> String {
    let style = Style { bold: output::is_styled(&io::stdout()) };
    [header(results), tables(results, style), legend(results), recommendation(results)].concat()
}

fn json(results: &Results) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(results)?;
    text.push(b'\n');
    Ok(text)
}

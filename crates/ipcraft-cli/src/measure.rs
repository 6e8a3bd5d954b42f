//! One run of the benchmark: plan, progress, interruption, output.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use ipcraft_bench::{Progress, Results, run};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::args::Bench;
use crate::{environment, locks, recommendation, table};

/// Measures, prints the tables, and writes the JSON file.
pub(crate) fn measure(bench: &Bench) -> io::Result<Results> {
    let plan = bench.plan();
    // Created first, so that an invalid path fails before the measurement.
    let json = bench.json.as_deref().map(create).transpose()?;
    let stop = stop_on_interrupt()?;
    let bar = progress_bar();
    let results = run(&plan, &stop, &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    print(&results)?;
    if let Some(file) = json {
        write_json(file, &results)?;
    }
    Ok(results)
}

fn create(path: &Path) -> io::Result<File> {
    File::create(path).map_err(|e| io::Error::new(e.kind(), format!("cannot create {}: {e}", path.display())))
}

/// The first signal ends the run orderly; the second one ends the program.
fn stop_on_interrupt() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128 + signal, stop.clone())?;
        flag::register(signal, stop.clone())?;
    }
    Ok(stop)
}

/// The bar is drawn on standard error, and hidden if that is not a terminal.
fn progress_bar() -> ProgressBar {
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

fn print(results: &Results) -> io::Result<()> {
    let text = [
        environment::header(results),
        table::tables(results),
        locks::tables(results),
        table::legend(results),
        recommendation::recommendation(results),
    ]
    .concat();
    match io::stdout().write_all(text.as_bytes()) {
        // The reader, such as `head`, needs no more output.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn write_json(file: File, results: &Results) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    serde_json::to_writer_pretty(&mut file, results)?;
    writeln!(file)?;
    file.flush()
}

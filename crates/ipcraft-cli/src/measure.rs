//! One run of the benchmark: plan, progress, interruption, output.

use std::io;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use ipcraft_bench::{Cores, Environment, Plan, Progress, Results, heat_maps, run};
use ipcraft_report::{Labelled, ResultFile, details, html, summary};

use crate::args::usage;
use crate::bench_args::Bench;
use crate::compared;
use ipcraft_report::ending::Ending;
use ipcraft_report::output::{self, Page};

/// The time for the pairs of cores, relative to that of the run.
const HEAT_MAP_SHARE: f64 = 0.5;

/// What a run writes and reads besides the measurement, checked before it.
struct Files {
    json: Option<ResultFile>,
    html: Option<ResultFile>,
    baseline: Option<Labelled>,
}

/// Measures, writes the files, and prints the summary. Ends the program by the signal that ended
/// the run.
pub(crate) fn measure(bench: &Bench) -> io::Result<ExitCode> {
    let plan = match bench.plan() {
        Ok(plan) => plan,
        Err(usage) => return crate::args::print(&usage),
    };
    let mut files = Files::check(bench, &plan)?;
    if let Err(usage) = files.check_bounds(bench) {
        return crate::args::print(&usage);
    }
    let ending = Ending::catch()?;
    let results = results(bench, &plan, &ending);
    // From here on, nothing is left that a signal could leave behind.
    ending.allow();
    // The files first, since the output may have no reader. The summary is the only copy of the
    // results if they cannot be written.
    let saved = files.save(bench, &results);
    let printed = print(bench, &results, files.baseline.as_ref());
    saved.and(printed).inspect_err(|error| {
        // After a signal, a failure is reported, and the status is that of the signal.
        if !results.complete {
            output::complain(error);
            ending.raise_caught();
        }
    })?;
    ending.raise_caught();
    let holds = files.baseline.is_none_or(|old| compared::holds(&old.results, &results, &bench.bounds));
    Ok(if results.errors.is_empty() && holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Files {
    /// Reads the baseline and checks the paths, so that a mistake is known before the measurement.
    fn check(bench: &Bench, plan: &Plan) -> io::Result<Files> {
        let baseline = bench.baseline.as_deref().map(compared::one_run).transpose()?;
        if let Some(old) = &baseline {
            let cores = plan.cores.clone().unwrap_or_else(Cores::of_this_process);
            compared::check_machine(&old.results.environment, &Environment::at_start(&cores), &bench.bounds)?;
        }
        Ok(Files {
            json: bench.json.as_deref().map(ResultFile::at).transpose()?,
            html: bench.html.as_deref().map(ResultFile::at).transpose()?,
            baseline,
        })
    }

    fn check_bounds(&self, bench: &Bench) -> Result<(), clap::Error> {
        let Some(old) = &self.baseline else { return Ok(()) };
        for bound in &bench.bounds.fail_if {
            if !old.results.results.iter().any(|row| bound.applies_to(row)) {
                return Err(usage(format!("--fail-if '{bound}' applies to no row of the baseline")));
            }
        }
        Ok(())
    }

    /// Writes both files. A failure of the first does not keep the second from being written.
    fn save(&mut self, bench: &Bench, results: &Results) -> io::Result<()> {
        let label = bench.label.clone().unwrap_or_else(|| "this run".into());
        let page = |results: &Results| html::page(&[Labelled { label, results: results.clone() }]);
        let json = self.json.take().map_or(Ok(()), |file| file.save(&json(results)?));
        let html = self.html.take().map_or(Ok(()), |file| file.save(page(results).as_bytes()));
        json.and(html)
    }
}

fn results(bench: &Bench, plan: &Plan, ending: &Ending) -> Results {
    let bar = progress_bar();
    let mut results = run(plan, ending.stop(), &mut |progress| show(&bar, progress, plan.launches));
    results.label.clone_from(&bench.label);
    if bench.maps_cores() {
        let cores = Cores::of_this_process();
        let budget = plan.budget.mul_f64(HEAT_MAP_SHARE);
        let mut show = |progress: &Progress| show(&bar, progress, 1);
        let (maps, errors) = heat_maps(cores.allowed(), budget, ending.stop(), &mut show);
        results.topology.heat_maps = maps;
        results.errors.extend(errors);
        results.complete &= !ending.stop().load(Ordering::Relaxed);
    }
    bar.finish_and_clear();
    results
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

/// Shows what is measured, in which launch, and the time left.
fn show(bar: &ProgressBar, progress: &Progress, launches: usize) {
    bar.set_length(progress.total as u64);
    bar.set_position(progress.done as u64);
    // Whole seconds, to keep the text from flickering.
    let left = HumanDuration(Duration::from_secs(progress.remaining.as_secs()));
    let steps = (progress.total / launches.max(1)).max(1);
    let launch = progress.done / steps + 1;
    let launch = if launches > 1 { format!(", launch {launch} of {launches}") } else { String::new() };
    bar.set_message(format!("{}{launch}, {left} left", progress.label));
}

/// Prints the summary or the details, after the comparison and the maps of the cores.
fn print(bench: &Bench, results: &Results, baseline: Option<&Labelled>) -> io::Result<()> {
    let on_stderr = bench.owns_standard_output();
    let page = if on_stderr { Page::of_stderr() } else { Page::of_stdout() };
    let label = bench.label.as_deref().unwrap_or("this run");
    let mut text = ipcraft_report::heat_maps(results);
    if let Some(old) = baseline {
        text += &format!("{}\n", compared::text(old, results, label, page));
    }
    if bench.details {
        text += &format!("{}\n", details(results, page.style));
    }
    text += &summary(results, page.width, page.style);
    if on_stderr { output::print_aside(&text) } else { output::print(&text) }
}

fn json(results: &Results) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(results)?;
    text.push(b'\n');
    Ok(text)
}

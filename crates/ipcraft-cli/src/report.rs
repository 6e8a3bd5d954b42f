//! `ipcraft report`: results that were written before, as a summary, a comparison, or a page.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use ipcraft_report::{Labelled, ResultFile, details, heat_maps, html, summary};

use crate::args::{self, usage};
use crate::bench_args::Bounds;
use crate::compared;
use ipcraft_report::output::{self, Page};

#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// Results of ipcraft bench --json, or HTML reports. One is shown again; with several, the
    /// later ones are compared with the first
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Name of a run, in the order of the files [default: that of the run or of its file]
    #[arg(long = "label", value_name = "NAME")]
    labels: Vec<String>,

    /// Write an HTML report of all runs to FILE instead; - is standard output
    #[arg(short, long, value_name = "FILE", conflicts_with = "details")]
    output: Option<PathBuf>,

    /// Print all rows and columns of a single run
    #[arg(long)]
    details: bool,

    #[command(flatten)]
    bounds: Bounds,
}

impl Report {
    /// Prints or writes the report.
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let mut runs = Vec::new();
        for file in &self.files {
            runs.extend(compared::runs(file)?);
        }
        if let Err(wrong) = self.check(&runs) {
            return args::print(&wrong);
        }
        for (run, label) in runs.iter_mut().zip(&self.labels) {
            run.label.clone_from(label);
        }
        match &self.output {
            Some(path) => ResultFile::at(path)?.save(html::page(&runs).as_bytes())?,
            None => output::print(&self.text(&runs))?,
        }
        self.status(&runs)
    }

    fn check(&self, runs: &[Labelled]) -> Result<(), clap::Error> {
        if self.labels.len() > runs.len() {
            return Err(usage(format!("{} labels for {} runs", self.labels.len(), runs.len())));
        }
        if self.bounds.fail_if.is_empty() {
            return Ok(());
        }
        let [old, _, ..] = runs else {
            return Err(usage("--fail-if needs two runs"));
        };
        let applies = |bound: &ipcraft_report::compare::Bound| {
            old.results.results.iter().any(|row| bound.applies_to(row))
        };
        match self.bounds.fail_if.iter().find(|bound| !applies(bound)) {
            Some(bound) => Err(usage(format!("--fail-if '{bound}' applies to no row of {}", old.label))),
            None => Ok(()),
        }
    }

    fn text(&self, runs: &[Labelled]) -> String {
        let page = Page::of_stdout();
        match runs {
            [run] if self.details => details(&run.results, page.style),
            [run] => heat_maps(&run.results) + &summary(&run.results, page.width, page.style),
            [old, others @ ..] => {
                let texts = others.iter().map(|new| compared::text(old, &new.results, &new.label, page));
                texts.collect::<Vec<_>>().join("\n")
            }
            [] => String::new(),
        }
    }

    fn status(&self, runs: &[Labelled]) -> io::Result<ExitCode> {
        let Some((old, others)) = runs.split_first().filter(|_| !self.bounds.fail_if.is_empty()) else {
            return Ok(ExitCode::SUCCESS);
        };
        let mut holds = true;
        for new in others {
            compared::check_machine(&old.results.environment, &new.results.environment, &self.bounds)?;
            holds &= compared::holds(&old.results, &new.results, &self.bounds);
        }
        Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

//! Results that were written before, as JSON or within an HTML report.

use std::fmt;
use std::path::Path;
use std::{fs, io};

use ipcraft_bench::{Results, SCHEMA};
use serde_json::Value;

use crate::html::{self, DATA_ID};

/// A run and the name under which it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// The name: the label of the run, or the name of its file.
    pub label: String,
    /// The run.
    pub results: Results,
}

impl Labelled {
    /// Returns the results with the name as their label.
    pub fn with_label(&self) -> Results {
        Results { label: Some(self.label.clone()), ..self.results.clone() }
    }
}

/// Why a file has no usable results.
#[derive(Debug)]
pub enum InputError {
    /// It could not be read.
    Unreadable(io::Error),
    /// It is neither JSON nor an HTML report.
    NoResults,
    /// It is JSON, and not what `ipcraft bench --json` writes.
    Invalid(serde_json::Error),
    /// The format has another version.
    OtherSchema(u64),
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputError::Unreadable(error) => write!(f, "{error}"),
            InputError::NoResults => {
                f.write_str("contains neither results of ipcraft bench --json nor an HTML report of ipcraft")
            }
            InputError::Invalid(error) => write!(f, "is not what ipcraft bench --json writes: {error}"),
            InputError::OtherSchema(found) => write!(
                f,
                "has schema {found}, and this ipcraft reads schema {SCHEMA}; \
                 measure again, or use the ipcraft that wrote it"
            ),
        }
    }
}

impl std::error::Error for InputError {}

/// Reads the runs of a file. A run without a label is named after the file.
pub fn read(path: &Path) -> Result<Vec<Labelled>, InputError> {
    let text = fs::read_to_string(path).map_err(InputError::Unreadable)?;
    let runs = parse(&text)?;
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let labelled =
        |results: Results| Labelled { label: results.label.clone().unwrap_or_else(|| name.clone()), results };
    Ok(runs.into_iter().map(labelled).collect())
}

/// Parses one run, an array of runs, or an HTML report.
fn parse(text: &str) -> Result<Vec<Results>, InputError> {
    let text = if text.trim_start().starts_with('<') { embedded(text)? } else { text };
    let value: Value = serde_json::from_str(text).map_err(|_| InputError::NoResults)?;
    let runs = match value {
        Value::Array(runs) if !runs.is_empty() => runs,
        run => vec![run],
    };
    runs.into_iter().map(|packed| run(html::unpack(packed))).collect()
}

/// Returns the JSON within an HTML report.
fn embedded(page: &str) -> Result<&str, InputError> {
    let id = format!("id=\"{DATA_ID}\"");
    let within = || {
        let (_, after) = page.split_once(&id)?;
        let (_, data) = after.split_once('>')?;
        Some(data.split_once("</script")?.0)
    };
    within().ok_or(InputError::NoResults)
}

/// Parses one run. The version is compared first: other versions may have other fields.
fn run(value: Value) -> Result<Results, InputError> {
    match value.get("schema").and_then(Value::as_u64) {
        None => Err(InputError::NoResults),
        Some(found) if found != u64::from(SCHEMA) => Err(InputError::OtherSchema(found)),
        Some(_) => serde_json::from_value(value).map_err(InputError::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use ipcraft_bench::Workload;

    use super::*;
    use crate::test_results::{results, row};

    fn one() -> Results {
        results(vec![row("pipe", Workload::RoundTrip, 64)])
    }

    #[test]
    fn parse_of_json_returns_what_was_written() {
        let json = serde_json::to_string_pretty(&one()).unwrap();
        assert_eq!(parse(&json).unwrap(), [one()]);
    }

    #[test]
    fn parse_of_page_returns_its_runs_with_labels() {
        let label = "</script> & <b>";
        let run = Labelled { label: label.into(), results: one() };
        let runs = parse(&html::page(&[run.clone(), run.clone()])).unwrap();
        assert_eq!(runs, [run.with_label(), run.with_label()]);
    }

    #[test]
    fn parse_of_other_schema_names_both_numbers() {
        let json = serde_json::to_string(&Results { schema: 77, ..one() }).unwrap();
        let text = parse(&json).unwrap_err().to_string();
        assert!(text.contains("schema 77") && text.contains(&format!("schema {SCHEMA}")), "{text}");
    }

    #[test]
    fn parse_of_anything_else_states_that_it_is_no_result() {
        for text in ["", "x", "[]", "{}", "<html>", "<script id=\"ipcraft-data\">", "{\"schema\": \"1\"}"] {
            assert!(matches!(parse(text), Err(InputError::NoResults)), "{text}");
        }
        assert!(matches!(parse("{\"schema\": 1}"), Err(InputError::Invalid(_))));
    }
}

//! A schedule in the Trace Event Format, which Perfetto and chrome://tracing open.

use std::io;
use std::time::Duration;

use ipcraft_lab::schedule::{Job, Segment, Time, What};
use serde_json::{Value, json};

use super::Drawing;

/// Returns the trace: each schedule is a process, each job a thread of it.
pub(super) fn document(jobs: &[Job], drawings: &[Drawing<'_>], unit: Duration) -> io::Result<Vec<u8>> {
    let mut events = Vec::new();
    let mut process = 0;
    for drawing in drawings {
        for (label, timeline) in &drawing.timelines {
            process += 1;
            let label = if label.is_empty() { "ideal" } else { *label };
            events.extend(named(jobs, process, &format!("{}, {label}", drawing.title)));
            events.extend(timeline.segments.iter().map(|segment| event(process, segment, unit)));
        }
    }
    Ok(serde_json::to_vec(&json!({ "traceEvents": events, "displayTimeUnit": "ms" }))?)
}

/// Names a process and its threads.
fn named<'a>(jobs: &'a [Job], process: usize, title: &str) -> impl Iterator<Item = Value> + use<'a> {
    let metadata = move |kind: &str, thread: usize, name: &str| json!({ "ph": "M", "name": kind, "pid": process, "tid": thread, "args": { "name": name } });
    let of_job = move |(id, job): (usize, &Job)| metadata("thread_name", id + 1, &job.name);
    [metadata("process_name", 0, title)].into_iter().chain(jobs.iter().enumerate().map(of_job))
}

fn event(process: usize, segment: &Segment, unit: Duration) -> Value {
    let microseconds = |time: Time| time.as_units() * unit.as_nanos() as f64 / 1_000.0;
    let name = match segment.what {
        What::Running => "running",
        What::Blocked => "blocked",
        What::Switching => "switching",
        What::Stolen => "stolen",
    };
    json!({
        "ph": "X",
        "name": name,
        "pid": process,
        "tid": segment.job + 1,
        "ts": microseconds(segment.from),
        "dur": microseconds(segment.to - segment.from),
    })
}

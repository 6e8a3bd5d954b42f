//! How jobs are written: `24,3,3`, `A:0:3 B:2:6,io2,1`.

use super::{Burst, Job, JobError, check};
use crate::schedule::time::Time;

/// The most tickets of one job: sums of all jobs stay far below 2⁶⁴.
const MAX_TICKETS: u64 = 1_000_000;
/// The range of priorities, in both directions.
const MAX_PRIORITY: i64 = 1_000_000;

/// Reads jobs in either of two forms.
///
/// * `24,3,3`: lengths of jobs P1, P2, …, that arrive at 0; `8@0,4@1` with arrivals.
/// * `A:0:3 B:2:6,io2,1:priority=3,owner=ann`: name, arrival, bursts and options.
///
/// # Errors
/// [`JobError`] names the job and what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Job>, JobError> {
    let jobs = if text.contains(':') { parse_named(text)? } else { parse_lengths(text)? };
    check(&jobs)?;
    Ok(jobs)
}

fn parse_lengths(text: &str) -> Result<Vec<Job>, JobError> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let job = |(index, word): (usize, &str)| {
        let name = format!("P{}", index + 1);
        let (length, arrival) = word.split_once('@').unwrap_or((word, "0"));
        Ok(Job::new(&name, time(&name, arrival)?, time(&name, length)?))
    };
    words.enumerate().map(job).collect()
}

fn parse_named(text: &str) -> Result<Vec<Job>, JobError> {
    text.split_whitespace().map(parse_one).collect()
}

fn parse_one(text: &str) -> Result<Job, JobError> {
    let fields: Vec<&str> = text.split(':').collect();
    let (&[name, arrival, bursts] | &[name, arrival, bursts, _]) = fields.as_slice() else {
        return Err(JobError::Form(text.into()));
    };
    if name.is_empty() {
        return Err(JobError::Form(text.into()));
    }
    let mut job = Job::new(name, time(name, arrival)?, Time::ZERO);
    job.bursts = bursts.split(',').map(|word| burst(name, word)).collect::<Result<_, _>>()?;
    for option in fields.get(3).iter().flat_map(|options| options.split(',')) {
        set(&mut job, option)?;
    }
    Ok(job)
}

fn burst(name: &str, word: &str) -> Result<Burst, JobError> {
    match word.strip_prefix("io") {
        Some(length) => Ok(Burst::Io(time(name, length)?)),
        None => Ok(Burst::Compute(time(name, word)?)),
    }
}

fn time(name: &str, text: &str) -> Result<Time, JobError> {
    text.parse().map_err(|error| JobError::Time(name.into(), error))
}

fn set(job: &mut Job, option: &str) -> Result<(), JobError> {
    let (key, value) = option.split_once('=').unwrap_or((option, ""));
    match key {
        "priority" => set_priority(job, value)?,
        "tickets" => set_tickets(job, value)?,
        "owner" => set_owner(job, value)?,
        "period" => job.period = Some(positive(&job.name, "period", value)?),
        "deadline" => job.deadline = Some(positive(&job.name, "deadline", value)?),
        _ => return Err(JobError::UnknownOption(job.name.clone(), key.into())),
    }
    Ok(())
}

fn positive(name: &str, option: &'static str, value: &str) -> Result<Time, JobError> {
    let time = time(name, value)?;
    if time.is_zero() {
        return Err(JobError::Value(name.into(), option, "must be above 0".into()));
    }
    Ok(time)
}

/// Sets the priority from text.
///
/// # Errors
/// Fails if it is no whole number, or far out of range.
pub fn set_priority(job: &mut Job, value: &str) -> Result<(), JobError> {
    let priority = value.parse().ok().filter(|priority| (-MAX_PRIORITY..=MAX_PRIORITY).contains(priority));
    let problem = || format!("{value:?} is no whole number from -{MAX_PRIORITY} to {MAX_PRIORITY}");
    job.priority = priority.ok_or_else(|| JobError::Value(job.name.clone(), "priority", problem()))?;
    Ok(())
}

/// Sets the tickets from text.
///
/// # Errors
/// Fails if it is no number from 1 to a million.
pub fn set_tickets(job: &mut Job, value: &str) -> Result<(), JobError> {
    let tickets = value.parse().ok().filter(|tickets| (1..=MAX_TICKETS).contains(tickets));
    let problem = || format!("{value:?} is no whole number from 1 to {MAX_TICKETS}");
    job.tickets = tickets.ok_or_else(|| JobError::Value(job.name.clone(), "tickets", problem()))?;
    Ok(())
}

/// Sets the owner.
///
/// # Errors
/// Fails if it is empty.
pub fn set_owner(job: &mut Job, value: &str) -> Result<(), JobError> {
    if value.is_empty() {
        return Err(JobError::Value(job.name.clone(), "owner", "is empty: write a name".into()));
    }
    job.owner = value.into();
    Ok(())
}

/// Sets one property of all jobs from a list such as `3,1,4`.
///
/// # Errors
/// Fails if the list has another length than `jobs`, or a value cannot be used.
pub fn set_each(
    jobs: &mut [Job],
    what: &'static str,
    list: &str,
    set: fn(&mut Job, &str) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let values: Vec<&str> = list.split(',').collect();
    if values.len() != jobs.len() {
        return Err(JobError::Count(values.len(), what, jobs.len()));
    }
    jobs.iter_mut().zip(values).try_for_each(|(job, value)| set(job, value))
}

#[cfg(test)]
mod tests {
    use super::super::MAX_JOBS;
    use super::*;

    #[test]
    fn lengths_become_jobs_that_arrive_at_zero_or_later() {
        let jobs = parse("24,3@2,3.5").unwrap();
        assert_eq!(jobs[0], Job::new("P1", Time::ZERO, Time::units(24)));
        assert_eq!(jobs[1], Job::new("P2", Time::units(2), Time::units(3)));
        assert_eq!(jobs[2].length(), Time::from_ticks(35_000));
    }

    #[test]
    fn named_jobs_have_bursts_and_options() {
        let jobs = parse("A:0:3 B:2:6,io2,1:priority=-3,owner=ann,tickets=7,period=9,deadline=8").unwrap();
        assert_eq!(jobs[0], Job::new("A", Time::ZERO, Time::units(3)));
        let b = &jobs[1];
        assert_eq!((b.length(), b.blocked()), (Time::units(7), Time::units(2)));
        assert_eq!((b.priority, b.owner.as_str(), b.tickets), (-3, "ann", 7));
        assert_eq!((b.period, b.absolute_deadline()), (Some(Time::units(9)), Some(Time::units(10))));
    }

    #[test]
    fn job_that_cannot_be_is_refused_with_its_name() {
        for (text, part) in [
            ("", "no job"),
            ("  ,", "no job"),
            ("0", "job P1: a burst of length 0"),
            ("3,x", "job P2: \"x\" is no time"),
            ("A:0", "is no job"),
            (":0:3", "is no job"),
            ("A:0:3:priority=1:x", "is no job"),
            ("A:0:3 A:1:2", "two jobs are named \"A\""),
            ("A:0:io2,3", "job A: bursts must alternate"),
            ("A:0:3,io2", "job A: bursts must alternate"),
            ("A:0:3,4", "job A: bursts must alternate"),
            ("A:0:3,io0,1", "job A: a burst of length 0"),
            ("A:0:3:colour=red", "choose priority, owner"),
            ("A:0:3:priority=high", "job A: priority"),
            ("A:0:3:tickets=0", "job A: tickets"),
            ("A:0:3:owner=", "job A: owner"),
            ("A:0:3:deadline=0", "job A: deadline: must be above 0"),
            ("99999999999", "at most 1000000000 units"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }

    #[test]
    fn ten_thousand_jobs_are_read_and_one_more_is_refused() {
        let text = vec!["1"; MAX_JOBS].join(",");
        assert_eq!(parse(&text).unwrap().len(), MAX_JOBS);
        assert_eq!(parse(&format!("{text},1")), Err(JobError::TooMany(MAX_JOBS + 1)));
    }

    #[test]
    fn list_of_values_must_match_the_jobs() {
        let mut jobs = parse("5,6").unwrap();
        set_each(&mut jobs, "priorities", "3,1", set_priority).unwrap();
        assert_eq!((jobs[0].priority, jobs[1].priority), (3, 1));
        let error = set_each(&mut jobs, "priorities", "3", set_priority).unwrap_err();
        assert_eq!(error.to_string(), "1 priorities for 2 jobs: give one for each job");
    }
}

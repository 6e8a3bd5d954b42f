//! What the criterion benches share.
//!
//! Each bench asks one question of every registered mechanism: `latency` (a round trip), `throughput` (one way, as fast as
//! it goes), `setup` (building both ends), `locks` (taking one and giving it back, alone and against another process). `many` asks of the channels for many whether they
//! keep their rate. An id reads `latency/pipe/64`, and `latency/pipe_raw/64` for the same thing
//! written straight on libc; locks have `_plain` besides, the plain mutex of the C library. From the root of the workspace:
//!
//! ```text
//! cargo bench -p ipcraft-benches --bench latency                  all mechanisms
//! cargo bench -p ipcraft-benches --bench latency -- pipe          those with "pipe" in the name
//! cargo bench -p ipcraft-benches --bench latency -- latency/pipe/ the library's pipe alone
//! ```
//!
//! Criterion gives means of many messages; percentiles of single ones, CPU time and ratios between interleaved rows are what
//! `ipcraft bench` is for.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use ipcraft_bench::{
    CancelToken, Connect, Cores, Implementation, Mechanism, Pair, Placement, Report, Slice, Workload,
    mechanisms,
};

static NEVER: AtomicBool = AtomicBool::new(false);

/// Only against a hang: criterion chooses how much one slice has to do.
const CANCEL: CancelToken<'static> = CancelToken { timeout: Duration::from_secs(300), stop: &NEVER };

/// A group whose samples all have the same number of iterations, since most of these take microseconds; short, since there
/// are many.
pub fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2)).sample_size(30);
    group
}

/// Every implementation of every mechanism, under the name that it has in ids.
pub fn subjects() -> impl Iterator<Item = (String, &'static Mechanism, Connect)> {
    let of = |mechanism: &'static Mechanism| {
        let named =
            move |&(who, connect): &(Implementation, Connect)| (name(mechanism, who), mechanism, connect);
        mechanism.implementations.iter().map(named)
    };
    mechanisms().iter().copied().flat_map(of)
}

fn name(mechanism: &Mechanism, implementation: Implementation) -> String {
    match implementation {
        Implementation::Baseline => format!("{}_raw", mechanism.id),
        Implementation::Plain => format!("{}_plain", mechanism.id),
        Implementation::Ipcraft | Implementation::Limit => mechanism.id.into(),
    }
}

/// One workload over every mechanism that has it, at the nearest sizes that each carries.
pub fn run(group: &mut BenchmarkGroup<'_, WallTime>, workload: Workload, sizes: &[usize]) {
    for (name, mechanism, connect) in
        subjects().filter(|(_, mechanism, _)| mechanism.workloads.contains(&workload))
    {
        let mut sizes: Vec<usize> = sizes.iter().map(|&size| mechanism.nearest_size(size)).collect();
        sizes.dedup();
        for size in sizes {
            let mut line = Line { mechanism, connect, pair: None };
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::new(&name, size), |bencher| {
                bencher.iter_custom(|iterations| line.time(workload, size, iterations));
            });
        }
    }
}

/// One process that takes each lock and gives it back.
pub fn uncontended(group: &mut BenchmarkGroup<'_, WallTime>) {
    each_lock(group, |line, iterations| line.time(Workload::Uncontended, 0, iterations));
}

/// Two processes that do so with the same lock.
pub fn contended(group: &mut BenchmarkGroup<'_, WallTime>) {
    each_lock(group, Line::time_contended);
}

fn each_lock(group: &mut BenchmarkGroup<'_, WallTime>, time: impl Fn(&mut Line, u64) -> Duration) {
    for (name, mechanism, connect) in subjects().filter(|(_, lock, _)| lock.workloads == Workload::LOCKS) {
        let mut line = Line { mechanism, connect, pair: None };
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| time(&mut line, iterations));
        });
    }
}

/// A connection between two processes that live as long as one bench; they start when it is known to run.
struct Line {
    mechanism: &'static Mechanism,
    connect: Connect,
    pair: Option<Pair>,
}

impl Line {
    /// The time that `messages` messages take, on two cores if there are two.
    fn time(&mut self, workload: Workload, size: usize, messages: u64) -> Duration {
        let slice = Slice {
            warm_up: (messages / 4).max(4),
            batch: messages,
            window: self.mechanism.window(size),
            ..Slice::new(workload, size, messages)
        };
        Duration::from_nanos(self.run(&slice).elapsed_ns)
    }

    /// The time that it takes two processes to do something so often when both do it: each slice lasts as long as it was
    /// told, and then says how often that was.
    fn time_contended(&mut self, times: u64) -> Duration {
        const SLICE_NS: u64 = 2_000_000;
        let slice = Slice { interval_ns: SLICE_NS, ..Slice::new(Workload::Contended, 0, 1) };
        let (mut done, mut elapsed_ns) = (0, 0);
        while done < times {
            let report = self.run(&slice);
            done += report.done.unwrap_or(times);
            elapsed_ns += report.elapsed_ns;
        }
        Duration::from_nanos(elapsed_ns).mul_f64(times as f64 / done as f64)
    }

    fn run(&mut self, slice: &Slice) -> Report {
        let connect = self.connect;
        let pair = self.pair.get_or_insert_with(|| launch(connect));
        pair.run(slice, CANCEL).unwrap_or_else(|failure| panic!("{}: {failure}", self.mechanism.id))
    }
}

fn launch(connect: Connect) -> Pair {
    let cores = Cores::of_this_process();
    let cpus = cores.cpu_pair(Placement::TwoCores).or_else(|| cores.cpu_pair(Placement::SameCore));
    let cpus = cpus.expect("every machine has room for two processes on one core");
    Pair::launch(connect, cpus, CANCEL).expect("a connection between two processes")
}

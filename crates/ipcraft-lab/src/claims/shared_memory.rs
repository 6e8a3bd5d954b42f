//! Shared memory.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use ipcraft::channel::spsc;
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::sysv::Segment;
use ipcraft::sysv::Key;
use ipcraft_bench::{Implementation, Placement, Plan, Preset, Row, Workload, find};
use ipcraft_step::{Child, Shared, system_calls};

use super::child::{figures, until};
use super::{Claim, Finding};
use crate::race::{How, race};
use crate::{Error, Width, worker};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "through-the-kernel",
        article: 1,
        sentence: (
            "Processes must exchange data through the kernel: one copies in, the other copies out.",
            "进程之间要交换数据必须通过内核:一个拷入内核缓冲区,另一个读走。",
        ),
        see: "ipcraft bench --details --only channel,pipe",
        check: through_the_kernel,
    },
    Claim {
        id: "fastest",
        article: 1,
        sentence: ("Shared memory is the fastest way.", "共享内存是最快的 IPC 方式。"),
        see: "ipcraft bench",
        check: fastest,
    },
    Claim {
        id: "sockets-cost-more",
        article: 1,
        sentence: ("Sockets cost more than shared memory.", "相对于共享内存,套接字占用更多资源。"),
        see: "ipcraft bench --only channel,unix_stream,tcp",
        check: sockets_cost_more,
    },
    Claim {
        id: "slow-pipes",
        article: 1,
        sentence: ("Pipes and FIFOs are slow.", "管道和命名管道速度慢。"),
        see: "ipcraft bench --only pipe,fifo",
        check: slow_pipes,
    },
    Claim {
        id: "shared-needs-atomic",
        article: 1,
        sentence: (
            "Shared memory is a critical resource: operations on it must be atomic.",
            "共享内存是临界资源,操作时必须保证原子性。",
        ),
        see: "ipcraft lab race",
        check: needs_atomic,
    },
    Claim {
        id: "shared-lifetime",
        article: 1,
        sentence: ("Shared memory lives as long as the kernel.", "共享内存的生命周期随内核。"),
        see: "example sysv_shm",
        check: lifetime,
    },
];

fn through_the_kernel() -> Result<Finding, Error> {
    let (mut sender, mut receiver) = spsc::channel::<u64>(16)?;
    let channel = system_calls(|| {
        let _ = sender.try_send(7);
        let _ = receiver.try_recv();
    })
    .map_err(Error::of_stepping)?;
    let (reader, writer) = ipcraft::pipe::pipe()?;
    let pipe = system_calls(|| {
        let _ = writer.write(&[7; 8]);
        let _ = reader.read(&mut [0; 8]);
    })
    .map_err(Error::of_stepping)?;
    Ok(Finding::holds_if(
        channel > 0,
        format!("a message through shared memory: {channel} system calls; through a pipe: {pipe}"),
        format!("经共享内存传一条消息:{channel} 次系统调用;经管道:{pipe} 次"),
    ))
}

/// The round trips of some mechanisms: id, and nanoseconds.
type RoundTrips = Vec<(&'static str, f64)>;

/// Measures round trips once for all claims that need them.
fn round_trips() -> RoundTrips {
    static MEASURED: OnceLock<RoundTrips> = OnceLock::new();
    const IDS: [&str; 6] = ["channel", "pipe", "fifo", "unix_stream", "sysv_queue", "tcp"];
    let measured = MEASURED.get_or_init(|| {
        let two_cores = worker::cpus(Placement::TwoCores).is_some();
        let plan = Plan {
            mechanisms: IDS.into_iter().filter_map(find).collect(),
            sizes: Some(vec![64]),
            workloads: vec![Workload::RoundTrip],
            placements: vec![if two_cores { Placement::TwoCores } else { Placement::SameCore }],
            budget: Duration::from_secs(6),
            ..Plan::new(Preset::Quick)
        };
        let results = ipcraft_bench::run(&plan, &AtomicBool::new(false), &mut |_| ());
        let ns = |id: &str| {
            let own = |row: &&Row| row.mechanism == id && row.implementation == Implementation::Ipcraft;
            let times = results.results.iter().filter(own).filter_map(|row| Some(row.time_ns?.value));
            times.fold(None, |best: Option<f64>, ns| Some(best.map_or(ns, |best| best.min(ns))))
        };
        IDS.into_iter().filter_map(|id| Some((id, ns(id)?))).collect()
    });
    measured.clone()
}

fn listed(trips: &RoundTrips) -> String {
    let one = |(id, ns): &(&str, f64)| format!("{id} {:.1} us", ns / 1000.0);
    trips.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn compared(decide: impl Fn(f64, &RoundTrips) -> bool) -> Result<Finding, Error> {
    let trips = round_trips();
    let Some(&(_, channel)) = trips.iter().find(|(id, _)| *id == "channel").filter(|_| trips.len() > 1)
    else {
        return Ok(Finding::untested("no round trip could be measured", "没有测到往返时间"));
    };
    let figures = listed(&trips);
    Ok(Finding::holds_if(
        decide(channel, &trips),
        format!("round trip of 64 bytes: {figures}"),
        format!("64 字节的往返:{figures}"),
    ))
}

fn fastest() -> Result<Finding, Error> {
    compared(|channel, trips| trips.iter().all(|(_, ns)| *ns >= channel))
}

fn sockets_cost_more() -> Result<Finding, Error> {
    compared(|channel, trips| {
        let mut sockets = trips.iter().filter(|(id, _)| ["unix_stream", "tcp"].contains(id));
        sockets.all(|(_, ns)| *ns > channel)
    })
}

fn slow_pipes() -> Result<Finding, Error> {
    compared(|_, trips| {
        let of = |wanted: &str| trips.iter().find(|(id, _)| *id == wanted).map(|(_, ns)| *ns);
        // Slow means: slower than what the article does not call slow, a queue and sockets.
        let others = [of("unix_stream"), of("sysv_queue"), of("tcp")];
        let others = others.into_iter().flatten().fold(f64::INFINITY, f64::min);
        of("pipe").is_some_and(|pipe| pipe > others * 1.1)
    })
}

fn needs_atomic() -> Result<Finding, Error> {
    let two_cores = worker::cpus(Placement::TwoCores).is_some();
    let placement = if two_cores { Placement::TwoCores } else { Placement::SameCore };
    let lost = |width| race(How::Memory(width), placement).map(|race| (race.lost(), race.expected));
    let ((three, expected), (locked, _)) = (lost(Width::Three)?, lost(Width::Locked)?);
    if three == 0 {
        return Ok(Finding::untested(
            format!("no update was lost in {expected}, which proves nothing on one core"),
            format!("{expected} 次更新中没有丢失,在单核上这不能证明什么"),
        ));
    }
    Ok(Finding::holds_if(
        locked == 0,
        format!("of {expected} updates {three} were lost; with an atomic addition {locked}"),
        format!("{expected} 次更新丢失 {three} 次;用原子加法丢失 {locked} 次"),
    ))
}

fn lifetime() -> Result<Finding, Error> {
    let id = figures(|| match Segment::create_new(Key::PRIVATE, 4096) {
        Ok(segment) => vec![segment.id() as u64 + 1],
        Err(_) => vec![0],
    })?[0];
    let survived = id > 0 && Segment::from_id((id - 1) as i32).and_then(|segment| segment.remove()).is_ok();
    let gone = memfd_ends_with_its_process()?;
    Ok(Finding::holds_but_if(
        survived,
        gone,
        "a System V segment outlived its maker until it was removed; a memfd ended with its last descriptor",
        "System V 段在创建者结束后仍存在,直到被删除;memfd 随最后一个描述符消失",
    ))
}

/// Returns whether the memory of a child could be opened while the child lived, and not later.
fn memfd_ends_with_its_process() -> Result<bool, Error> {
    let shared = Shared::new()?;
    let number = &shared.words()[0];
    let owner = Child::try_start(|| {
        let memory = Memfd::create("ipcraft-lab", 4096);
        let descriptor = memory.as_ref().map_or(0, |memory| memory.as_fd().as_raw_fd() as u64);
        number.store(descriptor + 1, SeqCst);
        loop {
            std::thread::park();
        }
    })?;
    until(|| number.load(SeqCst) > 0)?;
    let path = format!("/proc/{}/fd/{}", owner.pid(), number.load(SeqCst) - 1);
    let before = std::fs::File::open(&path).is_ok();
    drop(owner);
    Ok(before && std::fs::File::open(&path).is_err())
}

//! Scheduling policies, in exact time.

use super::child::failed;
use super::{Claim, Finding};
use crate::Error;
use crate::schedule::job::parse;
use crate::schedule::policy::Spec;
use crate::schedule::realtime;
use crate::schedule::{Job, Metrics, Time, Timeline, ideal};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "batch-non-preemptive",
        article: 2,
        sentence: (
            "For batch jobs, a policy without preemption saves switches.",
            "批处理系统中非抢占式算法减少了进程的切换,改善性能。",
        ),
        see: "ipcraft lab schedule --compare fcfs,rr:1 --jobs 10,10,10",
        check: non_preemptive,
    },
    Claim {
        id: "fcfs-mixed",
        article: 2,
        sentence: (
            "First come, first served has problems if CPU-bound and I/O-bound jobs run together.",
            "先来先服务:当 CPU 密集型和 I/O 密集型一起调度时会出现问题。",
        ),
        see: "ipcraft lab schedule --compare fcfs,rr:1 --jobs 'A:0:20 B:0:1,io3,1,io3,1'",
        check: fcfs_mixed,
    },
    Claim {
        id: "sjf-optimal",
        article: 2,
        sentence: (
            "Shortest job first is optimal only if all jobs are there at the same time.",
            "只有在所有作业都可同时运行的情形下,最短作业优先才是最优化的。",
        ),
        see: "ipcraft lab schedule --set tanenbaum-arrivals",
        check: sjf_optimal,
    },
    Claim {
        id: "srtn",
        article: 2,
        sentence: (
            "Shortest remaining time next serves new short jobs well.",
            "最短剩余时间优先使新的短作业获得良好的服务。",
        ),
        see: "ipcraft lab schedule --compare sjf,srtn --set tanenbaum-arrivals",
        check: srtn,
    },
    Claim {
        id: "short-quantum",
        article: 2,
        sentence: (
            "A short quantum causes many switches, a long one delays short requests.",
            "时间片过短会导致过多的进程切换,过长又使短请求的响应时间变长。",
        ),
        see: "ipcraft lab schedule --compare rr:1,rr:20 --jobs 20,20,20,1",
        check: quantum,
    },
    Claim {
        id: "priority-starvation",
        article: 2,
        sentence: (
            "Without adjustment, low priorities may starve; lowering the running one prevents that.",
            "需要偶尔对优先级进行调整,以避免低优先级进程产生饥饿现象。",
        ),
        see: "ipcraft lab schedule --compare priority,priority:ageing --jobs 40,2 --priorities 4,2",
        check: starvation,
    },
    Claim {
        id: "multilevel",
        article: 2,
        sentence: (
            "Classes with quanta 1, 2, 4, … need fewer switches for long jobs.",
            "多级队列:优先级类的时间片依次加倍,CPU 密集型进程切换更少。",
        ),
        see: "ipcraft lab schedule --set tanenbaum-ctss",
        check: multilevel,
    },
    Claim {
        id: "shortest-process",
        article: 2,
        sentence: (
            "The only problem of shortest process next is to find out which is the shortest.",
            "最短进程优先唯一的问题是如何找出最短的那个进程。",
        ),
        see: "ipcraft lab schedule --compare sjf,spn --jobs 'A:0:6,io1,6 B:0:2,io1,2'",
        check: shortest_process,
    },
    Claim {
        id: "guaranteed",
        article: 2,
        sentence: (
            "Guaranteed scheduling gives each of n processes 1/n of the CPU.",
            "保证调度:n 个进程各得到 CPU 时间的 1/n。",
        ),
        see: "ipcraft lab schedule --policy guaranteed --jobs 8,8,8",
        check: guaranteed,
    },
    Claim {
        id: "lottery",
        article: 2,
        sentence: ("A lottery gives similar results, and is simple.", "彩票调度可给出类似的结果,实现简单。"),
        see: "ipcraft lab schedule --policy lottery@7 --jobs 20,20 --tickets 3,1",
        check: lottery,
    },
    Claim {
        id: "fair-share",
        article: 2,
        sentence: (
            "Fair share scheduling regards the owner: a user with more processes gets no more.",
            "公平分享调度考虑进程的所有者,进程多的用户不会得到更多。",
        ),
        see: "ipcraft lab schedule --set tanenbaum-fair",
        check: fair_share,
    },
    Claim {
        id: "static-dynamic",
        article: 2,
        sentence: (
            "Real-time scheduling is static, decided before, or dynamic, decided while running.",
            "实时系统的调度可以是静态的或动态的。",
        ),
        see: "ipcraft lab realtime --tasks 2/5,4/7",
        check: real_time,
    },
];

fn jobs(text: &str) -> Result<Vec<Job>, Error> {
    parse(text).map_err(|error| failed(&error.to_string()))
}

fn timeline(policy: &str, jobs: &[Job]) -> Result<Timeline, Error> {
    let spec: Spec = policy.parse().map_err(|_| failed("a policy is not known"))?;
    ideal::run(jobs, &mut *spec.policy(), false).map_err(|error| failed(&error.to_string()))
}

fn metrics(policy: &str, text: &str) -> Result<Metrics, Error> {
    let jobs = jobs(text)?;
    Ok(Metrics::of(&jobs, &timeline(policy, &jobs)?))
}

fn end(metrics: &Metrics, job: usize) -> f64 {
    metrics.jobs[job].end.map_or(f64::INFINITY, Time::as_units)
}

fn non_preemptive() -> Result<Finding, Error> {
    let switches = |policy| metrics(policy, "10,10,10").map(|found| (found.switches, found.turnaround));
    let ((fcfs, fcfs_time), (rr, rr_time)) = (switches("fcfs")?, switches("rr:1")?);
    Ok(Finding::holds_if(
        fcfs < rr && fcfs_time < rr_time,
        format!(
            "three jobs of 10: {fcfs} switches, turnaround {fcfs_time:.1}; in turns {rr}, turnaround {rr_time:.1}"
        ),
        format!("三个长度 10 的作业:切换 {fcfs} 次,周转 {fcfs_time:.1};轮转 {rr} 次,周转 {rr_time:.1}"),
    ))
}

fn fcfs_mixed() -> Result<Finding, Error> {
    // A computes; B computes for one unit between I/O of three.
    const MIXED: &str = "A:0:20 B:0:1,io3,1,io3,1,io3,1";
    let of_b = |policy| metrics(policy, MIXED).map(|found| end(&found, 1));
    let (fcfs, rr) = (of_b("fcfs")?, of_b("rr:1")?);
    Ok(Finding::holds_if(
        fcfs > rr,
        format!("the I/O-bound job ends at {fcfs:.0} beside a CPU-bound one, and at {rr:.0} with turns of 1"),
        format!("与 CPU 密集型作业一起时,I/O 密集型作业在 {fcfs:.0} 结束;时间片为 1 的轮转时在 {rr:.0} 结束"),
    ))
}

/// Tanenbaum's example: A 2, B 4, and three jobs of 1 that arrive at 3.
const ARRIVALS: &str = "2@0,4@0,1@3,1@3,1@3";

/// Returns the average turnaround of an order of (arrival, length). `None` if the CPU would wait
/// for a job although another one is there, which no policy here does.
fn turnaround(facts: &[(f64, f64)], order: &[usize]) -> Option<f64> {
    let (mut now, mut total) = (0.0_f64, 0.0);
    for (position, &job) in order.iter().enumerate() {
        let (arrival, length) = facts[job];
        if arrival > now && order[position..].iter().any(|&other| facts[other].0 <= now) {
            return None;
        }
        now = now.max(arrival) + length;
        total += now - arrival;
    }
    Some(total / facts.len() as f64)
}

/// Returns the least average turnaround of all orders without preemption.
fn best_turnaround(jobs: &[Job]) -> f64 {
    let facts: Vec<(f64, f64)> =
        jobs.iter().map(|job| (job.arrival.as_units(), job.bursts.iter().map(length).sum())).collect();
    let mut best = f64::INFINITY;
    permute(&mut (0..jobs.len()).collect(), 0, &mut |order| {
        best = best.min(turnaround(&facts, order).unwrap_or(f64::INFINITY));
    });
    best
}

fn length(burst: &crate::schedule::Burst) -> f64 {
    match burst {
        crate::schedule::Burst::Compute(time) => time.as_units(),
        crate::schedule::Burst::Io(_) => 0.0,
    }
}

fn permute(order: &mut Vec<usize>, first: usize, visit: &mut impl FnMut(&[usize])) {
    if first == order.len() {
        return visit(order);
    }
    for index in first..order.len() {
        order.swap(first, index);
        permute(order, first + 1, visit);
        order.swap(first, index);
    }
}

fn sjf_optimal() -> Result<Finding, Error> {
    let (together, later) = (jobs("8,4,4,4,6")?, jobs(ARRIVALS)?);
    let sjf = |jobs: &[Job]| timeline("sjf", jobs).map(|done| Metrics::of(jobs, &done).turnaround);
    let (sjf_together, sjf_later) = (sjf(&together)?, sjf(&later)?);
    let (best_together, best_later) = (best_turnaround(&together), best_turnaround(&later));
    let is_best = |found: f64, best: f64| (found - best).abs() < 1e-9;
    Ok(Finding::holds_if(
        is_best(sjf_together, best_together) && !is_best(sjf_later, best_later),
        format!(
            "of all 120 orders: together {sjf_together:.1}, best {best_together:.1}; with arrivals {sjf_later:.1}, best {best_later:.1}"
        ),
        format!(
            "全部 120 种顺序:同时到达 {sjf_together:.1},最优 {best_together:.1};先后到达 {sjf_later:.1},最优 {best_later:.1}"
        ),
    ))
}

fn srtn() -> Result<Finding, Error> {
    let turnaround = |policy| metrics(policy, ARRIVALS).map(|found| found.turnaround);
    let (sjf, srtn) = (turnaround("sjf")?, turnaround("srtn")?);
    Ok(Finding::holds_if(
        srtn < sjf,
        format!("three short jobs arrive at 3: average turnaround {sjf:.1} with sjf, {srtn:.1} with srtn"),
        format!("三个短作业在 3 到达:平均周转 sjf {sjf:.1},srtn {srtn:.1}"),
    ))
}

fn quantum() -> Result<Finding, Error> {
    let found = |policy| metrics(policy, "20,20,20,1").map(|found| (found.switches, end(&found, 3)));
    let ((many, early), (few, late)) = (found("rr:1")?, found("rr:20")?);
    Ok(Finding::holds_if(
        many > few && late > early,
        format!(
            "quantum 1: {many} switches, the short job ends at {early:.0}; quantum 20: {few} switches, at {late:.0}"
        ),
        format!("时间片 1:切换 {many} 次,短作业在 {early:.0} 结束;时间片 20:切换 {few} 次,在 {late:.0} 结束"),
    ))
}

fn starvation() -> Result<Finding, Error> {
    const SET: &str = "A:0:40:priority=4 B:0:2:priority=2";
    let of_b = |policy| metrics(policy, SET).map(|found| end(&found, 1));
    let (fixed, lowered) = (of_b("priority")?, of_b("priority:ageing")?);
    Ok(Finding::holds_if(
        fixed > lowered,
        format!(
            "the job of low priority ends at {fixed:.0}; if the running one loses priority, at {lowered:.0}"
        ),
        format!("低优先级作业在 {fixed:.0} 结束;运行者逐步降级时在 {lowered:.0} 结束"),
    ))
}

fn multilevel() -> Result<Finding, Error> {
    let dispatches = |policy| metrics(policy, "100").map(|found| found.dispatches);
    let (levels, turns) = (dispatches("multilevel:1,2,4,8,16,32,64")?, dispatches("rr:1")?);
    Ok(Finding::holds_if(
        levels < turns,
        format!("a job of 100 quanta is dispatched {levels} times, and {turns} times with quantum 1"),
        format!("需要 100 个时间片的作业被调度 {levels} 次,时间片恒为 1 时 {turns} 次"),
    ))
}

fn shortest_process() -> Result<Finding, Error> {
    const SET: &str = "A:0:6,io1,6,io1,6 B:0:2,io1,2,io1,2";
    let turnaround = |policy| metrics(policy, SET).map(|found| found.turnaround);
    let (known, estimated) = (turnaround("sjf")?, turnaround("spn:a=1/2")?);
    Ok(Finding::holds_if(
        known <= estimated,
        format!(
            "average turnaround {known:.1} if the lengths are known, {estimated:.1} if estimated from the past"
        ),
        format!("平均周转:已知长度时 {known:.1},按历史估计时 {estimated:.1}"),
    ))
}

fn guaranteed() -> Result<Finding, Error> {
    let jobs = jobs("30,30,30,30")?;
    let done = timeline("guaranteed", &jobs)?;
    let half = Time::units(60);
    let share = |job: usize| -> f64 {
        let own = done.running().filter(|segment| segment.job == job && segment.from < half);
        own.map(|segment| (segment.to.min(half) - segment.from).as_units()).sum::<f64>() / 60.0 * 100.0
    };
    let shares: Vec<f64> = (0..4).map(share).collect();
    let even = shares.iter().all(|share| (share - 25.0).abs() < 3.0);
    let shown = shares.iter().map(|share| format!("{share:.0}")).collect::<Vec<_>>().join(" ");
    Ok(Finding::holds_if(
        even,
        format!("shares of four jobs after 60 units, in percent: {shown}"),
        format!("60 个单位后四个作业的份额(%):{shown}"),
    ))
}

fn lottery() -> Result<Finding, Error> {
    const DRAWS: usize = 4000;
    let jobs = jobs("A:0:4000:tickets=3 B:0:4000:tickets=1")?;
    let done = timeline("lottery@7", &jobs)?;
    let wins = done.dispatches.iter().take(DRAWS).filter(|dispatch| dispatch.job == 0).count();
    // Five standard deviations of the binomial distribution.
    let spread = 5.0 * (DRAWS as f64 * 0.75 * 0.25).sqrt();
    Ok(Finding::holds_if(
        (wins as f64 - 3000.0).abs() < spread,
        format!("3 of 4 tickets won {wins} of {DRAWS} draws"),
        format!("4 张彩票中的 3 张在 {DRAWS} 次抽奖中赢得 {wins} 次"),
    ))
}

fn fair_share() -> Result<Finding, Error> {
    let mut text = String::new();
    for number in 1..=9 {
        text += &format!("P{number}:0:20:owner=one ");
    }
    text += "Q:0:20:owner=two";
    let jobs = jobs(&text)?;
    let share = |policy: &str| -> Result<f64, Error> {
        let done = timeline(policy, &jobs)?;
        let until = Time::units(20);
        let own = done.running().filter(|segment| segment.job == 9 && segment.from < until);
        Ok(own.map(|segment| (segment.to.min(until) - segment.from).as_units()).sum::<f64>() * 5.0)
    };
    let (turns, fair) = (share("rr:1")?, share("fair")?);
    Ok(Finding::holds_if(
        turns < 15.0 && fair > 40.0,
        format!("user 2 with 1 of 10 processes gets {turns:.0} % in turns, and {fair:.0} % by fair share"),
        format!("10 个进程中用户 2 只有 1 个:轮转得 {turns:.0} %,公平分享得 {fair:.0} %"),
    ))
}

fn real_time() -> Result<Finding, Error> {
    let tasks = realtime::parse("2/5,4/7").map_err(|error| failed(&error.to_string()))?;
    let misses = |policy: &str| -> Result<usize, Error> {
        let spec: Spec = policy.parse().map_err(|_| failed("a policy is not known"))?;
        let run = realtime::simulate(&tasks, &mut *spec.policy(), Time::units(35));
        Ok((0..tasks.len()).map(|task| run.misses(task).count()).sum())
    };
    let (fixed, dynamic) = (misses("rm")?, misses("edf")?);
    Ok(Finding::holds_if(
        fixed > 0 && dynamic == 0,
        format!(
            "tasks 2/5 and 4/7: {fixed} deadline missed with fixed priorities (rm), {dynamic} with dynamic ones (edf)"
        ),
        format!("任务 2/5 和 4/7:静态优先级(rm)错过 {fixed} 次截止,动态(edf)错过 {dynamic} 次"),
    ))
}

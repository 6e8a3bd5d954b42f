//! The passages of both articles, each with the command or example that shows its subject.

/// A part of an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The article: 1 or 2.
    pub article: u8,
    /// Its subject, in own words.
    pub subject: &'static str,
    /// The commands (`ipcraft lab …`) and examples (`example …`) that show it.
    pub see: &'static [&'static str],
}

const fn passage(article: u8, subject: &'static str, see: &'static [&'static str]) -> Passage {
    Passage { article, subject, see }
}

/// All passages, in their order.
pub const PASSAGES: &[Passage] = &[
    passage(1, "processes and threads: memory, cost, tasks", &["ipcraft lab cost", "ipcraft lab claims"]),
    passage(1, "several threads of one process", &["ipcraft lab threads"]),
    passage(1, "coroutines: user mode, registers and stack", &["ipcraft lab cost", "ipcraft lab threads"]),
    passage(1, "coroutines: efficiency, locks, memory", &["ipcraft lab cost", "ipcraft lab threads"]),
    passage(1, "PID and TGID", &["ipcraft lab claims"]),
    passage(1, "six differences of process and thread", &["ipcraft lab claims", "example process_states"]),
    passage(1, "four differences of coroutine and thread", &["ipcraft lab threads"]),
    passage(1, "communication through the kernel", &["ipcraft bench", "ipcraft lab claims"]),
    passage(1, "pipe", &["example pipe", "example pipe_duplex", "example shell_pipeline"]),
    passage(1, "named pipe", &["example fifo"]),
    passage(1, "message queue", &["example sysv_queue", "example posix_queue"]),
    passage(1, "shared memory", &["example memfd", "example posix_shm", "example sysv_shm"]),
    passage(1, "semaphore", &["example posix_semaphore", "example sysv_semaphore"]),
    passage(1, "signal", &["example signals", "example signalfd"]),
    passage(1, "socket", &["example unix_stream", "example unix_datagram", "example tcp"]),
    passage(1, "summary of the ways", &["ipcraft bench", "ipcraft report"]),
    passage(1, "locks of threads", &["example mutex", "example rwlock", "example condvar"]),
    passage(1, "communication of coroutines", &["example coroutines"]),
    passage(1, "nginx: signals, socket pair, shared memory", &["example nginx_model"]),
    passage(1, "states of a process, suspension", &["example process_states", "ipcraft lab claims"]),
    passage(2, "1.1 race conditions", &["ipcraft lab race", "ipcraft lab explore", "example race"]),
    passage(2, "1.2 critical regions, four conditions", &["ipcraft lab exclusion"]),
    passage(2, "1.3.1 disabling interrupts", &["ipcraft lab race"]),
    passage(2, "1.3.2 lock variables", &["ipcraft lab explore", "ipcraft lab run", "ipcraft lab play"]),
    passage(2, "1.3.3 strict alternation", &["ipcraft lab exclusion", "ipcraft lab explore"]),
    passage(2, "1.3.4 Peterson's solution", &["ipcraft lab peterson", "example peterson"]),
    passage(2, "1.3.5 TSL", &["ipcraft lab exclusion", "ipcraft lab claims"]),
    passage(2, "1.4 sleep and wakeup", &["ipcraft lab wakeup", "example lost_wakeup"]),
    passage(2, "1.4 priority inversion", &["ipcraft lab inversion", "example priority_inversion"]),
    passage(2, "1.5 semaphores, producer and consumer", &["ipcraft lab wakeup", "example posix_semaphore"]),
    passage(2, "1.6 mutexes", &["example mutex", "ipcraft lab exclusion"]),
    passage(2, "2.1 when to schedule, goals", &["ipcraft lab schedule"]),
    passage(2, "2.2 batch systems", &["ipcraft lab schedule", "ipcraft lab exercise"]),
    passage(2, "2.3 interactive systems", &["ipcraft lab schedule", "ipcraft lab claims"]),
    passage(2, "2.4 real-time systems", &["ipcraft lab realtime"]),
    passage(2, "2.5 threads", &["ipcraft lab threads"]),
];

//! Facilities of the kernel that an experiment or an explanation uses.

use std::fs;

use ipcraft_step::Shared;

use super::trial::{Found, Trial, failed, in_child};
use crate::Error;
use crate::sys::facility;

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        name: "priority inheritance (futex)",
        needs: "CONFIG_FUTEX_PI",
        used_by: "inversion",
        run: priority_inheritance,
    },
    Trial {
        name: "record of own switches (perf)",
        needs: "kernel.perf_event_paranoid of at most 2, and a seccomp filter that allows perf_event_open",
        used_by: "no command; they record gaps themselves",
        run: switch_record,
    },
    Trial {
        name: "restartable sequences (rseq)",
        needs: "Linux 4.18 or later with CONFIG_RSEQ",
        used_by: "no command; a note in docs/lab.md",
        run: restartable_sequences,
    },
    Trial {
        name: "slice extension of rseq",
        needs: "Linux 7.0 or later with CONFIG_RSEQ_SLICE_EXTENSION",
        used_by: "no command; a note in docs/lab.md",
        run: slice_extension,
    },
    Trial {
        name: "schedulers in BPF (sched_ext)",
        needs: "Linux 6.12 or later with CONFIG_SCHED_CLASS_EXT",
        used_by: "no command",
        run: extensible_scheduler,
    },
];

fn priority_inheritance() -> Result<Found, Error> {
    let shared = Shared::new()?;
    in_child(|| match facility::lock_and_unlock_pi(&shared.words()[0]) {
        Ok(()) => Ok("FUTEX_LOCK_PI, FUTEX_UNLOCK_PI".into()),
        Err(errno) => Err(failed("futex(2)", errno)),
    })
}

fn switch_record() -> Result<Found, Error> {
    let paranoid = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap_or_default();
    let paranoid = paranoid.trim();
    in_child(|| match facility::open_switch_events() {
        Ok(()) => Ok(format!("paranoid {paranoid}")),
        Err(errno) => Err(format!("{}, paranoid {paranoid}", failed("perf_event_open(2)", errno))),
    })
}

fn restartable_sequences() -> Result<Found, Error> {
    in_child(|| match facility::register_rseq() {
        Ok(true) => Ok("registered by the trial".into()),
        Ok(false) => Ok("registered by the C library".into()),
        Err(errno) => Err(failed("rseq(2)", errno)),
    })
}

fn slice_extension() -> Result<Found, Error> {
    in_child(|| match facility::slice_extension() {
        Ok(()) => Ok("PR_RSEQ_SLICE_EXTENSION".into()),
        Err(errno) => Err(failed("prctl(2): PR_RSEQ_SLICE_EXTENSION", errno)),
    })
}

fn extensible_scheduler() -> Result<Found, Error> {
    in_child(|| match facility::become_sched_ext() {
        Ok(()) => Ok("SCHED_EXT".into()),
        Err(errno) => Err(failed("sched_setscheduler(2): SCHED_EXT", errno)),
    })
}

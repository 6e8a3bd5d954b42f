//! Job sets with published schedules.

use super::job::{Job, parse};
use super::policy::Spec;

/// A named set.
#[derive(Clone, Copy, Debug)]
pub struct Set {
    /// The name.
    pub name: &'static str,
    /// The book or course.
    pub source: &'static str,
    /// The jobs as they are written.
    pub jobs: &'static str,
    /// The policy that the source shows with it.
    pub policy: &'static str,
}

const SILBERSCHATZ: &str = "Silberschatz, Galvin, Gagne: Operating System Concepts";
const TANENBAUM: &str = "Tanenbaum, Bos: Modern Operating Systems";
const STALLINGS: &str = "Stallings: Operating Systems";
const OSTEP: &str = "Arpaci-Dusseau: Operating Systems: Three Easy Pieces";
const UC_DAVIS: &str = "Bishop: course on operating systems, UC Davis";

/// Returns all sets.
pub const fn all() -> &'static [Set] {
    SETS
}

/// Returns the set with this name.
pub fn find(name: &str) -> Option<&'static Set> {
    SETS.iter().find(|set| set.name == name)
}

impl Set {
    /// Returns the jobs.
    pub fn jobs(&self) -> Vec<Job> {
        parse(self.jobs).expect("a test parses every set")
    }

    /// Returns the policy.
    pub fn policy(&self) -> Spec {
        self.policy.parse().expect("a test parses every policy")
    }
}

const fn set(name: &'static str, source: &'static str, jobs: &'static str, policy: &'static str) -> Set {
    Set { name, source, jobs, policy }
}

const SETS: &[Set] = &[
    set("silberschatz-fcfs", SILBERSCHATZ, "24,3,3", "fcfs"),
    set("silberschatz-rr", SILBERSCHATZ, "24,3,3", "rr:4"),
    set("silberschatz-sjf", SILBERSCHATZ, "6,8,7,3", "sjf"),
    set("silberschatz-srtf", SILBERSCHATZ, "8@0,4@1,9@2,5@3", "srtn"),
    set("silberschatz-quantum", SILBERSCHATZ, "6,3,1,7", "rr:4"),
    set(
        "silberschatz-priority",
        SILBERSCHATZ,
        "P1:0:10:priority=3 P2:0:1:priority=1 P3:0:2:priority=4 P4:0:1:priority=5 P5:0:5:priority=2",
        "priority:low",
    ),
    set(
        "silberschatz-priority-rr",
        SILBERSCHATZ,
        "P1:0:4:priority=3 P2:0:5:priority=2 P3:0:8:priority=2 P4:0:7:priority=1 P5:0:3:priority=3",
        "priority:low,rr=2",
    ),
    set("tanenbaum-sjf", TANENBAUM, "A:0:8 B:0:4 C:0:4 D:0:4", "sjf"),
    set("tanenbaum-arrivals", TANENBAUM, "A:0:2 B:0:4 C:3:1 D:3:1 E:3:1", "sjf"),
    set(
        "tanenbaum-batch",
        TANENBAUM,
        "A:0:10:priority=3 B:0:6:priority=5 C:0:2:priority=2 D:0:4:priority=1 E:0:8:priority=4",
        "priority",
    ),
    set("tanenbaum-ctss", TANENBAUM, "A:0:100", "multilevel:1,2,4,8,16,32,64"),
    set(
        "tanenbaum-fair",
        TANENBAUM,
        "A:0:3:owner=user1 B:0:3:owner=user1 C:0:3:owner=user1 D:0:3:owner=user1 E:0:12:owner=user2",
        "fair",
    ),
    set("stallings", STALLINGS, "A:0:3 B:2:6 C:4:4 D:6:5 E:8:2", "rr:1"),
    set("ucdavis", UC_DAVIS, "A:0:10 B:1:29 C:2:3 D:3:7 E:4:12", "rr:5"),
    set("ostep-equal", OSTEP, "A:0:10 B:0:10 C:0:10", "fcfs"),
    set("ostep-convoy", OSTEP, "A:0:100 B:0:10 C:0:10", "fcfs"),
    set("ostep-late", OSTEP, "A:0:100 B:10:10 C:10:10", "srtn"),
    set("ostep-response", OSTEP, "A:0:5 B:0:5 C:0:5", "rr:1"),
    set("ostep-io", OSTEP, "A:0:10,io10,10,io10,10,io10,10,io10,10 B:0:50", "srtn"),
    set("ostep-stride", OSTEP, "A:0:20:tickets=100 B:0:10:tickets=50 C:0:50:tickets=250", "stride"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_found_by_its_name_and_has_jobs_and_a_policy() {
        for set in all() {
            assert_eq!(find(set.name).unwrap().jobs, set.jobs);
            assert!(!set.jobs().is_empty());
            set.policy().check(&set.jobs()).unwrap();
        }
        assert!(find("other").is_none());
    }
}

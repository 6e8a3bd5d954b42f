//! What a test binary may leave behind, counted before and after.
//!
//! Only what is this process's own counts: its descriptors, objects with [unique](ipcraft::name::unique) names, which
//! carry its process id, and System V objects that it was the last to change. Others may come and go on the same machine meanwhile.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use ipcraft::name;
use ipcraft::semaphore::sysv;

/// The objects of this process at one moment.
#[derive(Debug)]
pub struct Snapshot {
    descriptors: BTreeSet<(u32, PathBuf)>,
    names: BTreeSet<PathBuf>,
    semaphore_sets: BTreeSet<i32>,
    segments: BTreeSet<i32>,
}

impl Snapshot {
    /// Looks at descriptors, at shared memory, and at the directories where tests put names.
    pub fn take() -> Snapshot {
        let directories = [Path::new("/dev/shm").to_owned(), std::env::temp_dir(), name::runtime_dir()];
        Snapshot {
            descriptors: descriptors(),
            names: directories.iter().flat_map(|dir| entries(dir)).filter(|path| is_ours(path)).collect(),
            semaphore_sets: semaphore_sets(),
            segments: segments(),
        }
    }

    /// What is there now and was not at the time of this snapshot.
    pub fn leaked(&self) -> Vec<String> {
        let now = Snapshot::take();
        let descriptors = now.descriptors.difference(&self.descriptors);
        let names = now.names.difference(&self.names);
        let descriptors = descriptors.map(|(fd, target)| format!("descriptor {fd} -> {}", target.display()));
        let sets = now.semaphore_sets.difference(&self.semaphore_sets);
        descriptors
            .chain(names.map(|path| path.display().to_string()))
            .chain(sets.map(|id| format!("semaphore set {id}")))
            .chain(now.segments.difference(&self.segments).map(|id| format!("memory segment {id}")))
            .collect()
    }
}

/// The open descriptors of this process and what they lead to.
///
/// # Panics
///
/// If /proc is not mounted.
pub fn descriptors() -> BTreeSet<(u32, PathBuf)> {
    let listed = entries(Path::new("/proc/self/fd"));
    assert!(!listed.is_empty(), "/proc/self/fd cannot be read");
    // The descriptor that reads the directory is closed again by now, and its link gone.
    listed.iter().filter_map(|path| Some((number(path)?, fs::read_link(path).ok()?))).collect()
}

/// The identifiers of the sets whose first semaphore this process was the last to change.
fn semaphore_sets() -> BTreeSet<i32> {
    let listed = fs::read_to_string("/proc/sysvipc/sem").unwrap_or_default();
    let ids = listed.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)?.parse().ok());
    ids.filter(|&id| last_pid(id) == Some(process::id())).collect()
}

/// The identifiers of the memory segments that this process made.
fn segments() -> BTreeSet<i32> {
    let listed = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let made_here = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.get(4)?.parse() == Ok(process::id())).then(|| fields[1].parse().ok())?
    };
    listed.lines().skip(1).filter_map(made_here).collect()
}

/// Somebody else's set may be gone by now, or closed to this user.
fn last_pid(id: i32) -> Option<u32> {
    let set = sysv::Options::new().wait_for_creator(None).open_id(id).ok()?;
    set.last_pid(0).ok()?
}

fn number(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.parse().ok()
}

/// A directory that cannot be read has nothing of ours.
fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn is_ours(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains(&format!("-{}-", process::id())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch;
    use ipcraft::shm::sysv::Segment;
    use ipcraft::sysv::Key;

    #[test]
    fn finds_a_descriptor_and_a_file_and_forgets_them_when_gone() {
        let before = Snapshot::take();
        assert_eq!(before.leaked(), Vec::<String>::new());

        let kept = (std::io::pipe().unwrap(), scratch::directory());
        let leaked = before.leaked();
        assert_eq!(leaked.iter().filter(|line| line.contains("pipe:[")).count(), 2, "{leaked:?}");
        let directory = kept.1.path().display().to_string();
        assert!(leaked.contains(&directory), "{leaked:?}");

        drop(kept);
        assert_eq!(before.leaked(), Vec::<String>::new());
    }

    #[test]
    fn finds_a_semaphore_set_and_forgets_it_when_gone() {
        let before = Snapshot::take();
        let set = sysv::SemaphoreSet::create_new(Key::PRIVATE, &[1]).unwrap();
        let leaked = before.leaked();
        let id = set.id();
        set.remove().unwrap();
        assert_eq!(leaked, [format!("semaphore set {id}")]);
        assert_eq!(before.leaked(), Vec::<String>::new());
    }

    #[test]
    fn finds_a_memory_segment_and_forgets_it_when_gone() {
        let before = Snapshot::take();
        let segment = Segment::create_new(Key::PRIVATE, 1).unwrap();
        let (leaked, id) = (before.leaked(), segment.id());
        segment.remove().unwrap();
        assert_eq!(leaked, [format!("memory segment {id}")]);
        assert_eq!(before.leaked(), Vec::<String>::new());
    }
}

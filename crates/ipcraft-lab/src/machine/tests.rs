use nix::unistd::geteuid;

use super::groups::{cpu_group, memberships};
use super::trial::in_child;
use super::*;

#[test]
fn trial_reports_text_error_and_death_of_its_child() {
    assert_eq!(in_child(|| Ok("found".into())).unwrap(), Ok("found".into()));
    assert_eq!(in_child(|| Err("é".into())).unwrap(), Err("é".into()));
    let died = in_child(|| std::process::abort()).unwrap().unwrap_err();
    assert!(died.contains("died"), "{died}");
    let long = "x".repeat(5000);
    assert_eq!(in_child(|| Ok(long.clone())).unwrap().unwrap().len(), 510);
}

#[test]
fn facilities_have_names_of_their_own_and_state_what_they_need() {
    let found = facilities().unwrap();
    assert!(found.len() >= 20, "{found:?}");
    for (index, facility) in found.iter().enumerate() {
        assert!(found[..index].iter().all(|other| other.name != facility.name), "{facility:?}");
        let texts = [&facility.found, &facility.needs, &facility.used_by];
        assert!(texts.iter().all(|text| !text.is_empty()), "{facility:?}");
    }
}

/// What every process may do, unless a filter or the kernel's configuration prevents it.
#[test]
fn facilities_without_a_right_are_permitted_or_name_the_errno() {
    let found = facilities().unwrap();
    for name in ["stop and continue a child", "nice up", "SCHED_BATCH and back", "SCHED_IDLE"] {
        let facility = found.iter().find(|facility| facility.name == name).unwrap();
        assert!(facility.permitted || facility.found.contains(": E"), "{facility:?}");
    }
}

/// A right over the scheduler gives all of these, and no process has one of them without it.
#[test]
fn nice_down_and_idle_out_agree() {
    let found = facilities().unwrap();
    let permitted = |name| found.iter().find(|facility| facility.name == name).unwrap().permitted;
    assert_eq!(permitted("nice down"), permitted("SCHED_IDLE and back"), "{found:?}");
    if !geteuid().is_root() && permitted("SCHED_DEADLINE") {
        assert!(permitted("nice down"), "{found:?}");
    }
}

#[test]
fn cpu_group_is_that_of_the_cpu_controller_or_of_version_2() {
    let both = "4:memory:/m\n3:cpu,cpuacct:/jobs\n0::/user\n";
    let path = |text: &str| cpu_group(&memberships(text)).map(|group| group.path.clone());
    assert_eq!(path(both).as_deref(), Some("/jobs"));
    assert_eq!(path("1:cpuset:/c\n0::/user\n").as_deref(), Some("/user"));
    assert_eq!(path("broken\n"), None);
}

//! Conditions that make figures worse or less certain, each with its remedy.

use std::fs;
use std::path::Path;

use super::quota;
use crate::results::Environment;

/// The load average of an otherwise idle machine is lower.
const MAX_IDLE_LOAD: f64 = 0.5;
/// The share of the machine's time that a hypervisor takes without being noticed in a figure.
const MAX_STEAL: f64 = 0.01;

impl Environment {
    /// Fills in the warnings, when everything else is known.
    pub fn add_warnings(&mut self) {
        let battery = on_battery(Path::new("/sys/class/power_supply"));
        self.warnings = warnings(self, quota::of_this_process(), battery);
    }
}

/// Returns the warnings, the most important first. `quota` is in cores.
fn warnings(environment: &Environment, quota: Option<f64>, on_battery: bool) -> Vec<String> {
    let candidates = [
        pinning(environment),
        number_of_cores(environment),
        quota.and_then(|quota| too_little(quota, environment)),
        steal(environment),
        load(environment),
        governor(environment),
        battery(on_battery),
    ];
    candidates.into_iter().flatten().collect()
}

fn pinning(environment: &Environment) -> Option<String> {
    (!environment.pinned).then(|| {
        "Processes could not be pinned, so their cores are not certain: allow sched_setaffinity(2).".into()
    })
}

fn number_of_cores(environment: &Environment) -> Option<String> {
    let count = environment.cores_used.len();
    (count < 2).then(|| {
        "Only one core was measured on, so nothing is known of two: allow a second one with taskset(1)."
            .into()
    })
}

fn too_little(quota: f64, environment: &Environment) -> Option<String> {
    let used = environment.cores_used.len().max(1);
    (quota < used as f64).then(|| {
        format!(
            "A control group limits CPU time to {quota:.2} cores, and {used} were used: raise cpu.max or \
             run outside the container."
        )
    })
}

fn steal(environment: &Environment) -> Option<String> {
    let available_ms = environment.duration_s * 1000.0 * environment.cores_online as f64;
    let share = environment.steal_ms? as f64 / available_ms;
    (share > MAX_STEAL).then(|| {
        let percent = 100.0 * share;
        format!(
            "The hypervisor took {percent:.0} % of the CPU time: repeat the run when the host is quieter."
        )
    })
}

fn load(environment: &Environment) -> Option<String> {
    let load = environment.load_average?;
    (load > MAX_IDLE_LOAD).then(|| {
        format!("Other processes were running at the start (load {load:.1}): end them and repeat the run.")
    })
}

fn governor(environment: &Environment) -> Option<String> {
    (environment.governor.as_deref() == Some("powersave")).then(|| {
        "The frequency governor is powersave: set performance with cpupower frequency-set -g performance."
            .into()
    })
}

fn battery(on_battery: bool) -> Option<String> {
    on_battery.then(|| "The machine runs on battery, which can lower frequencies: plug it in.".into())
}

/// Returns whether a battery of the machine itself is being discharged.
fn on_battery(supplies: &Path) -> bool {
    let Ok(entries) = fs::read_dir(supplies) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let text = |name: &str| fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        let of_device = text("scope").trim() == "Device";
        text("type").trim() == "Battery" && text("status").trim() == "Discharging" && !of_device
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Cores;

    /// Conditions without a warning.
    fn quiet() -> Environment {
        Environment {
            cores_online: 4,
            cores_used: vec![0, 1],
            pinned: true,
            governor: Some("performance".into()),
            load_average: Some(0.1),
            steal_ms: Some(10),
            duration_s: 10.0,
            ..Environment::at_start(&Cores::of_this_process())
        }
    }

    fn only(warnings: Vec<String>) -> String {
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        warnings.into_iter().next().unwrap()
    }

    #[test]
    fn quiet_machine_has_no_warning() {
        assert!(warnings(&quiet(), None, false).is_empty());
        assert!(warnings(&quiet(), Some(2.0), false).is_empty());
    }

    #[test]
    fn each_condition_has_one_warning_with_a_remedy() {
        let cases = [
            (Environment { pinned: false, ..quiet() }, "sched_setaffinity"),
            (Environment { cores_used: vec![0], ..quiet() }, "taskset"),
            (Environment { steal_ms: Some(4000), ..quiet() }, "took 10 %"),
            (Environment { load_average: Some(2.5), ..quiet() }, "load 2.5"),
            (Environment { governor: Some("powersave".into()), ..quiet() }, "performance"),
        ];
        for (environment, part) in cases {
            let warning = only(warnings(&environment, None, false));
            assert!(warning.contains(part) && warning.contains(": "), "{warning}");
        }
        assert!(only(warnings(&quiet(), Some(1.5), false)).contains("1.50 cores, and 2 were used"));
        assert!(only(warnings(&quiet(), None, true)).contains("battery"));
    }

    #[test]
    fn unknown_conditions_have_no_warning() {
        let unknown = Environment { governor: None, load_average: None, steal_ms: None, ..quiet() };
        assert!(warnings(&unknown, None, false).is_empty());
    }

    #[test]
    fn on_battery_needs_a_discharging_battery_of_the_machine() {
        let supplies = |files: &[(&str, &str)]| {
            let root = tempfile::tempdir().unwrap();
            for (path, text) in files {
                let path = root.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, format!("{text}\n")).unwrap();
            }
            on_battery(root.path())
        };
        let discharging = [("BAT0/type", "Battery"), ("BAT0/status", "Discharging")];
        assert!(supplies(&discharging));
        assert!(!supplies(&[("BAT0/type", "Battery"), ("BAT0/status", "Charging")]));
        assert!(!supplies(&[("AC/type", "Mains"), ("AC/online", "1")]));
        assert!(!supplies(&[discharging[0], discharging[1], ("BAT0/scope", "Device")]));
        assert!(!on_battery(Path::new("/nonexistent")));
    }
}

//! The conditions of a run, as the kernel reports them.

mod quota;
mod warnings;

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::utsname::uname;
use nix::unistd::{SysconfVar, sysconf};

use crate::clock;
use crate::placement::Cores;
use crate::results::Environment;

impl Environment {
    /// Describes the machine at the start of a run. The fields known only at the end are still
    /// empty.
    pub fn at_start(cores: &Cores) -> Environment {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let (kernel, architecture) = system();
        Environment {
            date: iso_8601(SystemTime::now()),
            kernel,
            architecture,
            cpu: cpu_model(&cpuinfo),
            cores_online: online(),
            cores_allowed: cores.allowed().len(),
            cores_used: cores.used(),
            virtualised: virtualised(&cpuinfo),
            pinned: false,
            governor: governor(cores),
            clock_cost_ns: clock::cost(),
            load_average: load_average(),
            steal_ms: None,
            duration_s: 0.0,
            warnings: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// Returns the time that the hypervisor did not run this machine since boot. `None` if unknown.
pub fn steal() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let ticks = steal_ticks(&stat)?;
    let per_second = sysconf(SysconfVar::CLK_TCK).ok()??.unsigned_abs();
    Some(Duration::from_millis(ticks * 1000 / per_second.max(1)))
}

/// Parses the eighth figure of the first line of `/proc/stat`.
fn steal_ticks(stat: &str) -> Option<u64> {
    stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().nth(7)?.parse().ok()
}

fn system() -> (String, String) {
    uname().map_or_else(
        |_| ("Linux".into(), std::env::consts::ARCH.into()),
        |name| {
            let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
            (format!("{} {}", text(name.sysname()), text(name.release())), text(name.machine()))
        },
    )
}

/// On x86 this is the model's name; ARM only gives numbers.
fn cpu_model(cpuinfo: &str) -> String {
    let model = field(cpuinfo, "model name").map(str::to_owned);
    let part = || {
        Some(format!(
            "implementer {} part {}",
            field(cpuinfo, "CPU implementer")?,
            field(cpuinfo, "CPU part")?
        ))
    };
    model.or_else(part).unwrap_or_else(|| "unknown".into())
}

fn field<'a>(cpuinfo: &'a str, name: &str) -> Option<&'a str> {
    cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    })
}

/// On x86 a CPU flag shows a hypervisor; elsewhere only some leave a trace.
fn virtualised(cpuinfo: &str) -> Option<bool> {
    if let Some(flags) = field(cpuinfo, "flags") {
        return Some(flags.split_whitespace().any(|flag| flag == "hypervisor"));
    }
    let found =
        fs::exists("/sys/hypervisor/type").ok()? || fs::exists("/proc/device-tree/hypervisor").ok()?;
    found.then_some(true)
}

fn online() -> usize {
    let online = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
    online.map_or(0, |count| count.unsigned_abs() as usize)
}

fn governor(cores: &Cores) -> Option<String> {
    let core = *cores.used().first()?;
    let path = format!("/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor");
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn load_average() -> Option<f64> {
    let line = fs::read_to_string("/proc/loadavg").ok()?;
    line.split_whitespace().next()?.parse().ok()
}

fn iso_8601(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Returns year, month and day of the n-th day after 1970-01-01.
fn civil(mut day: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    while day >= days_in_year(year) {
        day -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while day >= days_in_month(year, month) {
        day -= days_in_month(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_year(year: u64) -> u64 {
    365 + u64::from(is_leap(year))
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_8601_formats_calendar_dates() {
        let at = |seconds| iso_8601(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(at(4_102_444_799), "2099-12-31T23:59:59Z");
    }

    #[test]
    fn cpu_model_is_parsed_on_x86_and_arm() {
        let x86 = "vendor_id\t: X\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fpu hypervisor sse\n";
        assert_eq!(cpu_model(x86), "Some CPU @ 2 GHz");
        assert_eq!(virtualised(x86), Some(true));
        assert_eq!(virtualised("flags : fpu\n"), Some(false));
        assert_eq!(cpu_model("CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"), "implementer 0x41 part 0xd0c");
    }

    #[test]
    fn steal_ticks_parses_the_eighth_figure() {
        assert_eq!(steal_ticks("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1\n"), Some(8));
        assert_eq!(steal_ticks(""), None);
    }

    #[test]
    fn environment_of_this_machine_has_kernel_and_cpu() {
        let environment = Environment::at_start(&Cores::of_this_process());
        assert!(environment.kernel.starts_with("Linux "));
        assert!(environment.cores_online >= 1);
        assert!(environment.clock_cost_ns > 0.0);
    }
}

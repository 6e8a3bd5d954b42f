//! Signal numbers and names.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Limit, Result};

/// The names of the standard signals in signal(7), by number. The numbers are those of x86-64 and
/// aarch64.
const STANDARD: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Alternative names of standard signals.
const ALIASES: [(&str, Signal); 3] = [("IOT", Signal::ABRT), ("POLL", Signal::IO), ("CLD", Signal::CHLD)];

/// The greatest signal number on Linux.
const MAX_NUMBER: u8 = 64;

/// One of the 64 signals.
///
/// The text is that of `kill -l`: `SIGTERM` or `SIGRTMIN+3`. Parsing also accepts `TERM`, `rtmin+3`
/// and `15`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

/// Declares the constants of the standard signals.
macro_rules! standard {
    ($($name:ident = $number:literal, $what:literal;)*) => {
        impl Signal {
            $(#[doc = concat!("`SIG", stringify!($name), "`: ", $what, ".")]
            pub const $name: Signal = Signal($number);)*
        }
    };
}

standard! {
    HUP = 1, "the terminal hung up; daemons reload their configuration";
    INT = 2, "interrupted from the keyboard";
    QUIT = 3, "quit from the keyboard, with a core dump";
    ILL = 4, "illegal instruction";
    TRAP = 5, "breakpoint";
    ABRT = 6, "abort(3)";
    BUS = 7, "access to memory without backing storage";
    FPE = 8, "arithmetic exception";
    KILL = 9, "kills; cannot be caught, blocked or ignored";
    USR1 = 10, "defined by the program";
    SEGV = 11, "invalid memory access";
    USR2 = 12, "defined by the program";
    PIPE = 13, "write to a pipe without readers";
    ALRM = 14, "timer of alarm(2) expired";
    TERM = 15, "request to end";
    STKFLT = 16, "unused";
    CHLD = 17, "a child ended, stopped or continued";
    CONT = 18, "continues a stopped process";
    STOP = 19, "stops; cannot be caught, blocked or ignored";
    TSTP = 20, "stop from the keyboard";
    TTIN = 21, "a background process read from the terminal";
    TTOU = 22, "a background process wrote to the terminal";
    URG = 23, "urgent data on a socket";
    XCPU = 24, "CPU time limit exceeded";
    XFSZ = 25, "file size limit exceeded";
    VTALRM = 26, "virtual timer expired";
    PROF = 27, "profiling timer expired";
    WINCH = 28, "the terminal was resized";
    IO = 29, "a descriptor became ready";
    PWR = 30, "power failure";
    SYS = 31, "bad system call";
}

impl Signal {
    /// `SIGRTMIN + n`: returns the n-th realtime signal, counted from 0.
    ///
    /// The C library reserves the first two of the kernel (32 and 33), so 0 is number 34 with
    /// glibc.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) beyond `SIGRTMAX`.
    #[doc(alias = "SIGRTMIN")]
    pub fn realtime(n: u32) -> Result<Signal> {
        let max = realtime_max() - realtime_min();
        match u8::try_from(n) {
            Ok(n) if n <= max => Ok(Signal(realtime_min() + n)),
            _ => {
                let limit = Limit { name: "SIGRTMAX-SIGRTMIN", value: max.into(), requested: Some(n.into()) };
                Err(Error::new("realtime signal", ErrorKind::Invalid).with_limit(Some(limit)))
            }
        }
    }

    /// Returns the signal with this number.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) unless the number is from 1 to 64.
    pub fn from_number(number: i32) -> Result<Signal> {
        Signal::from_raw(number).ok_or_else(|| unknown_signal(&number.to_string()))
    }

    #[inline]
    pub(super) const fn from_raw(number: i32) -> Option<Signal> {
        if number >= 1 && number <= MAX_NUMBER as i32 { Some(Signal(number as u8)) } else { None }
    }

    /// Returns the number, from 1 to 64.
    pub const fn number(self) -> i32 {
        self.0 as i32
    }

    /// Returns whether this is a realtime signal (`SIGRTMIN` to `SIGRTMAX`). Realtime signals queue
    /// and do not merge.
    pub fn is_realtime(self) -> bool {
        (realtime_min()..=realtime_max()).contains(&self.0)
    }

    /// Iterates over all 64 signals, by number.
    pub fn all() -> impl Iterator<Item = Signal> {
        (1..=MAX_NUMBER).map(Signal)
    }
}

/// The first realtime signal that the C library leaves free, which depends on the library.
fn realtime_min() -> u8 {
    libc::SIGRTMIN() as u8
}

fn realtime_max() -> u8 {
    libc::SIGRTMAX() as u8
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (realtime_min(), realtime_max());
        let middle = first + (last - first) / 2;
        match self.0 {
            n if n as usize <= STANDARD.len() => write!(f, "SIG{}", STANDARD[n as usize - 1]),
            n if n == first => f.write_str("SIGRTMIN"),
            n if n == last => f.write_str("SIGRTMAX"),
            n if n > first && n <= middle => write!(f, "SIGRTMIN+{}", n - first),
            n if n > middle && n < last => write!(f, "SIGRTMAX-{}", last - n),
            // The signals that the C library reserves have no name.
            n => write!(f, "{n}"),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Signal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Signal> {
        if let Ok(number) = text.parse() {
            return Signal::from_number(number);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        standard(name).or_else(|| realtime(name)).ok_or_else(|| unknown_signal(text))
    }
}

fn standard(name: &str) -> Option<Signal> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, signal)| *signal);
    let position = STANDARD.iter().position(|known| *known == name);
    alias.or_else(|| position.map(|index| Signal(index as u8 + 1)))
}

/// `RTMIN`, `RTMIN+n`, `RTMAX` or `RTMAX-n`.
fn realtime(name: &str) -> Option<Signal> {
    let number = if let Some(rest) = name.strip_prefix("RTMIN") {
        realtime_min().checked_add(offset(rest, '+')?)?
    } else {
        realtime_max().checked_sub(offset(name.strip_prefix("RTMAX")?, '-')?)?
    };
    Some(Signal(number)).filter(|signal| signal.is_realtime())
}

fn offset(text: &str, sign: char) -> Option<u8> {
    if text.is_empty() { Some(0) } else { text.strip_prefix(sign)?.parse().ok() }
}

#[cold]
fn unknown_signal(text: &str) -> Error {
    Error::new("signal", ErrorKind::Invalid)
        .with_name(text)
        .with_hint("use a name or number that kill -l lists")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_of_displayed_signal_returns_it() {
        for signal in Signal::all() {
            let text = signal.to_string();
            assert_eq!(text.parse::<Signal>().unwrap(), signal, "{text}");
            assert_eq!(text.trim_start_matches("SIG").to_lowercase().parse::<Signal>().unwrap(), signal);
            assert_eq!(signal.number().to_string().parse::<Signal>().unwrap(), signal);
        }
        assert_eq!(Signal::all().count(), 64);
    }

    #[test]
    fn display_uses_the_names_of_kill() {
        let expected = [(15, "SIGTERM"), (29, "SIGIO"), (32, "32"), (34, "SIGRTMIN"), (49, "SIGRTMIN+15")];
        for (number, name) in expected.into_iter().chain([(50, "SIGRTMAX-14"), (64, "SIGRTMAX")]) {
            assert_eq!(Signal::from_number(number).unwrap().to_string(), name);
        }
    }

    #[test]
    fn parse_of_unknown_name_returns_invalid() {
        for text in
            ["", "SIG", "0", "65", "-1", "FOO", "RTMIN-1", "RTMAX+1", "RTMIN+31", "RTMIN+", "RTMAX-999"]
        {
            assert_eq!(text.parse::<Signal>().unwrap_err().kind(), ErrorKind::Invalid, "{text:?}");
        }
        assert_eq!(Signal::realtime(31).unwrap_err().limit().unwrap().value(), 30);
        assert_eq!(Signal::realtime(30).unwrap().to_string(), "SIGRTMAX");
    }

    #[test]
    fn constants_equal_the_numbers_of_libc() {
        assert_eq!(Signal::TERM.number(), libc::SIGTERM);
        assert_eq!(Signal::SYS.number(), libc::SIGSYS);
        assert_eq!(Signal::STKFLT.number(), libc::SIGSTKFLT);
        assert_eq!(Signal::CHLD.number(), libc::SIGCHLD);
    }
}

//! What the library costs more than hand-written C, counted: the same system calls in the same order, and at most
//! [`ALLOWANCE`] more instructions per message.

use std::fmt;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::process::ExitCode;

use ipcraft::pipe;
use ipcraft_tests::step::{self, Trace};
use ipcraft_tests::suite::{self, Outcome};

/// How many instructions more than a direct call of libc's are thin.
const ALLOWANCE: i64 = 30;

/// Small enough that no mechanism has to cut it.
const MESSAGE: [u8; 64] = [7; 64];

/// One call of ours, and what C does in its place.
struct Comparison {
    mechanism: &'static str,
    operation: &'static str,
    ipcraft: Box<dyn FnMut()>,
    raw: Box<dyn FnMut()>,
}

fn main() -> ExitCode {
    suite::run(vec![suite::skippable("thinness", thinness)])
}

fn thinness() -> Outcome {
    let overhead = match step::overhead() {
        Err(step::REFUSED) => return Outcome::Skipped("this system does not allow ptrace(2)".into()),
        overhead => overhead.expect("stepping through nothing"),
    };
    let rows: Vec<Row> =
        comparisons().into_iter().map(|comparison| Row::count(comparison, overhead)).collect();
    println!("\n{}", Row::HEADING);
    for row in &rows {
        println!("{row}");
    }
    let thick: Vec<String> = rows.iter().filter(|row| !row.is_thin()).map(ToString::to_string).collect();
    assert!(thick.is_empty(), "not thin:\n{}", thick.join("\n"));
    Outcome::Passed
}

/// What was counted of a [`Comparison`].
struct Row {
    mechanism: &'static str,
    operation: &'static str,
    ipcraft: Trace,
    raw: Trace,
    overhead: u64,
}

impl Row {
    const HEADING: &str = "mechanism               operation   raw  ipcraft  more  system calls";

    fn count(comparison: Comparison, overhead: u64) -> Row {
        let Comparison { mechanism, operation, ipcraft, raw } = comparison;
        let count =
            |run| step::trace(run).unwrap_or_else(|e| panic!("stepping {operation} on {mechanism}: {e}"));
        Row { mechanism, operation, ipcraft: count(ipcraft), raw: count(raw), overhead }
    }

    fn more(&self) -> i64 {
        self.ipcraft.instructions as i64 - self.raw.instructions as i64
    }

    fn is_thin(&self) -> bool {
        self.more() <= ALLOWANCE && self.ipcraft.system_calls == self.raw.system_calls
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { mechanism, operation, ipcraft, raw, overhead } = self;
        let (ours, theirs) = (ipcraft.instructions - overhead, raw.instructions - overhead);
        write!(f, "{mechanism:<23} {operation:<9} {theirs:5} {ours:8} {:+5}  ", self.more())?;
        write!(f, "{}", names(&ipcraft.system_calls))?;
        if ipcraft.system_calls != raw.system_calls {
            write!(f, " where raw makes {}", names(&raw.system_calls))?;
        }
        Ok(())
    }
}

fn names(calls: &[i64]) -> String {
    calls.iter().map(|&number| name(number)).collect::<Vec<_>>().join(", ")
}

fn name(number: i64) -> String {
    match number {
        libc::SYS_read => "read".into(),
        libc::SYS_write => "write".into(),
        libc::SYS_pwritev2 => "pwritev2".into(),
        libc::SYS_sendto => "sendto".into(),
        libc::SYS_sendmsg => "sendmsg".into(),
        libc::SYS_recvfrom => "recvfrom".into(),
        libc::SYS_recvmsg => "recvmsg".into(),
        other => other.to_string(),
    }
}

fn comparisons() -> Vec<Comparison> {
    vec![
        Comparison {
            mechanism: "pipe",
            operation: "send",
            ipcraft: {
                let (reader, mut writer) = pipe::pipe().unwrap();
                Box::new(move || {
                    let _open = &reader;
                    assert_eq!(Write::write(&mut writer, &MESSAGE).unwrap(), MESSAGE.len());
                })
            },
            raw: {
                let (reader, writer) = pipe::pipe().unwrap();
                Box::new(move || {
                    let _open = &reader;
                    let part =
                        libc::iovec { iov_base: MESSAGE.as_ptr().cast_mut().cast(), iov_len: MESSAGE.len() };
                    // SAFETY: because pwritev2(2) only reads the one part, which describes a constant.
                    let count = unsafe { libc::pwritev2(writer.as_fd().as_raw_fd(), &part, 1, -1, 0x100) };
                    assert_eq!(count, MESSAGE.len() as isize);
                })
            },
        },
        Comparison {
            mechanism: "pipe",
            operation: "receive",
            ipcraft: {
                let mut reader = filled();
                Box::new(move || {
                    assert_eq!(Read::read(&mut reader, &mut [0; MESSAGE.len()]).unwrap(), MESSAGE.len());
                })
            },
            raw: {
                let reader = filled();
                Box::new(move || {
                    let mut buffer = [0; MESSAGE.len()];
                    let fd = reader.as_fd().as_raw_fd();
                    // SAFETY: because read(2) writes at most the buffer's length to the buffer.
                    let count = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
                    assert_eq!(count, MESSAGE.len() as isize);
                })
            },
        },
    ]
}

/// A pipe with messages to receive, for the warm-up and for the call that is counted.
fn filled() -> pipe::Reader {
    let (reader, writer) = pipe::pipe().unwrap();
    assert_eq!(writer.write(&[MESSAGE, MESSAGE].concat()).unwrap(), 2 * MESSAGE.len());
    reader
}

//! What a shell does for `seq 100000 | grep 7 | wc -l`: three commands, two pipes, all exit codes.
//!
//! Run it: `cargo run -p ipcraft-examples --example shell_pipeline`

use std::io::Read;
use std::process::{Command, Stdio, id};

use ipcraft::pipe::{self, Reader};
use ipcraft_examples::{Outcome, expect, println};

fn main() -> Outcome {
    let (status, output) = run(&[&["seq", "100000"], &["grep", "7"], &["wc", "-l"]])?;
    println!("shell {}: seq 100000 | grep 7 | wc -l printed {}", id(), output.trim());
    let with_a_seven = (1..=100_000).filter(|n: &u32| n.to_string().contains('7')).count();
    expect("lines with a 7", output.trim().parse()?, with_a_seven)?;
    expect("exit codes", status, vec![Some(0), Some(0), Some(0)])?;

    // Each command has its own exit code; `set -o pipefail` makes a shell check all of them.
    let (status, output) = run(&[&["sh", "-c", "echo partial; exit 3"], &["grep", "nothing"], &["cat"]])?;
    println!("shell {}: exit codes of a failing pipeline: {status:?}", id());
    expect("output", output.as_str(), "")?;
    expect("exit codes", status, vec![Some(3), Some(1), Some(0)])?;

    // `head` exits after one line. `yes` then writes to a pipe without a reader, and SIGPIPE ends
    // it (no exit code).
    let (status, output) = run(&[&["yes"], &["head", "-n", "1"]])?;
    println!("shell {}: yes | head -n 1 ended with {status:?}", id());
    expect("output", output.as_str(), "y\n")?;
    expect("exit codes", status, vec![None, Some(0)])
}

/// Runs the commands with each output piped into the next input. Returns the exit codes and the
/// last output.
fn run(commands: &[&[&str]]) -> Outcome<(Vec<Option<i32>>, String)> {
    let mut children = Vec::new();
    let mut input: Option<Reader> = None;
    for words in commands {
        let (reader, writer) = pipe::pipe()?;
        // Both pipe ends move into the command, and are closed at the end of this statement. With a
        // copy of the writer left in this process, the next command's input would never end.
        let child = Command::new(words[0])
            .args(&words[1..])
            .stdin(input.take().map_or_else(Stdio::null, Stdio::from))
            .stdout(writer)
            .spawn()?;
        println!("shell {}: started {:?} as {}", id(), words.join(" "), child.id());
        children.push(child);
        input = Some(reader);
    }
    let mut output = String::new();
    if let Some(mut last) = input {
        last.read_to_string(&mut output)?;
    }
    let codes = children.iter_mut().map(|child| Ok(child.wait()?.code())).collect::<std::io::Result<_>>()?;
    Ok((codes, output))
}

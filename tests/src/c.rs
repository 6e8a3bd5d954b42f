//! C programs that use the same objects through plain libc calls.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::scratch;

/// A compiled program, removed on drop.
#[derive(Debug)]
pub struct Program {
    directory: TempDir,
}

impl Program {
    /// Compiles the source text; `None` if there is no C compiler.
    ///
    /// # Panics
    ///
    /// If the compiler refuses the source.
    pub fn compile(source: &Path) -> Option<Program> {
        let program = Program { directory: scratch::directory() };
        let compiler = Command::new("cc").arg("-pthread").arg("-o").arg(program.path()).arg(source).output();
        match compiler {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            compiled => {
                successful(compiled.expect("cc"));
                Some(program)
            }
        }
    }

    /// Runs it, and returns what it printed.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn run(&self, arguments: &[&str]) -> String {
        successful(Command::new(self.path()).args(arguments).output().expect("a program just compiled"))
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("program")
    }
}

fn successful(output: Output) -> String {
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

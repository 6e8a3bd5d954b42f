//! Anonymous pipes, by the standard library, which adds nothing to `read(2)` and `write(2)`.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process;

use ipcraft_bench::Role;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{Bytes, Pages};
use crate::message::{Result, Words, check, words};
use crate::scratch::Removed;
use crate::stage::Stage;
use crate::work::{OneByOne, Put, Take};

/// What an unprivileged process may have.
const LARGE: i32 = 1 << 20;

/// Round trips over a pipe each way.
pub(crate) fn round_trips<const N: usize>(stage: &mut Stage) -> Result<()> {
    let (reader, writer) = duplex(stage)?;
    stage.round_trips::<N>(Bytes(writer), Bytes(reader))
}

/// A stream, message by message.
pub(crate) fn stream<const N: usize>(stage: &mut Stage) -> Result<()> {
    let (reader, writer) = duplex(stage)?;
    match stage.role() {
        Role::Client => stage.send(OneByOne::<_, N>(Bytes(writer))),
        Role::Server => stage.receive(OneByOne::<_, N>(Bytes(reader))),
    }
}

/// A stream of large messages through a buffer of 1 MiB.
pub(crate) fn large<const SIZE: usize>(stage: &mut Stage) -> Result<()> {
    let (reader, writer) = duplex(stage)?;
    fcntl(&writer, FcntlArg::F_SETPIPE_SZ(LARGE))?;
    match stage.role() {
        Role::Client => stage.send(Pages::new(writer, SIZE)),
        Role::Server => stage.receive(Pages::new(reader, SIZE)),
    }
}

/// A reader and a writer of two pipes. Each side makes the pipe that it reads, and the other opens the writing end through
/// `/proc`: an anonymous pipe like any other, while a FIFO has an inode on a disk to keep up to date.
pub(super) fn duplex(stage: &mut Stage) -> Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    let theirs = stage.meet(&format!("/proc/{}/fd/{}", process::id(), writer.as_raw_fd()))?;
    let far = File::options().write(true).open(theirs)?;
    stage.meet("opened")?;
    Ok((reader, PipeWriter::from(OwnedFd::from(far))))
}

/// The named sibling, a FIFO: made, opened at both ends, and one message.
pub(crate) fn set_up(stage: &mut Stage) -> Result<()> {
    stage.makes(|scratch, number| {
        let path = scratch.path("fifo");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // Opened for both, since an end alone waits for the other one to be opened.
        let mut reader = Bytes(File::options().read(true).write(true).open(&path)?);
        let mut writer = Bytes(File::options().write(true).open(&path)?);
        let message: Words<1> = words(number);
        writer.put(&message)?;
        check::<1>(&reader.take()?, number)?;
        Ok((reader, writer, Removed(path)))
    })
}

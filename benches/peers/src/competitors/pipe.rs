//! Anonymous pipes of the standard library, which adds nothing to `read(2)` and `write(2)`.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process;

use ipcraft_bench::Role;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{Bytes, Pages};
use crate::harness::Harness;
use crate::message::{Result, Words, check, words};
use crate::scratch::RemoveOnDrop;
use crate::work::{OneByOne, Put, Take};

/// The buffer's size in bytes: the default limit of an unprivileged process.
const LARGE_BUFFER: i32 = 1 << 20;

/// Round trips over a pipe each way.
pub(crate) fn round_trips<const N: usize>(harness: &mut Harness) -> Result<()> {
    let (reader, writer) = duplex(harness)?;
    harness.round_trips::<N>(Bytes(writer), Bytes(reader))
}

/// A stream, message by message.
pub(crate) fn stream<const N: usize>(harness: &mut Harness) -> Result<()> {
    let (reader, writer) = duplex(harness)?;
    match harness.role() {
        Role::Client => harness.send(OneByOne::<_, N>(Bytes(writer))),
        Role::Server => harness.recv(OneByOne::<_, N>(Bytes(reader))),
    }
}

/// A stream of large messages through a buffer of 1 MiB.
pub(crate) fn large<const SIZE: usize>(harness: &mut Harness) -> Result<()> {
    let (reader, writer) = duplex(harness)?;
    fcntl(&writer, FcntlArg::F_SETPIPE_SZ(LARGE_BUFFER))?;
    match harness.role() {
        Role::Client => harness.send(Pages::new(writer, SIZE)),
        Role::Server => harness.recv(Pages::new(reader, SIZE)),
    }
}

/// Returns a reader and a writer of two pipes. Each side creates the pipe that it reads. The other
/// side opens the writer through `/proc`. Unlike a FIFO, such a pipe has no inode on a disk to
/// update.
pub(super) fn duplex(harness: &mut Harness) -> Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    let theirs = harness.exchange(&format!("/proc/{}/fd/{}", process::id(), writer.as_raw_fd()))?;
    let far = File::options().write(true).open(theirs)?;
    harness.exchange("opened")?;
    Ok((reader, PipeWriter::from(OwnedFd::from(far))))
}

/// Returns the writer on the client's side and the reader on the server's. Neither process keeps
/// another descriptor of the pipe, which would hide the death of the other one.
pub(super) fn one_way(harness: &mut Harness) -> Result<(Option<PipeReader>, Option<PipeWriter>)> {
    match harness.role() {
        Role::Server => {
            let (reader, writer) = io::pipe()?;
            harness.exchange(&format!("/proc/{}/fd/{}", process::id(), writer.as_raw_fd()))?;
            harness.exchange("")?;
            Ok((Some(reader), None))
        }
        Role::Client => {
            let theirs = harness.exchange("")?;
            let writer = File::options().write(true).open(theirs)?;
            harness.exchange("opened")?;
            Ok((None, Some(PipeWriter::from(OwnedFd::from(writer)))))
        }
    }
}

/// A FIFO, which is a named pipe: created, opened for reading and writing, and one message.
pub(crate) fn set_up(harness: &mut Harness) -> Result<()> {
    harness.repeat_setup(|scratch, number| {
        let path = scratch.path("fifo");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // Opened for reading and writing, since opening a FIFO for one of them waits for the other.
        let mut reader = Bytes(File::options().read(true).write(true).open(&path)?);
        let mut writer = Bytes(File::options().write(true).open(&path)?);
        let message: Words<1> = words(number);
        writer.put(&message)?;
        check::<1>(&reader.take()?, number)?;
        Ok((reader, writer, RemoveOnDrop(path)))
    })
}

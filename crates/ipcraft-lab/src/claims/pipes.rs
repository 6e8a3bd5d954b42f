//! Pipes and FIFOs.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write, pipe};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::sync::atomic::Ordering::SeqCst;

use ipcraft::fifo::Options as FifoOptions;
use ipcraft::pipe::Options;
use ipcraft_step::{Child, Shared};

use super::child::{ended, failed, figures, io, until};
use super::{Claim, Finding};
use crate::Error;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "pipe-relatives",
        article: 1,
        sentence: (
            "A pipe connects only related processes: parent and child, or siblings.",
            "管道只能在具有亲缘关系的进程间使用。",
        ),
        see: "example fd_passing",
        check: relatives,
    },
    Claim {
        id: "pipe-half-duplex",
        article: 1,
        sentence: (
            "A pipe is half duplex: one end reads, the other writes; two pipes make both directions.",
            "管道是半双工的,fd[0] 读、fd[1] 写;两个管道实现双向通信。",
        ),
        see: "example pipe_duplex",
        check: half_duplex,
    },
    Claim {
        id: "pipe-byte-stream",
        article: 1,
        sentence: ("A pipe is a stream of bytes without a format.", "管道面向字节流,只能承载无格式字节流。"),
        see: "example pipe",
        check: byte_stream,
    },
    Claim {
        id: "pipe-lifetime",
        article: 1,
        sentence: ("A pipe lives as long as the kernel.", "管道的生命周期随内核。"),
        see: "example pipe",
        check: lifetime,
    },
    Claim {
        id: "pipe-synchronised",
        article: 1,
        sentence: ("A pipe synchronises its users and keeps their data apart.", "管道自带同步互斥机制。"),
        see: "example pipe",
        check: synchronised,
    },
    Claim {
        id: "pipe-capacity",
        article: 1,
        sentence: ("A pipe has a limited capacity.", "管道容量有限。"),
        see: "ipcraft bench --only pipe",
        check: capacity,
    },
    Claim {
        id: "fifo-by-name",
        article: 1,
        sentence: (
            "Unrelated processes find a FIFO by its name; what was read is gone, first in, first out.",
            "任何进程都可以通过名字找到同一个命名管道;读出即清除,先进先出。",
        ),
        see: "example fifo",
        check: fifo,
    },
];

/// A process that exists before the pipe reads from it: it has inherited nothing.
fn relatives() -> Result<Finding, Error> {
    let shared = Shared::new()?;
    let words = shared.words();
    let parent = std::process::id();
    let mut stranger = Child::try_start(|| {
        while words[0].load(SeqCst) == 0 {
            std::thread::yield_now();
        }
        let path = format!("/proc/{parent}/fd/{}", words[1].load(SeqCst));
        let mut text = [0; 5];
        if File::open(path).and_then(|mut end| end.read_exact(&mut text)).is_ok() && &text == b"hello" {
            words[2].store(1, SeqCst);
        }
    })?;
    let (reader, mut writer) = pipe().map_err(io)?;
    writer.write_all(b"hello").map_err(io)?;
    words[1].store(reader.as_raw_fd() as u64, SeqCst);
    words[0].store(1, SeqCst);
    ended(&mut stranger)?;
    let read = words[2].load(SeqCst) == 1;
    Ok(Finding::holds_if(
        !read,
        if read {
            "a process that was started before the pipe opened it by /proc/PID/fd, and read 5 bytes"
        } else {
            "a process that was started before the pipe could not open it"
        },
        if read {
            "先于管道启动的进程通过 /proc/PID/fd 打开管道,读到 5 字节"
        } else {
            "先于管道启动的进程无法打开它"
        },
    ))
}

fn half_duplex() -> Result<Finding, Error> {
    let (reader, writer) = pipe().map_err(io)?;
    let (mut reader, mut writer) = (File::from(OwnedFd::from(reader)), File::from(OwnedFd::from(writer)));
    let wrong_write = reader.write(b"x").err().and_then(|error| error.raw_os_error());
    let wrong_read = writer.read(&mut [0]).err().and_then(|error| error.raw_os_error());
    let refused = [wrong_write, wrong_read] == [Some(libc::EBADF); 2];
    Ok(Finding::holds_if(
        refused,
        "a write to the reading end and a read from the writing end fail with EBADF",
        "向读端写、从写端读都以 EBADF 失败",
    ))
}

fn byte_stream() -> Result<Finding, Error> {
    let read = |packets: bool| -> Result<usize, Error> {
        let (reader, writer) = Options::new().packets(packets).create()?;
        writer.write_all(b"abc")?;
        writer.write_all(b"def")?;
        Ok(reader.read(&mut [0; 16])?)
    };
    let (stream, packet) = (read(false)?, read(true)?);
    Ok(Finding::holds_but_if(
        stream == 6,
        packet == 3,
        format!(
            "two writes of 3 bytes: one read returns {stream}; with O_DIRECT it returns {packet}, a packet"
        ),
        format!("两次写 3 字节:一次读返回 {stream};用 O_DIRECT 时返回 {packet},即一个包"),
    ))
}

fn lifetime() -> Result<Finding, Error> {
    let (reader, mut writer) = pipe().map_err(io)?;
    drop(reader);
    let without_reader = writer.write(b"x").map_err(|error| error.kind());
    let (mut reader, writer) = pipe().map_err(io)?;
    drop(writer);
    let without_writer = reader.read(&mut [0]).map_err(io)?;
    let ends = without_reader == Err(ErrorKind::BrokenPipe) && without_writer == 0;
    Ok(Finding::holds_if(
        !ends,
        "it ends with the last descriptor: without a reader EPIPE, without a writer end of file",
        "最后一个描述符关闭时即结束:没有读端时 EPIPE,没有写端时文件结束",
    ))
}

fn synchronised() -> Result<Finding, Error> {
    let (reader, _writer) = pipe().map_err(io)?;
    let blocked = Child::try_start(|| _ = (&reader).read(&mut [0]))?;
    until(|| blocked.has_ended() || blocked.is_asleep())?;
    let blocks = !blocked.has_ended();
    drop(blocked);
    let (small, large) = (torn(512)?, torn(100_000)?);
    Ok(Finding::holds_but_if(
        blocks && small == 0,
        large > 0,
        format!(
            "an empty pipe blocks its reader; of two writers, {small} records of 512 bytes were torn, {large} of 100 kB: the limit is PIPE_BUF"
        ),
        format!(
            "空管道阻塞读者;两个写者中 512 字节的记录撕裂 {small} 条,100 kB 的撕裂 {large} 条:界限是 PIPE_BUF"
        ),
    ))
}

/// Lets two processes write records of one letter each, and counts the records that contain both.
fn torn(size: usize) -> Result<usize, Error> {
    const RECORDS: usize = 60;
    let (mut reader, writer) = pipe().map_err(io)?;
    let mut writers = Vec::new();
    for letter in [b'a', b'b'] {
        let mut own = writer.try_clone().map_err(io)?;
        writers.push(Child::try_start(move || {
            let record = vec![letter; size];
            (0..RECORDS).for_each(|_| _ = own.write_all(&record));
        })?);
    }
    drop(writer);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(io)?;
    for writer in &mut writers {
        ended(writer)?;
    }
    if bytes.len() != 2 * RECORDS * size {
        return Err(failed("bytes of a pipe are missing"));
    }
    Ok(bytes.chunks(size).filter(|record| record.iter().any(|letter| *letter != record[0])).count())
}

fn capacity() -> Result<Finding, Error> {
    let (reader, writer) = Options::new().nonblocking(true).create()?;
    let mut filled = 0;
    while let Ok(written) = writer.try_write(&[0; 4096]) {
        filled += written;
    }
    let raised = reader.set_capacity(1 << 20).unwrap_or(0);
    Ok(Finding::holds_but_if(
        filled > 0,
        raised > filled,
        format!("{} KiB fit; F_SETPIPE_SZ raised that to {} KiB", filled >> 10, raised >> 10),
        format!("可容纳 {} KiB;F_SETPIPE_SZ 可提高到 {} KiB", filled >> 10, raised >> 10),
    ))
}

fn fifo() -> Result<Finding, Error> {
    let path = ipcraft::name::unique_path("ipcraft-lab-fifo");
    let fifo = FifoOptions::new().remove_on_drop(true).create_new(&path)?;
    let is_fifo = fs::metadata(&path).map_err(io)?.file_type().is_fifo();
    let mut writer = Child::try_start(|| {
        if let Ok(mut file) = File::options().write(true).open(&path) {
            let _ = file.write_all(b"123");
        }
    })?;
    let found = figures(|| {
        let mut text = Vec::new();
        let read = File::open(&path).and_then(|mut file| {
            let mut one = [0];
            while file.read(&mut one)? == 1 {
                text.push(one[0]);
            }
            Ok(())
        });
        vec![u64::from(read.is_ok() && text == b"123")]
    });
    ended(&mut writer)?;
    drop(fifo);
    let in_order = found?[0] == 1;
    Ok(Finding::holds_if(
        is_fifo && in_order,
        "two processes opened the path; three bytes arrived in their order, and none was left",
        "两个进程打开同一路径;三个字节按顺序到达,之后为空",
    ))
}

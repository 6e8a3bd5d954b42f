//! Async round trips: `ipcraft-tokio` beside what tokio itself offers, interleaved.
//!
//! `cargo bench -p ipcraft-tokio` prints, for each mechanism, the lower quartile of
//! the time of a round trip, and the median of its ratio to the baseline of the same round. Both
//! sides are tasks: of one thread (`same`), or of a runtime each in threads of their own (`apart`).

use std::future::Future;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use ipcraft::channel::spsc;
use ipcraft::event::EventFd;
use ipcraft::queue::posix;
use ipcraft::socket::{seqpacket, stream};
use ipcraft::{name, pipe};
use ipcraft_tokio::IntoAsync;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe as tokio_pipe;
use tokio::runtime::{Builder, Runtime};

#[derive(Clone, Copy, PartialEq)]
enum Placement {
    Same,
    Apart,
}

/// Measures this number of round trips.
type Measure = fn(usize, Placement) -> Duration;

/// The name, what is measured, and its baseline with its name.
const CASES: &[(&str, Measure, &str, Measure)] = &[
    ("pipe_async", pipe, "tokio's pipe", pipe_of_tokio),
    ("unix_stream_async", unix_stream, "tokio's UnixStream", unix_stream_of_tokio),
    ("unix_seqpacket_async", unix_seqpacket, "tokio's UnixStream", unix_stream_of_tokio),
    ("posix_queue_async", posix_queue, "eventfd", eventfd),
    ("channel_async", channel, "eventfd", eventfd),
];

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let (rounds, trips) = if is_test { (1, 10) } else { (60, 2000) };
    println!("{:22} {:6} {:>9}  ratio to", "64 B, or 8 B eventfd", "", "us");
    for &(name, measure, baseline_name, baseline) in CASES {
        for placement in [Placement::Same, Placement::Apart] {
            let (mut times, mut ratios) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                let time = measure(trips, placement).as_secs_f64();
                times.push(time * 1e6 / trips as f64);
                ratios.push(time / baseline(trips, placement).as_secs_f64());
            }
            times.sort_by(f64::total_cmp);
            ratios.sort_by(f64::total_cmp);
            let (time, ratio) = (times[rounds / 4], ratios[rounds / 2]);
            let shown = if placement == Placement::Same { "same" } else { "apart" };
            println!("{name:22} {shown:6} {time:9.2}  {ratio:.2} {baseline_name}");
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Runs both sides, each in the runtime to which it belongs.
fn exchange<L: Future<Output = ()>, R: Future<Output = ()>>(
    placement: Placement,
    left: impl FnOnce() -> L,
    right: impl FnOnce() -> R + Send + 'static,
) -> Duration {
    if placement == Placement::Same {
        let runtime = runtime();
        let start = Instant::now();
        runtime.block_on(async { tokio::join!(left(), right()) });
        return start.elapsed();
    }
    let other = thread::spawn(move || runtime().block_on(async { right().await }));
    let runtime = runtime();
    let start = Instant::now();
    runtime.block_on(async { left().await });
    let elapsed = start.elapsed();
    other.join().expect("the other side does not panic");
    elapsed
}

fn pipe(trips: usize, placement: Placement) -> Duration {
    let ((reader, other_writer), (other_reader, writer)) = (pipe::pipe().unwrap(), pipe::pipe().unwrap());
    let left = move || async move {
        let (reader, writer) = (reader.into_async().unwrap(), writer.into_async().unwrap());
        let mut buffer = [0; 64];
        for _ in 0..trips {
            writer.write(&buffer).await.unwrap();
            reader.read(&mut buffer).await.unwrap();
        }
    };
    let right = move || async move {
        let (reader, writer) = (other_reader.into_async().unwrap(), other_writer.into_async().unwrap());
        let mut buffer = [0; 64];
        for _ in 0..trips {
            reader.read(&mut buffer).await.unwrap();
            writer.write(&buffer).await.unwrap();
        }
    };
    exchange(placement, left, right)
}

fn pipe_of_tokio(trips: usize, placement: Placement) -> Duration {
    let pair = || pipe::Options::new().nonblocking(true).create().unwrap();
    let ((reader, other_writer), (other_reader, writer)) = (pair(), pair());
    let reader_of = |fd: pipe::Reader| tokio_pipe::Receiver::from_owned_fd(OwnedFd::from(fd)).unwrap();
    let writer_of = |fd: pipe::Writer| tokio_pipe::Sender::from_owned_fd(OwnedFd::from(fd)).unwrap();
    let left = move || async move {
        let (mut reader, mut writer) = (reader_of(reader), writer_of(writer));
        let mut buffer = [0; 64];
        for _ in 0..trips {
            writer.write_all(&buffer).await.unwrap();
            reader.read_exact(&mut buffer).await.unwrap();
        }
    };
    let right = move || async move {
        let (mut reader, mut writer) = (reader_of(other_reader), writer_of(other_writer));
        let mut buffer = [0; 64];
        for _ in 0..trips {
            reader.read_exact(&mut buffer).await.unwrap();
            writer.write_all(&buffer).await.unwrap();
        }
    };
    exchange(placement, left, right)
}

fn unix_stream(trips: usize, placement: Placement) -> Duration {
    let (left, right) = stream::pair().unwrap();
    let left = move || async move {
        let left = left.into_async().unwrap();
        let mut buffer = [0; 64];
        for _ in 0..trips {
            left.write(&buffer).await.unwrap();
            left.read(&mut buffer).await.unwrap();
        }
    };
    let right = move || async move {
        let right = right.into_async().unwrap();
        let mut buffer = [0; 64];
        for _ in 0..trips {
            right.read(&mut buffer).await.unwrap();
            right.write(&buffer).await.unwrap();
        }
    };
    exchange(placement, left, right)
}

fn unix_stream_of_tokio(trips: usize, placement: Placement) -> Duration {
    let (left, right) = std::os::unix::net::UnixStream::pair().unwrap();
    [&left, &right].into_iter().for_each(|end| end.set_nonblocking(true).unwrap());
    let left = move || async move {
        let mut left = tokio::net::UnixStream::from_std(left).unwrap();
        let mut buffer = [0; 64];
        for _ in 0..trips {
            left.write_all(&buffer).await.unwrap();
            left.read_exact(&mut buffer).await.unwrap();
        }
    };
    let right = move || async move {
        let mut right = tokio::net::UnixStream::from_std(right).unwrap();
        let mut buffer = [0; 64];
        for _ in 0..trips {
            right.read_exact(&mut buffer).await.unwrap();
            right.write_all(&buffer).await.unwrap();
        }
    };
    exchange(placement, left, right)
}

fn unix_seqpacket(trips: usize, placement: Placement) -> Duration {
    let (left, right) = seqpacket::pair().unwrap();
    let left = move || async move {
        let left = left.into_async().unwrap();
        let mut buffer = [0; 64];
        for _ in 0..trips {
            left.send(&buffer).await.unwrap();
            left.recv(&mut buffer).await.unwrap();
        }
    };
    let right = move || async move {
        let right = right.into_async().unwrap();
        let mut buffer = [0; 64];
        for _ in 0..trips {
            right.recv(&mut buffer).await.unwrap();
            right.send(&buffer).await.unwrap();
        }
    };
    exchange(placement, left, right)
}

fn posix_queue(trips: usize, placement: Placement) -> Duration {
    let options = posix::Options::new().capacity(1).message_size(64).remove_on_drop(true);
    let pair = || {
        let name = format!("/{}", name::unique("ipcraft-bench-async"));
        let queue = options.create_new(&name).unwrap();
        (posix::Options::new().open(&name).unwrap(), queue)
    };
    let ((there, other_there), (back, other_back)) = (pair(), pair());
    let left = move || async move {
        let (there, back) = (there.into_async().unwrap(), back.into_async().unwrap());
        let mut buffer = [0; 64];
        for _ in 0..trips {
            there.send(&buffer, 0).await.unwrap();
            back.recv(&mut buffer).await.unwrap();
        }
    };
    let right = move || async move {
        let (there, back) = (other_there.into_async().unwrap(), other_back.into_async().unwrap());
        let mut buffer = [0; 64];
        for _ in 0..trips {
            there.recv(&mut buffer).await.unwrap();
            back.send(&buffer, 0).await.unwrap();
        }
    };
    exchange(placement, left, right)
}

fn eventfd(trips: usize, placement: Placement) -> Duration {
    let pair = || {
        let event = ipcraft::event::Options::new().nonblocking(true).create(0).unwrap();
        (event.try_clone().unwrap(), event)
    };
    let ((there, other_there), (back, other_back)): ((EventFd, EventFd), _) = (pair(), pair());
    let left = move || async move {
        let (there, back) = (there.into_async().unwrap(), back.into_async().unwrap());
        for _ in 0..trips {
            there.add(1).await.unwrap();
            back.take().await.unwrap();
        }
    };
    let right = move || async move {
        let (there, back) = (other_there.into_async().unwrap(), other_back.into_async().unwrap());
        for _ in 0..trips {
            there.take().await.unwrap();
            back.add(1).await.unwrap();
        }
    };
    exchange(placement, left, right)
}

fn channel(trips: usize, placement: Placement) -> Duration {
    let (sender, other_receiver) = spsc::channel::<[u8; 64]>(16).unwrap();
    let (other_sender, receiver) = spsc::channel::<[u8; 64]>(16).unwrap();
    let left = move || async move {
        let (mut sender, mut receiver) = (sender.into_async().unwrap(), receiver.into_async().unwrap());
        for _ in 0..trips {
            sender.send([0; 64]).await.unwrap();
            receiver.recv().await.unwrap();
        }
    };
    let right = move || async move {
        let (mut sender, mut receiver) =
            (other_sender.into_async().unwrap(), other_receiver.into_async().unwrap());
        for _ in 0..trips {
            let message = receiver.recv().await.unwrap();
            sender.send(message).await.unwrap();
        }
    };
    exchange(placement, left, right)
}

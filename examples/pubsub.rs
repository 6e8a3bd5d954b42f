//! One publisher, a fast subscriber and a slow one. With `Overflow::Block` the slow one blocks the
//! publisher, and no message is lost. With `Overflow::Overwrite` the publisher continues, and the
//! slow one learns how many messages it lost.
//!
//! Run it: `cargo run -p ipcraft-examples --example pubsub`

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio, id};
use std::thread::sleep;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::channel::broadcast::{Options, Overflow, RecvError, Subscriber};
use ipcraft_examples::peer::TIMEOUT;
use ipcraft_examples::{Outcome, argument, expect, finish, fresh_object, println, role, this_program};

/// A number, and prices computed from it.
type Tick = [u64; 6];

const TICKS: u64 = 20_000;
const SLOTS: usize = 64;
/// Pause between bursts of ticks: long enough for the fast subscriber, too short for the slow one.
const PACE: Duration = Duration::from_micros(50);

fn tick(number: u64) -> Tick {
    [number, number * 3, number * 5, number * 7, number * 11, number * 13]
}

fn main() -> Outcome {
    match role().as_deref() {
        Some("--fast") => subscribe(Duration::ZERO),
        Some("--slow") => subscribe(Duration::from_millis(1)),
        _ => [Overflow::Block, Overflow::Overwrite].into_iter().try_for_each(publish),
    }
}

fn publish(overflow: Overflow) -> Outcome {
    let name = fresh_object("ipcraft-pubsub");
    let options = Options::new().overflow(overflow).capacity(SLOTS).remove_on_drop(true);
    let channel = options.create_new(&name)?;
    let (fast, slow) = (Subscription::start("--fast", &name)?, Subscription::start("--slow", &name)?);
    let mut publisher = channel.publisher()?;
    for number in 0..TICKS {
        publisher.send(tick(number))?;
        if number % 16 == 0 {
            sleep(PACE);
        }
    }
    drop(publisher);
    let (fast, slow) = (fast.finish()?, slow.finish()?);
    println!(
        "publisher {}, {overflow:?}: the fast subscriber lost {fast}, the slow one {slow} of {TICKS}",
        id()
    );
    if overflow == Overflow::Block {
        return expect("lost ticks", (fast, slow), (0, 0));
    }
    expect("whether the slow subscriber lost ticks", slow > 0, true)
}

fn subscribe(rest: Duration) -> Outcome {
    let mut subscriber = Subscriber::<Tick>::open(&argument()?)?;
    println!("here");
    let (mut next, mut missed) = (0, 0);
    loop {
        match subscriber.recv_timeout(TIMEOUT) {
            Ok(message) => {
                expect("tick", message, tick(next))?;
                next += 1;
            }
            Err(RecvError::Lagged(number)) => {
                next += number;
                missed += number;
            }
            Err(e) if e.kind() == ErrorKind::Disconnected => break,
            Err(e) => return Err(e.into()),
        }
        if next % SLOTS as u64 == 0 {
            sleep(rest);
        }
    }
    println!("{missed}");
    expect("received and lost ticks", next, TICKS)
}

/// A subscriber in another process, which reports when it has joined and how many ticks it lost.
struct Subscription {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Subscription {
    /// Returns when the subscriber has joined: it receives everything that is sent from now on.
    fn start(part: &str, name: &str) -> Outcome<Subscription> {
        let mut child = this_program(part)?.arg(name).stdout(Stdio::piped()).spawn()?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut subscription = Subscription { child, output };
        expect("first word", subscription.line()?, "here".into())?;
        Ok(subscription)
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// The number of lost ticks.
    fn finish(mut self) -> Outcome<u64> {
        let missed = self.line()?.parse()?;
        finish(self.child)?;
        Ok(missed)
    }
}

//! Starting a process, and waiting for the end of one.

use std::env;
use std::io::Read;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use ipcraft::pipe;
use ipcraft::process::{CommandExt, Exit, Inherit, PidFd, take_inherited_fd};
use ipcraft::signal::Signal;
use ipcraft_tests::eintr_storm::{Handler, Storm};
use ipcraft_tests::peer::Peer;

use crate::exchange::{LONG, Rain, expires};

const ROUNDS: u16 = 10;
const PAUSE: Duration = Duration::from_millis(5);

/// The variable that makes this program the child of the test below.
const CHILD: &str = "IPCRAFT_TEST_STORM";

/// A child gets what it is given, and both live in a storm.
pub(crate) fn child_is_started(handler: Handler) {
    let mut rain = Rain::start(handler);
    for round in 0..ROUNDS {
        let (request, ask) = pipe::pipe().unwrap();
        let (answer, reply) = pipe::pipe().unwrap();
        let inherit = Inherit::new().named("request", request).named("reply", reply);
        let (mut child, pidfd) = rain.on(|| spawn(handler, inherit, round));
        sleep(PAUSE);
        ask.write(&round.to_le_bytes()).unwrap();
        drop(ask);
        let mut answered = Vec::new();
        rain.on(|| (&answer).read_to_end(&mut answered)).unwrap();
        assert_eq!(answered, [round.to_le_bytes(), (!round).to_le_bytes()].concat());
        match pidfd {
            Some(pidfd) => assert!(succeeded(rain.on(|| pidfd.wait()).expect("a signal is no error"))),
            None => assert!(child.wait().unwrap().success()),
        }
    }
}

fn spawn(handler: Handler, inherit: Inherit, round: u16) -> (Child, Option<PidFd>) {
    let mut command = Command::new(env::current_exe().unwrap());
    let command = command.env(CHILD, format!("{handler:?}"));
    let spawned = match round % 2 {
        0 => command.spawn_inheriting(inherit).map(|child| (child, None)),
        _ => command.spawn_pidfd(inherit).map(|(child, pidfd)| (child, Some(pidfd))),
    };
    spawned.expect("a signal is no error")
}

fn succeeded(exit: Exit) -> bool {
    exit.status().is_some_and(|status| status.success())
}

/// Plays the child, if this process is it: it repeats what it reads, and then writes the opposite.
pub(crate) fn play_child() -> bool {
    let Ok(handler) = env::var(CHILD) else { return false };
    let _storm = Storm::start(match handler.as_str() {
        "Interrupting" => Handler::Interrupting,
        _ => Handler::Restarting,
    });
    let request = pipe::Reader::from(take_inherited_fd("request").unwrap());
    let reply = pipe::Writer::from(take_inherited_fd("reply").unwrap());
    let mut number = [0; 2];
    assert_eq!(request.read(&mut number).unwrap(), 2);
    assert_eq!(reply.write(&number).unwrap(), 2);
    assert_eq!(request.read(&mut [0; 2]).unwrap(), 0);
    reply.write(&number.map(|byte| !byte)).unwrap();
    true
}

fn shell(script: &str) -> PidFd {
    let mut command = Command::new("/bin/sh");
    let (_, pidfd) = command.args(["-c", script]).spawn_pidfd(Inherit::new()).unwrap();
    pidfd
}

/// The end of a child is waited for once, and its code comes with it.
pub(crate) fn child_ends(handler: Handler) {
    let mut rain = Rain::start(handler);
    for round in 0..ROUNDS {
        let child = shell(&format!("sleep 0.01; exit {round}"));
        let exit = rain.on(|| if round % 2 == 0 { child.wait() } else { child.wait_timeout(LONG) });
        let status = exit.expect("a signal is no error").status().expect("of a child it is known");
        assert_eq!(status.code(), Some(round.into()));
    }
    let child = shell("exec sleep 60");
    expires(&mut rain, |timeout| child.wait_timeout(timeout).map(drop));
    child.send_signal(Signal::KILL).unwrap();
    assert!(!succeeded(child.wait().unwrap()));
}

/// Each stop of a child is seen once it takes effect.
pub(crate) fn child_stops(handler: Handler) {
    let mut rain = Rain::start(handler);
    let child = shell("while :; do sleep 0.01; kill -STOP $$; done");
    for round in 0..ROUNDS {
        let stop =
            rain.on(|| if round % 2 == 0 { child.wait_stopped() } else { child.wait_stopped_timeout(LONG) });
        assert_eq!(stop.expect("a signal is no error"), Signal::STOP);
        child.send_signal(Signal::CONT).unwrap();
    }
    child.send_signal(Signal::KILL).unwrap();
    let running = shell("exec sleep 60");
    expires(&mut rain, |timeout| running.wait_stopped_timeout(timeout).map(drop));
    running.send_signal(Signal::KILL).unwrap();
    for ended in [child, running] {
        assert!(!succeeded(ended.wait().unwrap()));
    }
}

/// Each continuation of a child by another process is seen.
pub(crate) fn child_continues(handler: Handler) {
    let mut rain = Rain::start(handler);
    for round in 0..ROUNDS {
        let child = shell("exec sleep 60");
        child.send_signal(Signal::STOP).unwrap();
        assert_eq!(child.wait_stopped().unwrap(), Signal::STOP);
        if round == 0 {
            expires(&mut rain, |timeout| child.wait_continued_timeout(timeout));
        }
        let other = Peer::start(|| {
            sleep(PAUSE);
            child.send_signal(Signal::CONT).unwrap();
        });
        rain.on(|| if round % 2 == 0 { child.wait_continued() } else { child.wait_continued_timeout(LONG) })
            .expect("a signal is no error");
        other.join();
        child.send_signal(Signal::KILL).unwrap();
        assert!(!succeeded(child.wait().unwrap()));
    }
}

/// The end of a process that is no child is seen, whether or not its code is.
pub(crate) fn stranger_ends(handler: Handler) {
    for round in 0..ROUNDS {
        let other = Peer::start(|| sleep(2 * PAUSE));
        let pidfd = PidFd::open(other.id()).unwrap();
        let watcher = Peer::start(|| {
            let mut rain = Rain::start(handler);
            if round == 0 {
                let parent = PidFd::open(std::os::unix::process::parent_id().try_into().unwrap()).unwrap();
                expires(&mut rain, |timeout| parent.wait_timeout(timeout).map(drop));
            }
            let exit = rain.on(|| if round % 2 == 0 { pidfd.wait() } else { pidfd.wait_timeout(LONG) });
            exit.expect("a signal is no error");
        });
        watcher.join();
        other.join();
    }
}

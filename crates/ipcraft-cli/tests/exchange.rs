//! `ipcraft send`, `recv` and `peek` as real processes.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use ipcraft::channel::{broadcast, mpmc, spsc};
use ipcraft::queue::{posix, sysv};
use ipcraft::socket::{datagram, seqpacket};
use ipcraft::sysv::Key;
use ipcraft::{ErrorKind, name};

/// Long enough for a process to start on a busy machine.
const PATIENT: &str = "60s";

ipcraft::plain_struct! {
    #[derive(Debug, PartialEq)]
    struct Tick {
        id: u64,
        price: f64,
    }
}

fn ipcraft(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ipcraft"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails early does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// Runs a command that succeeds, and returns what it prints.
fn printed(arguments: &[&str], input: &str) -> String {
    let output = ipcraft(arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

/// Runs a command that fails with this status, and returns the reason.
fn failure(arguments: &[&str], input: &str, status: i32) -> String {
    let output = ipcraft(arguments, input);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stderr).to_owned()
}

fn unique() -> String {
    format!("/{}", name::unique("ipcraft-cli-exchange"))
}

#[test]
fn send_and_recv_of_a_channel_convert_json_by_its_description() {
    let name = unique();
    let channel = spsc::Options::<Tick>::new().remove_on_drop(true).create_new(&name).unwrap();
    let object = format!("chan:{name}");
    printed(&["send", &object, r#"{"price": 0.5, "id": 7}"#], "");
    printed(&["send", &object], "{\"id\":8,\"price\":1}\n{\"id\":9,\"price\":-1e300}\n");
    assert_eq!(printed(&["peek", &object, "--count", "1"], ""), "{\"id\":7,\"price\":0.5}\n");
    let all = "{\"id\":7,\"price\":0.5}\n{\"id\":8,\"price\":1.0}\n{\"id\":9,\"price\":-1e300}\n";
    assert_eq!(printed(&["peek", &object], ""), all);
    assert_eq!(printed(&["recv", &object, "--count", "0"], ""), all);
    assert_eq!(printed(&["peek", &object], ""), "");

    // The only receiver has left.
    let left = failure(&["send", &object, "{\"id\":1,\"price\":0}"], "", 1);
    assert!(left.contains("disconnected"), "{left}");
    drop(channel);
}

#[test]
fn send_and_recv_of_a_channel_report_wrong_messages_and_time_limits() {
    let name = unique();
    let channel = spsc::Options::<Tick>::new().remove_on_drop(true).create_new(&name).unwrap();
    let object = format!("chan:{name}");
    let wrong = failure(&["send", &object], "{\"id\":-1,\"price\":0}\n", 1);
    let needed = "the message.id is -1: an integer from 0 to 18446744073709551615 needed";
    assert!(wrong.contains(needed), "{wrong}");
    let short = failure(&["send", &object, "--format", "hex", "00ff"], "", 1);
    assert!(short.contains("16") && short.contains('2'), "{short}");

    let mut tx = channel.sender().unwrap();
    tx.send(Tick { id: 1, price: 0.0 }).unwrap();
    let used = failure(&["send", &object, "{\"id\":1,\"price\":0}"], "", 1);
    assert!(used.contains(&name), "{used}");
    let hex = printed(&["recv", &object, "--format", "hex", "--timeout", PATIENT], "");
    assert_eq!(hex, "01000000000000000000000000000000\n");
    failure(&["recv", &object, "--timeout", "50ms"], "", 124);
}

#[test]
fn typed_endpoints_receive_what_the_command_sends() {
    let name = unique();
    let channel = mpmc::Options::<[u32; 2]>::new().remove_on_drop(true).create_new(&name).unwrap();
    let mut rx = channel.receiver().unwrap();
    printed(&["send", &format!("chan:{name}"), "[1,2]"], "");
    assert_eq!(rx.recv_timeout(Duration::from_secs(60)).unwrap(), [1, 2]);

    let name = unique();
    let options = broadcast::Options::<u8>::new().remove_on_drop(true);
    let mut rx = options.create_new(&name).unwrap().subscriber().unwrap();
    printed(&["send", &format!("chan:{name}")], "1\n2\n");
    assert_eq!((rx.recv().unwrap(), rx.recv().unwrap()), (1, 2));
}

#[test]
fn records_of_a_bytes_channel_are_lines() {
    let name = unique();
    let options = spsc::bytes::Options::new().remove_on_drop(true);
    let _channel = options.create_new(&name).unwrap();
    let object = format!("chan:{name}");
    printed(&["send", &object], "one\n\ntwo two\n");
    printed(&["send", &object, "--whole"], "a\nb\n");
    assert_eq!(printed(&["peek", &object, "--count", "3"], ""), "one\n\ntwo two\n");
    assert_eq!(printed(&["recv", &object, "--count", "2"], ""), "one\n\n");
    assert_eq!(printed(&["recv", &object, "--count", "0"], ""), "two two\na\nb\n\n");
}

#[test]
fn posix_queue_returns_messages_by_priority() {
    let name = unique();
    let options = posix::Options::new().capacity(4).message_size(16).remove_on_drop(true);
    let _queue = match options.create_new(&name) {
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::LimitReached) => {
            return println!("skipped: needs a POSIX queue: {error}");
        }
        created => created.unwrap(),
    };
    let object = format!("mq:{name}");
    printed(&["send", &object], "low\n");
    printed(&["send", &object, "--priority", "5", "high"], "");
    assert_eq!(printed(&["recv", &object, "--count", "2", "--timeout", PATIENT], ""), "high\nlow\n");
    failure(&["recv", &object, "--timeout", "0.05"], "", 124);
    let long = failure(&["send", &object, "seventeen letters"], "", 1);
    assert!(long.contains("EMSGSIZE") && long.contains(&name), "{long}");
    let reason = failure(&["peek", &object], "", 1);
    assert!(reason.contains("can only be received"), "{reason}");
}

#[test]
fn sysv_queue_selects_by_type_and_copies() {
    let queue = match sysv::Options::new().remove_on_drop(true).create_new(Key::PRIVATE) {
        Err(error) => return println!("skipped: needs a System V queue: {error}"),
        Ok(queue) => queue,
    };
    let object = format!("sysv-mq:#{}", queue.id());
    printed(&["send", &object, "--type", "3", "three"], "");
    printed(&["send", &object, "one"], "");
    let copied = ipcraft(&["peek", &object], "");
    if copied.status.success() {
        assert_eq!(text(&copied.stdout), "three\none\n");
    } else {
        println!("skipped: needs MSG_COPY: {}", text(&copied.stderr));
    }
    assert_eq!(printed(&["recv", &object, "--type", "-2", "--timeout", PATIENT], ""), "one\n");
    assert_eq!(printed(&["recv", &object, "--type", "3", "--timeout", PATIENT], ""), "three\n");
    failure(&["recv", &object, "--timeout", "50ms"], "", 124);
}

#[test]
fn sockets_of_records_and_datagrams_get_one_record_per_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("records");
    let listener = seqpacket::Listener::bind(path.as_path()).unwrap();
    printed(&["send", &format!("sock:{}", path.display())], "a\nbc\n");
    let (connection, mut buffer) = (listener.accept().unwrap(), [0; 16]);
    for expected in ["a", "bc"] {
        let len = connection.recv(&mut buffer).unwrap().expect("a record");
        assert_eq!(text(&buffer[..len]), expected);
    }
    assert_eq!(connection.recv(&mut buffer).unwrap(), None);

    let path = directory.path().join("datagrams");
    let socket = datagram::Socket::bind(path.as_path()).unwrap();
    printed(&["send", &format!("sock:{}", path.display()), "xyz"], "");
    let len = socket.recv(&mut buffer).unwrap();
    assert_eq!(text(&buffer[..len]), "xyz");
}

#[test]
fn objects_without_messages_and_missing_ones_are_failures() {
    let reason = failure(&["send", "sem:/x", "1"], "", 1);
    assert!(reason.contains("carries no messages"), "{reason}");
    for command in ["send", "recv", "peek"] {
        let reason = failure(&[command, "chan:/ipcraft-no-such"], "", 1);
        assert!(reason.contains("ENOENT"), "{reason}");
    }
    failure(&["recv", "mq:/x", "--timeout", "soon"], "", 2);
    failure(&["send", "queue:/x"], "", 2);
}

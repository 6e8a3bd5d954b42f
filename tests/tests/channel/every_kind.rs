//! What holds for the endpoints of every kind.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use ipcraft::channel::{WaitStrategy, broadcast, mpmc, spsc};
use ipcraft::{ErrorKind, channel};
use ipcraft_tests::channel_kind::{
    Broadcast, Bytes, ChannelKind, Config, Latest, Mpmc, Numbered, OverwritingBroadcast, Requests, Spsc,
};
use ipcraft_tests::for_each_kind;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::Form;
use ipcraft_tests::suite::serial_test;
use nix::sys::stat::{Mode, umask};

use super::fresh;

fn send<K: ChannelKind>(sender: &mut K::Sender, number: u64) {
    (K::SENDS[0].send)(sender, &[K::Message::numbered(number)], Form::Try).unwrap();
}

/// Each message that is received makes the sender send another one.
fn drain_takes_what_was_there<K: ChannelKind>() {
    let Some(way) = K::RECVS.iter().find(|way| way.name == "drain") else { return };
    let channel = K::anonymous(Config::new(32)).unwrap();
    let (mut sender, mut receiver) = (K::sender(&channel).unwrap(), K::receiver(&channel).unwrap());
    (0..3).for_each(|number| send::<K>(&mut sender, number));
    for _ in 0..20 {
        let mut received = 0;
        (way.recv)(&mut receiver, Form::Try, &mut |_| {
            received += 1;
            assert!(received <= 3, "{}: more than was there", K::NAME);
            send::<K>(&mut sender, received);
        })
        .unwrap();
        assert_eq!(received, 3, "{}", K::NAME);
    }
}

#[serial_test]
fn drain_while_messages_are_sent_takes_what_was_there() {
    macro_rules! each {
        ($($kind:ident),*) => { $(drain_takes_what_was_there::<$kind<[u64; 1]>>();)* };
    }
    for_each_kind!(each);
}

fn occupied_endpoint_is_named<K: ChannelKind>() {
    let name = fresh();
    let channel = K::create_new(Config::new(8), &name).unwrap();
    let mut taken = Vec::new();
    let refused = loop {
        match K::open_sender(&name) {
            Ok(sender) => taken.push(sender),
            Err(error) => break error,
        }
    };
    let expected = if taken.len() == 1 { ErrorKind::InUse } else { ErrorKind::LimitReached };
    assert_eq!(refused.kind(), expected);
    let text = refused.to_string();
    assert!(text.starts_with("open ") && text.contains(&name) && text.contains("; wait until"), "{text}");
    drop(channel);
    channel::unlink(&name).unwrap();
}

#[serial_test]
fn opening_an_occupied_endpoint_names_channel_and_endpoint() {
    macro_rules! each {
        ($($kind:ident),*) => { $(occupied_endpoint_is_named::<$kind<[u64; 1]>>();)* };
    }
    for_each_kind!(each);
}

fn other_channel_is_named<K: ChannelKind, Other: ChannelKind>() {
    let name = fresh();
    let _channel = K::create_new(Config::new(8), &name).unwrap();
    let text = Other::open(&name).err().expect("refused").to_string();
    channel::unlink(&name).unwrap();
    assert!(text.contains(" needed, its kind is "), "{text}");
    assert!(!text.contains("number"), "{text}");
}

#[serial_test]
fn opening_a_channel_of_another_kind_names_both_kinds() {
    macro_rules! each {
        ($($kind:ident),*) => {
            $(if $kind::<[u64; 1]>::NAME != "spsc" { other_channel_is_named::<Spsc<[u64; 1]>, $kind<[u64; 1]>>() })*
            $(if $kind::<[u64; 1]>::NAME != "mpmc" { other_channel_is_named::<Mpmc<[u64; 1]>, $kind<[u64; 1]>>() })*
        };
    }
    for_each_kind!(each);
}

#[serial_test]
fn opening_a_channel_of_other_messages_names_both_types() {
    let name = fresh();
    let _channel = Mpmc::<[u64; 3]>::create_new(Config::new(8), &name).unwrap();
    let text = Mpmc::<u64>::open(&name).unwrap_err().to_string();
    channel::unlink(&name).unwrap();
    let expected = "u64 (8 bytes) needed, the layout of its messages is [u64;3] (24 bytes); first difference: [u64;3], not u64";
    assert!(text.contains(expected), "{text}");
}

#[serial_test]
fn options_that_no_broadcast_can_have_are_refused_with_the_maximum() {
    for number in [128, 255, 256, 1000, usize::MAX] {
        let options = broadcast::Options::<u64>::new().subscribers(number);
        for error in [options.anonymous().unwrap_err(), options.create(fresh()).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert_eq!(error.limit().expect("a limit").value(), 127);
            assert!(error.to_string().contains("Options::subscribers"), "{error}");
        }
    }
    let name = fresh();
    let _channel = broadcast::Channel::<u64>::create_new(&name).unwrap();
    let text = broadcast::Options::<u64>::new().subscribers(4).open(&name).unwrap_err().to_string();
    channel::unlink(&name).unwrap();
    let expected =
        "Overflow::Block with 4 subscribers needed, its variant is Overflow::Block with 16 subscribers";
    assert!(text.contains(expected), "{text}");
    let text = broadcast::Options::<u64>::new().capacity(usize::MAX).anonymous().unwrap_err().to_string();
    assert!(text.contains("Options::capacity"), "{text}");
}

fn create_beside_a_remover<K: ChannelKind>() {
    let name = fresh();
    let remover = Peer::start(|| {
        loop {
            let _ = channel::unlink(&name);
        }
    });
    for _ in 0..300 {
        let created = K::create(Config::new(8), &name);
        assert!(created.is_ok(), "{}: {}", K::NAME, created.err().unwrap());
    }
    remover.kill();
    let _ = channel::unlink(&name);
}

/// The name may vanish between any two steps.
#[serial_test]
fn create_while_the_name_is_removed_succeeds() {
    macro_rules! each {
        ($($kind:ident),*) => { $(create_beside_a_remover::<$kind<[u64; 1]>>();)* };
    }
    for_each_kind!(each);
}

#[serial_test]
fn drop_and_remove_after_another_channel_took_the_name_leave_it() {
    let name = fresh();
    let options = spsc::Options::<u64>::new().remove_on_drop(true);
    for _ in 0..20 {
        let first = options.create_new(&name).unwrap();
        channel::unlink(&name).unwrap();
        let second = spsc::Channel::<u64>::create_new(&name).unwrap();
        assert_eq!(first.remove().unwrap_err().kind(), ErrorKind::Removed);
        drop(first);
        second.remove().unwrap();
    }
}

/// Opening fails because of the type, the content or the mode, and removing does not.
#[serial_test]
fn unlink_removes_what_cannot_be_opened() {
    let name = fresh();
    let path = format!("/dev/shm{name}");
    std::fs::write(&path, "").unwrap();
    Spsc::<u64>::open(&name).expect_err("empty");
    channel::unlink(&name).unwrap();
    std::os::unix::net::UnixListener::bind(&path).unwrap();
    Spsc::<u64>::open(&name).expect_err("a socket");
    channel::unlink(&name).unwrap();
    let _channel = Spsc::<u64>::create_new(Config::new(8), &name).unwrap();
    Mpmc::<u64>::open(&name).expect_err("another kind");
    channel::unlink(&name).unwrap();
    assert_eq!(channel::unlink(&name).unwrap_err().kind(), ErrorKind::NotFound);
}

/// Sends until the channel is full, and then receives everything.
fn queries_state_what_is_there<K: ChannelKind>() {
    const CAPACITY: usize = 8;
    let channel = K::anonymous(Config::new(CAPACITY)).unwrap();
    let mut sender = K::sender(&channel).unwrap();
    assert!(!K::query_sender(&sender).is_disconnected, "no receiver was there");
    let mut receiver = K::receiver(&channel).unwrap();
    let capacity = K::query_sender(&sender).capacity;
    assert_eq!(K::query_receiver(&receiver).capacity, capacity);
    assert_eq!(K::query_receiver(&receiver).strategy, Some(WaitStrategy::Adaptive));
    K::set_receiver_strategy(&mut receiver, WaitStrategy::Block);
    assert_eq!(K::query_receiver(&receiver).strategy, Some(WaitStrategy::Block));
    let mut last = 0;
    for sent in 0..=4 {
        // A publisher that overwrites does not know how far its subscribers are.
        let of_sender =
            if K::BLOCKS_WHEN_FULL { K::query_sender(&sender) } else { K::query_receiver(&receiver) };
        for found in [of_sender, K::query_receiver(&receiver)] {
            assert!(found.is_empty.is_none_or(|is_empty| is_empty == (sent == 0)), "{}: {found:?}", K::NAME);
            assert!(found.is_full.is_none_or(|is_full| !is_full), "{}: {found:?}", K::NAME);
            assert!(found.len.is_none_or(|len| len >= sent && len <= capacity), "{}: {found:?}", K::NAME);
            assert!(found.len.is_none_or(|len| len >= last), "{}: {found:?}", K::NAME);
            last = found.len.unwrap_or(0);
        }
        send::<K>(&mut sender, sent as u64);
    }
    if K::query_receiver(&receiver).is_full.is_some() {
        (5..CAPACITY).for_each(|number| send::<K>(&mut sender, number as u64));
        let full = K::query_receiver(&receiver);
        assert_eq!((full.is_full, full.len), (Some(true), Some(CAPACITY)), "{}", K::NAME);
    }
    while (K::RECVS[0].recv)(&mut receiver, Form::Try, &mut drop).is_ok() {}
    let received = K::query_receiver(&receiver);
    assert_eq!((received.len.unwrap_or(0), received.is_empty.unwrap_or(true)), (0, true), "{}", K::NAME);
    assert!(!K::query_sender(&sender).is_disconnected && !received.is_disconnected, "{}", K::NAME);
    drop(receiver);
    assert!(K::query_sender(&sender).is_disconnected, "{}", K::NAME);
    let receiver = K::receiver(&channel).unwrap();
    drop(sender);
    assert!(K::query_receiver(&receiver).is_disconnected, "{}", K::NAME);
}

#[serial_test]
fn queries_of_an_endpoint_state_what_is_there() {
    macro_rules! each {
        ($($kind:ident),*) => { $(queries_state_what_is_there::<$kind<[u64; 1]>>();)* };
    }
    for_each_kind!(each);
}

/// The umask takes bits from one mode, and not from the other.
#[serial_test]
fn exact_mode_and_any_mode_decide_about_permission_bits() {
    use std::os::unix::fs::PermissionsExt;

    let options = mpmc::Options::<u64>::new;
    let mode_of = |options: mpmc::Options<u64>| {
        let name = fresh();
        let before = umask(Mode::from_bits_truncate(0o077));
        let created = options.create_new(&name);
        umask(before);
        created.unwrap();
        let mode = std::fs::metadata(format!("/dev/shm{name}")).unwrap().permissions().mode() & 0o777;
        let usual = mpmc::Options::<u64>::new().open(&name).err().map(|error| error.kind());
        assert!(mpmc::Options::<u64>::new().any_mode().any_owner().open(&name).is_ok());
        channel::unlink(&name).unwrap();
        (mode, usual)
    };
    assert_eq!(mode_of(options().mode(0o666)), (0o600, None));
    assert_eq!(mode_of(options().exact_mode(0o666)), (0o666, Some(ErrorKind::PermissionDenied)));
    assert_eq!(options().mode(666).create_new(fresh()).unwrap_err().kind(), ErrorKind::Invalid);
}

#[serial_test]
fn channel_with_a_name_that_is_not_utf8_is_opened_by_it() {
    let mut name = fresh().into_bytes();
    name.push(0xff);
    let name = OsStr::from_bytes(&name);
    let channel = spsc::Channel::<u64>::create_new(name).unwrap();
    assert_eq!(channel.name(), Some(name));
    let mut sender = spsc::Sender::<u64>::open(name).unwrap();
    sender.send(7).unwrap();
    assert_eq!(spsc::Receiver::<u64>::open(name).unwrap().recv().unwrap(), 7);
    channel::unlink(name).unwrap();
}

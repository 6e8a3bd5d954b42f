//! Endpoints whose message type is known only at run time, beside typed ones.

use std::os::fd::AsFd;
use std::time::Duration;

use crate::channel::{Channel, Message, broadcast, latest, mpmc, request, spsc, untyped};
use crate::error::ErrorKind;

/// Long enough for no reader to be late.
const TIMEOUT: Duration = Duration::from_secs(10);

type Three = [u8; 3];

fn untyped<K>(channel: &Channel<K>) -> untyped::Channel {
    untyped::Channel::from_received(channel.as_fd().try_clone_to_owned().unwrap()).unwrap()
}

/// Messages of a type, which differ.
trait Sample: Message + PartialEq + std::fmt::Debug {
    fn sample(number: u64) -> (Self, Vec<u8>);
}

impl Sample for u64 {
    fn sample(number: u64) -> (u64, Vec<u8>) {
        (number, number.to_ne_bytes().to_vec())
    }
}

impl Sample for Three {
    fn sample(number: u64) -> (Three, Vec<u8>) {
        ([number as u8; 3], vec![number as u8; 3])
    }
}

impl Sample for [u64; 40] {
    fn sample(number: u64) -> ([u64; 40], Vec<u8>) {
        ([number; 40], number.to_ne_bytes().repeat(40))
    }
}

/// Sends typed messages to an untyped receiver, many times around the ring.
fn exchange<T: Sample>(channel: &untyped::Channel, mut send: impl FnMut(T)) {
    let (mut rx, mut buffer) = (channel.receiver().unwrap(), Vec::new());
    for number in 0..50 {
        let (message, bytes) = T::sample(number);
        send(message);
        rx.recv_timeout(&mut buffer, TIMEOUT).unwrap();
        assert_eq!(buffer, bytes);
    }
    assert_eq!(rx.try_recv(&mut buffer).unwrap_err().kind(), ErrorKind::Empty);
}

fn spsc_of<T: Sample>() {
    for start in [0, u64::MAX - 20] {
        let channel = spsc::Options::<T>::new().capacity(4).initial_position(start).anonymous().unwrap();
        let opened = untyped(&channel);
        let mut tx = channel.sender().unwrap();
        exchange::<T>(&opened, |message| tx.send(message).unwrap());
        drop(tx);
        let (mut tx, mut rx) = (opened.sender().unwrap(), channel.receiver().unwrap());
        for number in 0..50 {
            let (message, bytes) = T::sample(number);
            tx.send(&bytes).unwrap();
            assert_eq!(rx.recv().unwrap(), message);
        }
        for number in 0..4 {
            tx.try_send(&T::sample(number).1).unwrap();
        }
        assert_eq!(tx.try_send(&T::sample(4).1).unwrap_err().kind(), ErrorKind::Full);
        assert_eq!(opened.sender().unwrap_err().kind(), ErrorKind::InUse);
    }
}

fn mpmc_of<T: Sample>() {
    for start in [0, u64::MAX - 20] {
        let channel = mpmc::Options::<T>::new().capacity(4).initial_position(start).anonymous().unwrap();
        let opened = untyped(&channel);
        let mut tx = channel.sender().unwrap();
        exchange::<T>(&opened, |message| tx.send(message).unwrap());
        let (mut tx, mut rx) = (opened.sender().unwrap(), channel.receiver().unwrap());
        for number in 0..50 {
            let (message, bytes) = T::sample(number);
            tx.send(&bytes).unwrap();
            assert_eq!(rx.recv().unwrap(), message);
        }
    }
}

fn broadcast_of<T: Sample>(overflow: broadcast::Overflow) {
    for start in [0, u64::MAX - 20] {
        let options = broadcast::Options::<T>::new().capacity(4).overflow(overflow);
        let channel = options.initial_position(start).anonymous().unwrap();
        let opened = untyped(&channel);
        let mut tx = channel.publisher().unwrap();
        exchange::<T>(&opened, |message| tx.send(message).unwrap());
        drop(tx);
        let (mut tx, mut rx) = (opened.sender().unwrap(), channel.subscriber().unwrap());
        for number in 0..50 {
            let (message, bytes) = T::sample(number);
            tx.send(&bytes).unwrap();
            assert_eq!(rx.recv().unwrap(), message);
        }
    }
}

fn latest_of<T: Sample>() {
    for start in [0, u64::MAX - 20] {
        let channel = latest::Options::<T>::new().initial_position(start).anonymous().unwrap();
        let opened = untyped(&channel);
        let mut tx = channel.writer().unwrap();
        exchange::<T>(&opened, |message| tx.store(message));
        drop(tx);
        let (mut tx, mut rx) = (opened.sender().unwrap(), channel.reader().unwrap());
        for number in 0..50 {
            let (message, bytes) = T::sample(number);
            tx.send(&bytes).unwrap();
            assert_eq!(rx.load().unwrap().value, message);
        }
    }
}

#[test]
fn untyped_endpoints_exchange_messages_with_typed_ones() {
    spsc_of::<u64>();
    spsc_of::<Three>();
    spsc_of::<[u64; 40]>();
    mpmc_of::<u64>();
    mpmc_of::<Three>();
    mpmc_of::<[u64; 40]>();
    for overflow in [broadcast::Overflow::Block, broadcast::Overflow::Overwrite] {
        broadcast_of::<u64>(overflow);
        broadcast_of::<Three>(overflow);
        broadcast_of::<[u64; 40]>(overflow);
    }
    latest_of::<u64>();
    latest_of::<Three>();
    latest_of::<[u64; 40]>();
}

#[test]
fn untyped_endpoints_of_bytes_exchange_records() {
    let channel = spsc::bytes::Options::new().anonymous().unwrap();
    let opened = untyped(&channel);
    let (mut tx, mut rx) = (opened.sender().unwrap(), opened.receiver().unwrap());
    let mut buffer = Vec::new();
    for len in [0, 1, 100, 5000] {
        tx.send(&vec![7; len]).unwrap();
        rx.recv(&mut buffer).unwrap();
        assert_eq!(buffer, vec![7; len]);
    }
    assert_eq!(rx.recv_timeout(&mut buffer, Duration::ZERO).unwrap_err().kind(), ErrorKind::TimedOut);
    drop(tx);
    assert_eq!(rx.recv(&mut buffer).unwrap_err().kind(), ErrorKind::Disconnected);
}

#[test]
fn untyped_send_of_another_size_returns_invalid() {
    let channel = spsc::Options::<u64>::new().anonymous().unwrap();
    let mut tx = untyped(&channel).sender().unwrap();
    let error = tx.send(&[0; 7]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.limit().map(|limit| (limit.value(), limit.requested())), Some((8, Some(7))));
}

#[test]
fn untyped_receiver_that_lags_reports_the_number() {
    let overflow = broadcast::Overflow::Overwrite;
    let channel = broadcast::Options::<u64>::new().capacity(4).overflow(overflow).anonymous().unwrap();
    let mut rx = untyped(&channel).receiver().unwrap();
    let (mut tx, mut buffer) = (channel.publisher().unwrap(), Vec::new());
    for number in 0..9 {
        tx.send(number).unwrap();
    }
    let lost = rx.recv(&mut buffer).unwrap_err().missed().unwrap();
    rx.recv(&mut buffer).unwrap();
    assert_eq!(buffer, lost.to_ne_bytes());
}

#[test]
fn untyped_endpoint_of_request_channel_returns_unsupported() {
    let channel = request::Options::<u64, u8>::new().anonymous().unwrap();
    let opened = untyped(&channel);
    assert_eq!(opened.description().as_str(), "{request:u64,reply:u8}");
    assert_eq!(opened.sender().unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(opened.receiver().unwrap_err().kind(), ErrorKind::Unsupported);
}

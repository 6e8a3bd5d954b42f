//! The sweeps that every kind of channel must pass.
//!
//! The name of a sweep is the kind, the operation that is killed, and the condition:
//! `spsc_send_all_when_full`. Without a condition the peer runs. In `receiver_blocked` and
//! `sender_blocked` the peer waits, and a replacement for the killed process comes. With `alone`
//! none comes.

use std::time::Duration;

use ipcraft_tests::channel_kind::{ChannelKind, RecvWay, SendWay};
use ipcraft_tests::crash_sweep::{Scenario, clean};
use ipcraft_tests::subject::Form;
use libtest_mimic::Trial;

use crate::creation::Creation;
use crate::exchange::{NEAR_32, NEAR_63, NEAR_64};
use crate::leases::Leasing;
use crate::receivers::Receiving;
use crate::senders::Sending;
use crate::survivor::Survivor::{Alone, Blocked, Running};

/// A timeout that does not expire, and makes the library compute a deadline.
const NEVER: Form = Form::Within(Duration::MAX);

pub(crate) fn sweep<K: ChannelKind>(
    operation: &str,
    condition: &str,
    scenario: impl Scenario + Send + 'static,
) -> Trial {
    let words = [K::NAME, operation, condition];
    let name: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    clean(name.join("_").leak(), scenario)
}

/// Senders of messages of one word, of a few words that are copied one by one, and of many words
/// that are not.
pub(crate) fn sending<One: ChannelKind, Few: ChannelKind, Many: ChannelKind>() -> Vec<Trial> {
    let plain = &One::SENDS[0];
    let mut tests = vec![
        sweep::<Few>(
            plain.name,
            "few_words",
            Sending::new(Running, &Few::SENDS[0]).initial_position(NEAR_64),
        ),
        sweep::<One>(plain.name, "receiver_alone", Sending::new(Alone, plain)),
        sweep::<One>(
            &format!("try_{}", plain.name),
            "",
            Sending::new(Running, plain).form(Form::Try).initial_position(NEAR_32),
        ),
        sweep::<One>(
            &format!("{}_timeout", plain.name),
            "",
            Sending::new(Running, plain).form(NEVER).initial_position(NEAR_64),
        ),
    ];
    if One::DELIVERS_INLINE {
        tests.push(sweep::<One>(plain.name, "inline", Sending::new(Running, plain).when_adapted()));
    }
    for (one, many) in One::SENDS.iter().zip(Many::SENDS) {
        tests.extend(sending_in_one_way::<One, Many>(one, many));
    }
    tests
}

/// A sender that sends often enough to check once whether its receivers live.
pub(crate) fn sending_in_a_row<K: ChannelKind>() -> Vec<Trial> {
    let sending = Sending::new(Running, &K::SENDS[0]).calls(65);
    vec![sweep::<K>(K::SENDS[0].name, "in_a_row", sending)]
}

/// The sweeps of one way to send, which `one` and `many` use for messages of different sizes.
pub(crate) fn sending_in_one_way<One: ChannelKind, Many: ChannelKind>(
    one: &SendWay<One>,
    many: &SendWay<Many>,
) -> Vec<Trial> {
    let mut tests = vec![sweep::<One>(one.name, "", Sending::new(Running, one).initial_position(NEAR_63))];
    if !one.commits {
        return tests;
    }
    tests.push(sweep::<One>(
        one.name,
        "receiver_blocked",
        Sending::new(Blocked, one).initial_position(NEAR_64),
    ));
    if one.batch == 1 {
        tests.push(sweep::<Many>(
            one.name,
            "many_words",
            Sending::new(Running, many).initial_position(NEAR_32),
        ));
    }
    if One::BLOCKS_WHEN_FULL {
        tests.push(sweep::<Many>(
            one.name,
            "when_full",
            Sending::new(Running, many).initial_position(NEAR_64).when_full(),
        ));
    }
    tests
}

/// Receivers of messages of one word, of a few words and of many words.
pub(crate) fn receiving<One: ChannelKind, Few: ChannelKind, Many: ChannelKind>() -> Vec<Trial> {
    let plain = &One::RECVS[0];
    let mut tests = vec![
        sweep::<Few>(
            plain.name,
            "few_words",
            Receiving::new(Running, &Few::RECVS[0]).initial_position(NEAR_64),
        ),
        sweep::<One>(
            &format!("try_{}", plain.name),
            "",
            Receiving::new(Running, plain).form(Form::Try).initial_position(NEAR_32),
        ),
        sweep::<One>(
            &format!("{}_timeout", plain.name),
            "",
            Receiving::new(Running, plain).form(NEVER).initial_position(NEAR_64),
        ),
    ];
    if One::BLOCKS_WHEN_FULL {
        tests.push(sweep::<One>(plain.name, "sender_alone", Receiving::new(Alone, plain).when_full()));
    }
    if One::DELIVERS_INLINE {
        tests.push(sweep::<One>(
            plain.name,
            "inline_when_empty",
            Receiving::new(Running, plain).when_adapted().when_empty(),
        ));
    }
    for (one, many) in One::RECVS.iter().zip(Many::RECVS) {
        tests.extend(receiving_in_one_way::<One, Many>(one, many));
    }
    tests
}

/// The sweeps of one way to receive, which `one` and `many` use for messages of different sizes.
fn receiving_in_one_way<One: ChannelKind, Many: ChannelKind>(
    one: &RecvWay<One>,
    many: &RecvWay<Many>,
) -> Vec<Trial> {
    let mut tests = vec![sweep::<One>(one.name, "", Receiving::new(Running, one).initial_position(NEAR_63))];
    if One::BLOCKS_WHEN_FULL {
        tests.push(sweep::<Many>(one.name, "sender_blocked", Receiving::new(Blocked, many).when_full()));
    }
    if !one.takes_all {
        tests.push(sweep::<Many>(
            one.name,
            "many_words",
            Receiving::new(Running, many).initial_position(NEAR_32),
        ));
    }
    if One::DELIVERS_INLINE {
        tests.push(sweep::<One>(one.name, "inline", Receiving::new(Running, one).when_adapted()));
    }
    if !one.function.is_empty() {
        tests.push(sweep::<One>(
            one.name,
            "when_empty",
            Receiving::new(Running, one).initial_position(NEAR_64).when_empty(),
        ));
    } else {
        tests.push(sweep::<One>(one.name, "of_many_messages", Receiving::new(Running, one).many()));
    }
    tests
}

/// Endpoints that are taken and dropped, and channels that are created.
pub(crate) fn leasing<K: ChannelKind>() -> Vec<Trial> {
    let sender = |channel: &K::Channel, _: &str| drop(K::sender(channel).unwrap());
    let receiver = |channel: &K::Channel, _: &str| drop(K::receiver(channel).unwrap());
    let mut tests = vec![
        sweep::<K>("take_and_drop_sender", "", Leasing::<K>::from_channel(sender)),
        sweep::<K>("take_and_drop_receiver", "", Leasing::<K>::from_channel(receiver)),
        sweep::<K>("open_sender", "", Leasing::<K>::by_name(|_, name| drop(K::open_sender(name).unwrap()))),
        sweep::<K>(
            "open_receiver",
            "",
            Leasing::<K>::by_name(|_, name| drop(K::open_receiver(name).unwrap())),
        ),
        sweep::<K>(
            "pass_sender",
            "",
            Leasing::<K>::by_descriptor(|channel, _| {
                drop(K::pass_sender(K::sender(channel).unwrap()).unwrap());
            }),
        ),
        sweep::<K>(
            "pass_receiver",
            "",
            Leasing::<K>::by_descriptor(|channel, _| {
                drop(K::pass_receiver(K::receiver(channel).unwrap()).unwrap());
            }),
        ),
        sweep::<K>("create", "", Creation::<K> { create: K::create }),
        sweep::<K>("create_new", "", Creation::<K> { create: K::create_new }),
    ];
    if K::DELIVERS_ALL {
        tests.push(sweep::<K>(
            "take_and_drop_sender",
            "receiver_blocked",
            Leasing::<K>::from_channel(sender).with_blocked_receiver(),
        ));
    }
    tests
}

use std::sync::OnceLock;

use ipcraft::ErrorKind;
use ipcraft::semaphore::posix::Semaphore;
use ipcraft_tests::peer::Peer;
use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use nix::unistd::pause;

use super::{LONG, MOST, kind_of, semaphore, unique};

pub(super) fn goes_up_and_down() {
    let semaphore = semaphore(2);
    semaphore.wait().unwrap();
    semaphore.try_wait().unwrap();
    assert_eq!(semaphore.value().unwrap(), 0);
    semaphore.post().unwrap();
    assert_eq!(semaphore.value().unwrap(), 1);
}

pub(super) fn beyond_the_largest_value_is_refused() {
    let full = semaphore(MOST);
    let error = full.post().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Overflow, Some(Errno::EOVERFLOW as i32)));
    assert_eq!(
        error.limit().map(|limit| (limit.name(), limit.value())),
        Some(("SEM_VALUE_MAX", MOST.into()))
    );
    assert_eq!(full.value().unwrap(), MOST);
    let name = unique();
    let error = Semaphore::create_new(&name, MOST + 1).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Overflow, Some(Errno::EINVAL as i32)));
    assert_eq!(kind_of(Semaphore::open(&name)), ErrorKind::NotFound);
}

pub(super) fn with_no_unit_left_says_so() {
    let semaphore = semaphore(0);
    let error = semaphore.try_wait().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::WouldBlock, Some(Errno::EAGAIN as i32)));
    assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::WouldBlock);
    assert_eq!(semaphore.value().unwrap(), 0);
}

pub(super) fn permits_give_back() {
    let semaphore = semaphore(3);
    let permits = [semaphore.acquire(), semaphore.try_acquire(), semaphore.acquire_timeout(LONG)];
    let [one, two, three] = permits.map(Result::unwrap);
    assert_eq!(semaphore.value().unwrap(), 0);
    drop((one, two));
    assert_eq!(semaphore.value().unwrap(), 2);
    three.keep();
    assert_eq!(semaphore.value().unwrap(), 2);
}

pub(super) fn loses_what_a_killed_process_took() {
    let (semaphore, taken) = (semaphore(2), semaphore(0));
    let holder = Peer::start(|| {
        let _permit = semaphore.acquire().unwrap();
        taken.post().unwrap();
        pause();
    });
    taken.wait_timeout(LONG).unwrap();
    holder.kill();
    assert_eq!(semaphore.value().unwrap(), 1);
}

static FROM_HANDLER: OnceLock<Semaphore> = OnceLock::new();

extern "C" fn post(_signal: libc::c_int) {
    FROM_HANDLER.get().expect("set before").post().expect("below the largest value");
}

pub(super) fn works_in_a_signal_handler() {
    let semaphore = semaphore(0);
    let name = semaphore.name().unwrap();
    Peer::start(|| {
        FROM_HANDLER.set(Semaphore::open(name).unwrap()).unwrap();
        let action = SigAction::new(SigHandler::Handler(post), SaFlags::empty(), SigSet::empty());
        // SAFETY: because the handler does nothing but sem_post(3), which is async-signal-safe.
        unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("sigaction");
        raise(Signal::SIGUSR1).unwrap();
    })
    .join();
    assert_eq!(semaphore.value().unwrap(), 1);
}

//! Programs that the compiler refuses, each beside one that it takes and that differs in what it is
//! about only.
//!
//! A guard does not outlive the value that the lock is in:
//!
//! ```
//! use ipcraft::shm::{Shared, memfd::Memfd};
//! use ipcraft::sync::Mutex;
//! let memory = Memfd::create("test", Shared::<Mutex<u64>>::SIZE).unwrap();
//! let number = Shared::<Mutex<u64>>::initialize(memory.map().unwrap(), |number| number.init(0)).unwrap();
//! let guard = number.lock().unwrap();
//! drop(guard);
//! drop(number);
//! ```
//!
//! ```compile_fail,E0505
//! use ipcraft::shm::{Shared, memfd::Memfd};
//! use ipcraft::sync::Mutex;
//! let memory = Memfd::create("test", Shared::<Mutex<u64>>::SIZE).unwrap();
//! let number = Shared::<Mutex<u64>>::initialize(memory.map().unwrap(), |number| number.init(0)).unwrap();
//! let guard = number.lock().unwrap();
//! drop(number);
//! drop(guard);
//! ```
//!
//! Nor does one that is inconsistent, or any of the others:
//!
//! ```
//! use ipcraft::sync::*;
//! fn inside<'a>(mutex: &'a Mutex<u64>, table: &'a RwLock<u64>, all: &'a (Semaphore<2>, Barrier<2>)) {
//!     let _: Result<MutexGuard<'a, u64>, LockError<MutexGuard<'a, u64>>> = mutex.lock();
//!     let _: Result<WriteGuard<'a, u64, 32>, LockError<WriteGuard<'a, u64, 32>>> = table.write();
//!     let _: ipcraft::Result<ReadGuard<'a, u64, 32>> = table.read();
//!     let _: ipcraft::Result<Permit<'a>> = all.0.acquire();
//!     let _: ipcraft::Result<Participant<'a, 2>> = all.1.join();
//! }
//! ```
//!
//! ```compile_fail,E0621
//! use ipcraft::sync::*;
//! fn inside<'a>(mutex: &Mutex<u64>) {
//!     let _: Result<MutexGuard<'a, u64>, LockError<MutexGuard<'a, u64>>> = mutex.lock();
//! }
//! ```
//!
//! ```compile_fail,E0621
//! use ipcraft::sync::*;
//! fn inside<'a>(table: &RwLock<u64>) {
//!     let _: Result<WriteGuard<'a, u64, 32>, LockError<WriteGuard<'a, u64, 32>>> = table.write();
//! }
//! ```
//!
//! ```compile_fail,E0621
//! use ipcraft::sync::*;
//! fn inside<'a>(table: &RwLock<u64>) {
//!     let _: ipcraft::Result<ReadGuard<'a, u64, 32>> = table.read();
//! }
//! ```
//!
//! ```compile_fail,E0621
//! use ipcraft::sync::*;
//! fn inside<'a>(permits: &Semaphore<2>) {
//!     let _: ipcraft::Result<Permit<'a>> = permits.acquire();
//! }
//! ```
//!
//! ```compile_fail,E0621
//! use ipcraft::sync::*;
//! fn inside<'a>(barrier: &Barrier<2>) {
//!     let _: ipcraft::Result<Participant<'a, 2>> = barrier.join();
//! }
//! ```
//!
//! What a thread holds stays with it, while the locks are for all threads:
//!
//! ```
//! use ipcraft::sync::*;
//! fn all<T: Send + Sync>() {}
//! fn shared<T: Sync>() {}
//! all::<(Mutex<u64>, RwLock<u64>, Semaphore<2>, Barrier<2>, Condvar, Once, Event)>();
//! shared::<(MutexGuard<'_, u64>, ReadGuard<'_, u64, 32>, WriteGuard<'_, u64, 32>)>();
//! ```
//!
//! ```compile_fail,E0277
//! fn send<T: Send>() {}
//! send::<ipcraft::sync::MutexGuard<'_, u64>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn send<T: Send>() {}
//! send::<ipcraft::sync::ReadGuard<'_, u64, 32>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn send<T: Send>() {}
//! send::<ipcraft::sync::WriteGuard<'_, u64, 32>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn send<T: Send>() {}
//! send::<ipcraft::sync::Inconsistent<ipcraft::sync::MutexGuard<'_, u64>>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn send<T: Send>() {}
//! send::<ipcraft::sync::Permit<'_>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn send<T: Send>() {}
//! send::<ipcraft::sync::Participant<'_, 2>>();
//! ```
//!
//! What a lock guards has to be plain data:
//!
//! ```
//! fn guard(mutex: &ipcraft::sync::Mutex<u64>, table: &ipcraft::sync::RwLock<u64>) {
//!     let _ = (mutex.lock(), table.read());
//! }
//! ```
//!
//! ```compile_fail,E0599
//! fn guard(mutex: &ipcraft::sync::Mutex<String>) {
//!     let _ = mutex.lock();
//! }
//! ```
//!
//! ```compile_fail,E0599
//! fn guard(table: &ipcraft::sync::RwLock<&'static str>) {
//!     let _ = table.read();
//! }
//! ```
//!
//! ```compile_fail,E0277
//! ipcraft::shared_struct! {
//!     struct Zone {
//!         name: ipcraft::sync::Mutex<String>,
//!     }
//! }
//! ```
//!
//! An end of a channel goes to another thread, and is used by one at a time:
//!
//! ```
//! use ipcraft::channel::*;
//! fn send<T: Send>() {}
//! send::<(spsc::Sender<u64>, spsc::Receiver<u64>, spsc::bytes::Sender, spsc::bytes::Receiver)>();
//! send::<(mpmc::Sender<u64>, mpmc::Receiver<u64>, broadcast::Publisher<u64>, broadcast::Subscriber<u64>)>();
//! send::<(latest::Writer<u64>, latest::Reader<u64>, request::Client<u64, u8>, request::Server<u64, u8>)>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::spsc::Sender<u64>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::spsc::Receiver<u64>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::spsc::bytes::Sender>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::spsc::bytes::Receiver>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::mpmc::Sender<u64>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::mpmc::Receiver<u64>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::broadcast::Publisher<u64>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::broadcast::Subscriber<u64>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::latest::Writer<u64>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::latest::Reader<u64>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::request::Client<u64, u8>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<ipcraft::channel::request::Server<u64, u8>>();
//! ```
//!
//! There is one guard at a time, it does not outlive its end, and what is committed is no longer
//! there:
//!
//! ```
//! fn use_of(mut sender: ipcraft::channel::spsc::Sender<u64>, mut receiver: ipcraft::channel::spsc::Receiver<u64>) {
//!     let loan = sender.loan().unwrap();
//!     loan.commit();
//!     let again = sender.loan().unwrap();
//!     drop(again);
//!     drop(sender);
//!     let received = receiver.recv_in_place().unwrap();
//!     drop(received);
//!     let again = receiver.recv_in_place().unwrap();
//!     drop(again);
//!     drop(receiver);
//! }
//! ```
//!
//! ```compile_fail,E0382
//! fn use_of(mut sender: ipcraft::channel::spsc::Sender<u64>) {
//!     let loan = sender.loan().unwrap();
//!     loan.commit();
//!     drop(loan);
//! }
//! ```
//!
//! ```compile_fail,E0499
//! fn use_of(mut sender: ipcraft::channel::spsc::Sender<u64>) {
//!     let loan = sender.loan().unwrap();
//!     let again = sender.loan().unwrap();
//!     drop((loan, again));
//! }
//! ```
//!
//! ```compile_fail,E0499
//! fn use_of(mut receiver: ipcraft::channel::spsc::Receiver<u64>) {
//!     let received = receiver.recv_in_place().unwrap();
//!     let again = receiver.recv_in_place().unwrap();
//!     drop((received, again));
//! }
//! ```
//!
//! ```compile_fail,E0505
//! fn use_of(mut sender: ipcraft::channel::spsc::Sender<u64>) {
//!     let loan = sender.loan().unwrap();
//!     drop(sender);
//!     drop(loan);
//! }
//! ```
//!
//! ```compile_fail,E0505
//! fn use_of(mut receiver: ipcraft::channel::spsc::Receiver<u64>) {
//!     let received = receiver.recv_in_place().unwrap();
//!     drop(receiver);
//!     drop(received);
//! }
//! ```
//!
//! What is sent has no pointers:
//!
//! ```
//! ipcraft::channel::spsc::channel::<[u8; 8]>(4).unwrap();
//! ```
//!
//! ```compile_fail,E0277
//! ipcraft::channel::spsc::channel::<Box<u64>>(4).unwrap();
//! ```
//!
//! ```compile_fail,E0277
//! ipcraft::channel::spsc::channel::<String>(4).unwrap();
//! ```
//!
//! ```compile_fail,E0277
//! ipcraft::channel::spsc::channel::<&'static str>(4).unwrap();
//! ```

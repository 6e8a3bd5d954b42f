//! Unix sockets: [`ipcraft::socket`] under tokio.
//!
//! A socket is created in `ipcraft` and converted by
//! [`into_async`](crate::IntoAsync::into_async), or created by the functions of this module, which
//! wait. Each type of socket has its calls, and all have those for descriptors and credentials:
//!
//! ```
//! use std::os::fd::AsFd;
//! use ipcraft::pipe;
//! use ipcraft::socket::seqpacket;
//! use ipcraft_tokio::IntoAsync;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> ipcraft::Result<()> {
//! let (left, right) = seqpacket::pair()?;
//! let (left, right) = (left.into_async()?, right.into_async()?);
//! let (reader, writer) = pipe::pipe()?;
//! left.send_descriptors(b"log", &[writer.as_fd()]).await?;
//!
//! let mut buffer = [0; 16];
//! let (length, descriptors) = right.recv_descriptors(&mut buffer, 1).await?.expect("not the end");
//! assert_eq!((&buffer[..length], descriptors.len()), (&b"log"[..], 1));
//! # drop(reader);
//! # Ok(()) }
//! ```
//!
//! # Listening
//!
//! [`Options`](ipcraft::socket::Options) create listeners. To reclaim the path of a server that was
//! killed may block for some milliseconds, so do it in [`spawn_blocking`]:
//!
//! ```
//! use ipcraft::socket::Options;
//! use ipcraft_tokio::IntoAsync;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let path = ipcraft::name::unique_path("ipcraft-doc-socket");
//! let options = Options::new().reclaim_stale(true).remove_on_drop(true);
//! let listener = tokio::task::spawn_blocking(move || options.listen_seqpacket(&path)).await??;
//! let listener = listener.into_async()?;
//! # drop(listener);
//! # Ok(()) }
//! ```
//!
//! [`spawn_blocking`]: tokio::task::spawn_blocking

mod ancillary;
mod batch;
pub mod datagram;
pub mod seqpacket;
pub mod stream;

pub use ancillary::Socket;
use ipcraft::{ErrorKind, Result};

use crate::pause::Pause;

/// Repeats a connect while the queue of the listener is full. No descriptor reports that, so it
/// waits by the timer.
async fn connect<S>(mut attempt: impl FnMut() -> Result<S>) -> Result<S> {
    let mut pause = Pause::new();
    loop {
        match attempt() {
            Err(error) if error.kind() == ErrorKind::Full => pause.sleep().await,
            connected => return connected,
        }
    }
}

//! FIFOs: [`ipcraft::fifo`] under tokio.
//!
//! Opening waits for the other side, by the timer of the runtime, since no descriptor reports that
//! a peer opens a FIFO. [`timeout`](tokio::time::timeout) limits it.
//!
//! ```
//! use ipcraft::fifo::Fifo;
//! use ipcraft_tokio::fifo;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> ipcraft::Result<()> {
//! # let path = ipcraft::name::unique_path("ipcraft-doc-fifo");
//! let file = Fifo::create_new(&path)?;
//! let (reader, writer) = tokio::join!(fifo::open_read(&file), fifo::open_write(&file));
//! file.remove()?;
//! writer?.write(b"hello").await?;
//! assert_eq!(reader?.read(&mut [0; 16]).await?, 5);
//! # Ok(()) }
//! ```

use ipcraft::{ErrorKind, Result, fifo};

use crate::pause::Pause;
use crate::{Async, IntoAsync};

/// The async form of [`fifo::Reader`].
pub type Reader = Async<fifo::Reader>;

/// The async form of [`fifo::Writer`].
pub type Writer = Async<fifo::Writer>;

/// `open(2)` with `O_RDONLY`: opens for reading, and waits until a writer opens the FIFO.
///
/// While it waits it counts as a reader. If the future is dropped, a writer that has just opened
/// the FIFO may have no reader. A FIFO that [stays open](fifo::Options::stay_open) is opened at
/// once.
///
/// # Errors
///
/// Those of [`Fifo::open_read_timeout`](fifo::Fifo::open_read_timeout) and of [`Async::new`].
///
/// # Panics
///
/// As [`Async::new`], and in a runtime without timer.
pub async fn open_read(fifo: &fifo::Fifo) -> Result<Reader> {
    let reader = fifo.try_open_read()?;
    let mut pause = Pause::new();
    while !reader.has_seen_writer()? {
        pause.sleep().await;
    }
    reader.into_async()
}

/// `open(2)` with `O_WRONLY`: opens for writing, and waits until a reader opens the FIFO.
///
/// Cancel safe: a dropped future has opened nothing.
///
/// # Errors
///
/// Those of [`Fifo::open_write_timeout`](fifo::Fifo::open_write_timeout) and of [`Async::new`].
///
/// # Panics
///
/// As [`Async::new`], and in a runtime without timer.
pub async fn open_write(fifo: &fifo::Fifo) -> Result<Writer> {
    let mut pause = Pause::new();
    loop {
        match fifo.try_open_write() {
            Err(error) if error.kind() == ErrorKind::NoReader => pause.sleep().await,
            opened => return opened?.into_async(),
        }
    }
}

impl Async<fifo::Reader> {
    /// `read(2)`: waits until data arrives and returns the number of bytes; `Ok(0)` is end of
    /// stream, until the next writer opens the FIFO.
    ///
    /// Cancel safe: a dropped future has read nothing. After an end of stream, this waits by the
    /// timer of the runtime, because the runtime takes a hang-up for final.
    ///
    /// # Errors
    ///
    /// [`Other`](ErrorKind::Other) if the runtime of the handle has ended.
    pub async fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.read_with(|reader| reader.try_read(buffer)).await
    }
}

impl Async<fifo::Writer> {
    /// `write(2)`: waits until there is room and returns how many bytes were written.
    ///
    /// Cancel safe: a dropped future has written nothing.
    ///
    /// # Errors
    ///
    /// Those of [`write`](fifo::Writer::write).
    pub async fn write(&self, bytes: &[u8]) -> Result<usize> {
        self.write_with(|writer| writer.try_write(bytes)).await
    }
}

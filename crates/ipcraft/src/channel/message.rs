//! The types that a typed channel carries.

use crate::shm::{Plain, SharedLayout};

/// A type that a channel can carry. Its wire form is plain bytes in shared memory.
///
/// Every type of [plain data](Plain) is a message and its own wire form. `bool` and `char` are
/// messages too. They are validated on receipt, since a peer may write any bit pattern. For any
/// other type, define the wire form and which wire forms are values:
///
/// ```
/// use ipcraft::channel::{Message, spsc};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Command {
///     Start,
///     Stop,
/// }
///
/// impl Message for Command {
///     type Wire = u8;
///     fn to_wire(&self) -> u8 {
///         *self as u8
///     }
///     fn from_wire(wire: u8) -> Option<Command> {
///         [Command::Start, Command::Stop].get(usize::from(wire)).copied()
///     }
/// }
///
/// let (mut sender, mut receiver) = spsc::channel::<Command>(16)?;
/// sender.send(Command::Stop)?;
/// assert_eq!(receiver.recv()?, Command::Stop);
/// # Ok::<(), ipcraft::Error>(())
/// ```
pub trait Message: Send + Sized + 'static {
    /// The wire form: what the channel stores in shared memory.
    type Wire: Plain;

    /// The layout that both sides of a channel compare.
    ///
    /// The default is the layout of the wire form. Override it to distinguish two types that have
    /// the same wire form.
    const LAYOUT: SharedLayout = <Self::Wire as Plain>::LAYOUT;

    /// Returns the wire form of this value.
    fn to_wire(&self) -> Self::Wire;

    /// Calls `send` with the wire forms of the first messages: of one, or of all if `T` is plain.
    #[doc(hidden)]
    #[inline]
    fn with_wires<R>(messages: &[Self], send: impl FnOnce(&[Self::Wire]) -> R) -> R {
        match messages.first() {
            Some(first) => send(&[first.to_wire()]),
            None => send(&[]),
        }
    }

    /// Converts received wire forms to `values`, and returns the number of valid ones. Stops at the
    /// first wire form that is not a value.
    ///
    /// `read_one` reads the wire form at an index; `read_all` reads all of them.
    #[doc(hidden)]
    fn copy_wires(
        values: &mut [Self],
        read_one: impl Fn(usize) -> Self::Wire,
        _read_all: impl FnOnce(&mut [Self::Wire]),
    ) -> usize {
        for (i, value) in values.iter_mut().enumerate() {
            match Self::from_wire(read_one(i)) {
                Some(read) => *value = read,
                None => return i,
            }
        }
        values.len()
    }

    /// Returns the value of this wire form, or `None` if it is not a value. A peer can write any
    /// bytes.
    fn from_wire(wire: Self::Wire) -> Option<Self>;
}

impl<T: Plain> Message for T {
    type Wire = T;

    #[inline]
    fn to_wire(&self) -> T {
        *self
    }

    #[inline]
    fn with_wires<R>(messages: &[T], send: impl FnOnce(&[T]) -> R) -> R {
        send(messages)
    }

    #[inline]
    fn copy_wires(
        values: &mut [T],
        _read_one: impl Fn(usize) -> T,
        read_all: impl FnOnce(&mut [T]),
    ) -> usize {
        read_all(values);
        values.len()
    }

    #[inline]
    fn from_wire(wire: T) -> Option<T> {
        Some(wire)
    }
}

impl Message for bool {
    type Wire = u8;

    const LAYOUT: SharedLayout = SharedLayout::primitive("bool");

    #[inline]
    fn to_wire(&self) -> u8 {
        u8::from(*self)
    }

    #[inline]
    fn from_wire(wire: u8) -> Option<bool> {
        match wire {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Message for char {
    type Wire = u32;

    const LAYOUT: SharedLayout = SharedLayout::primitive("char");

    #[inline]
    fn to_wire(&self) -> u32 {
        u32::from(*self)
    }

    #[inline]
    fn from_wire(wire: u32) -> Option<char> {
        char::from_u32(wire)
    }
}

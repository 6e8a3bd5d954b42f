//! What a typed channel carries.

use crate::shm::{Plain, SharedLayout};

/// A type that a channel can carry: one that has a form of plain bytes, in which it lies in shared memory.
///
/// Every type of [plain data](Plain) is one, and its own form. So are `bool` and `char`, of which a peer could write what
/// is none; for a type of your own, say what its form is and which of them are values:
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
    /// What lies in shared memory.
    type Wire: Plain;

    /// What both sides of a channel compare: that of the form, unless two types with one form are to be told apart.
    const LAYOUT: SharedLayout = <Self::Wire as Plain>::LAYOUT;

    /// The form of this value.
    fn to_wire(&self) -> Self::Wire;

    /// The forms of some of the first of these values.
    #[doc(hidden)]
    #[inline]
    fn with_wires<R>(messages: &[Self], send: impl FnOnce(&[Self::Wire]) -> R) -> R {
        match messages.first() {
            Some(first) => send(&[first.to_wire()]),
            None => send(&[]),
        }
    }

    /// Receives some of these values, as many as `receive` finds forms of; `None` if one is of no value.
    #[doc(hidden)]
    fn from_wires<E>(
        values: &mut [Self],
        receive: impl FnOnce(&mut [Self::Wire]) -> Result<usize, E>,
    ) -> Result<Option<usize>, E> {
        let Some(first) = values.first_mut() else { return Ok(Some(0)) };
        let mut wires = [first.to_wire()];
        receive(&mut wires)?;
        let value = Self::from_wire(wires[0]);
        Ok(value.map(|value| {
            *first = value;
            1
        }))
    }

    /// The value of this form; `None` if it is of none. A peer can write any bytes.
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
    fn from_wires<E>(
        values: &mut [T],
        receive: impl FnOnce(&mut [T]) -> Result<usize, E>,
    ) -> Result<Option<usize>, E> {
        if values.is_empty() { Ok(Some(0)) } else { receive(values).map(Some) }
    }

    #[inline]
    fn from_wire(wire: T) -> Option<T> {
        Some(wire)
    }
}

impl Message for bool {
    type Wire = u8;

    const LAYOUT: SharedLayout = SharedLayout::new("bool", &[]);

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

    const LAYOUT: SharedLayout = SharedLayout::new("char", &[]);

    #[inline]
    fn to_wire(&self) -> u32 {
        u32::from(*self)
    }

    #[inline]
    fn from_wire(wire: u32) -> Option<char> {
        char::from_u32(wire)
    }
}

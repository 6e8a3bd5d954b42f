//! Creation of an object, or opening of the existing one.

use crate::error::{ErrorKind, Result};

/// Creates an object exclusively, or opens the existing one.
///
/// The kernel's own "create or open" does not report which of the two happened, and a handle may
/// remove on drop only what it has created. If the object is removed in between, this starts over.
pub(crate) fn create_or_open<T>(create: impl Fn() -> Result<T>, open: impl Fn() -> Result<T>) -> Result<T> {
    loop {
        match create() {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            created => return created,
        }
        match open() {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::error::Error;

    #[test]
    fn object_removed_in_between_is_created_in_the_next_round() {
        let rounds = Cell::new(0);
        let create = || match rounds.replace(rounds.get() + 1) {
            0 | 1 => Err(Error::new("create", ErrorKind::AlreadyExists)),
            round => Ok(round),
        };
        let open = || Err(Error::new("open", ErrorKind::NotFound));
        assert_eq!(create_or_open(create, open).unwrap(), 2);
    }

    #[test]
    fn other_errors_end_the_call() {
        let denied = || Err::<(), _>(Error::new("open", ErrorKind::PermissionDenied));
        let taken = || Err(Error::new("create", ErrorKind::AlreadyExists));
        assert_eq!(create_or_open(denied, denied).unwrap_err().operation(), "open");
        assert_eq!(create_or_open(taken, denied).unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}

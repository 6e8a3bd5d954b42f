//! Creation of an object, or opening of the existing one.

use nix::errno::Errno;

use crate::error::{Error, ErrorKind, Result};

/// Creates an object exclusively, or opens the existing one.
///
/// The kernel's own "create or open" does not report which of the two happened, and a handle may
/// remove on drop only what it has created. If the object is removed between two steps, or between
/// two calls of one step, this starts over.
///
/// `open` must report a name that exists and leads nowhere as another kind than
/// [`NotFound`](ErrorKind::NotFound), since `create` never accepts such a name.
pub(crate) fn create_or_open<T>(create: impl Fn() -> Result<T>, open: impl Fn() -> Result<T>) -> Result<T> {
    loop {
        match create() {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) if was_removed(&e) => continue,
            created => return created,
        }
        match open() {
            Err(e) if e.kind() == ErrorKind::NotFound || was_removed(&e) => {}
            opened => return opened,
        }
    }
}

/// Whether the object was there and was removed during the call.
///
/// [`NotFound`](ErrorKind::NotFound) is not among them: a creation fails with it if the directory
/// does not exist, and would fail again.
fn was_removed(error: &Error) -> bool {
    error.kind() == ErrorKind::Removed || error.errno() == Some(Errno::ESTALE as i32)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn object_removed_in_between_is_created_in_the_next_round() {
        for gone in [
            Error::from_errno("open", Errno::ENOENT),
            Error::from_errno("open", Errno::EIDRM),
            Error::from_errno("open", Errno::ESTALE),
        ] {
            let rounds = Cell::new(0);
            let create = || match rounds.replace(rounds.get() + 1) {
                0 | 1 => Err(Error::new("create", ErrorKind::AlreadyExists)),
                round => Ok(round),
            };
            assert_eq!(create_or_open(create, || Err(gone.clone())).unwrap(), 2, "{gone}");
        }
    }

    #[test]
    fn object_removed_during_its_creation_is_created_in_the_next_round() {
        for gone in [Error::from_errno("create", Errno::EIDRM), Error::from_errno("create", Errno::ESTALE)] {
            let rounds = Cell::new(0);
            let create = || match rounds.replace(rounds.get() + 1) {
                0 | 1 => Err(gone.clone()),
                round => Ok(round),
            };
            assert_eq!(create_or_open(create, || panic!("nothing to open")).unwrap(), 2, "{gone}");
        }
    }

    #[test]
    fn other_errors_end_the_call() {
        let denied = || Err::<(), _>(Error::new("open", ErrorKind::PermissionDenied));
        let taken = || Err(Error::new("create", ErrorKind::AlreadyExists));
        assert_eq!(create_or_open(denied, denied).unwrap_err().operation(), "open");
        assert_eq!(create_or_open(taken, denied).unwrap_err().kind(), ErrorKind::PermissionDenied);
        let no_directory = || Err(Error::new("create", ErrorKind::NotFound));
        assert_eq!(create_or_open(no_directory, denied).unwrap_err().kind(), ErrorKind::NotFound);
    }
}

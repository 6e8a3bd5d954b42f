//! Writes of at most `PIPE_BUF` bytes stay whole.

use ipcraft::ErrorKind;
use ipcraft::pipe::PIPE_BUF;

use crate::{ends, kind_of};

#[test]
fn try_write_up_to_pipe_buf_writes_all_or_returns_full() {
    let (reader, writer) = ends();
    let capacity = writer.set_capacity(4 * PIPE_BUF).unwrap();
    // All but one byte, so the last page has room for one byte only.
    assert_eq!(writer.try_write(&vec![1; capacity - 1]).unwrap(), capacity - 1);
    assert_eq!(kind_of(writer.try_write(&[2; PIPE_BUF])), ErrorKind::Full);
    assert_eq!(reader.available().unwrap(), capacity - 1, "no byte of it was written");
    assert_eq!(writer.try_write(&[2]).unwrap(), 1);
}

#[test]
fn try_write_above_pipe_buf_writes_a_part() {
    let (_reader, writer) = ends();
    let capacity = writer.set_capacity(4 * PIPE_BUF).unwrap();
    assert_eq!(writer.try_write(&vec![1; capacity - PIPE_BUF]).unwrap(), capacity - PIPE_BUF);
    assert_eq!(writer.try_write(&[2; 2 * PIPE_BUF]).unwrap(), PIPE_BUF);
}

//! The lines of proc_pid_maps(5).

use crate::identity::FileId;

/// A part of a process's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapping<'a> {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Where in the file it starts.
    pub(crate) offset: u64,
    pub(crate) file: FileId,
    /// As the kernel prints it: escaped, and maybe of another mount namespace.
    pub(crate) path: &'a [u8],
}

impl Mapping<'_> {
    /// Whether it is a System V segment, whose inode number is its identifier.
    pub(crate) fn is_segment(&self) -> bool {
        self.path.starts_with(b"/SYSV")
    }
}

/// The mappings of files in the text of `/proc/PID/maps`.
pub(crate) fn mappings(text: &[u8]) -> impl Iterator<Item = Mapping<'_>> {
    text.split(|byte| *byte == b'\n').filter_map(parse)
}

/// Parses `start-end perms offset major:minor inode path`.
fn parse(line: &[u8]) -> Option<Mapping<'_>> {
    let mut fields = line.splitn(6, |byte| *byte == b' ');
    let range = fields.next()?;
    let dash = range.iter().position(|byte| *byte == b'-')?;
    let (start, end) = (hexadecimal(&range[..dash])?, hexadecimal(&range[dash + 1..])?);
    let _permissions = fields.next()?;
    let offset = hexadecimal(fields.next()?)?;
    let device = fields.next()?;
    let colon = device.iter().position(|byte| *byte == b':')?;
    let inode = decimal(fields.next()?).filter(|inode| *inode != 0)?;
    let major = u32::try_from(hexadecimal(&device[..colon])?).ok()?;
    let minor = u32::try_from(hexadecimal(&device[colon + 1..])?).ok()?;
    let path = fields.next().unwrap_or_default().trim_ascii_start();
    Some(Mapping { start, end, offset, file: FileId::new(major, minor, inode), path })
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    number(digits, 16)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    number(digits, 10)
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        let digit = char::from(*digit).to_digit(radix)?;
        sum.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_of_a_text_are_those_of_files() {
        let text = b"7f00-7f20 rw-s 00001000 00:1a 42                         /dev/shm/a b (deleted)\n\
                     7f30-7f40 rw-p 00000000 00:00 0 \n\
                     7ffff7fc1000-7ffff7fc5000 r--p 00000000 00:00 0                          [vvar]\n\
                     1000-2000 rw-s 00000000 00:01 32769                      /SYSV00000000 (deleted)\n\
                     garbage\n";
        let found: Vec<_> = mappings(text).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        let first = found[0];
        assert_eq!((first.start, first.end, first.offset), (0x7f00, 0x7f20, 0x1000));
        assert_eq!((first.file, first.path), (FileId::new(0, 0x1a, 42), &b"/dev/shm/a b (deleted)"[..]));
        assert!(!first.is_segment() && found[1].is_segment());
        assert_eq!(found[1].file.inode, 32769);
    }
}

//! The files of a run: JSON, or an HTML report. A file is whole or absent, and never replaces an
//! older one by half a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process;

use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::unistd::linkat;

/// The most symbolic links that path resolution follows: `MAXSYMLINKS` of the kernel.
const MAX_LINKS: usize = 40;

/// The path that means standard output.
pub const STANDARD_OUTPUT: &str = "-";

/// Where the results of a run go, checked before the measurement.
#[derive(Debug)]
pub struct ResultFile {
    /// The path as it was given, for errors.
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// A regular file, or a name that is free: the results are written beside it and renamed.
    Replace { file: PathBuf },
    /// A device, a FIFO, or a descriptor of this process: the results are written to it.
    Write(File),
}

impl ResultFile {
    /// Checks that results can be written to `path`, and changes nothing there.
    ///
    /// Waits for a reader if `path` is a FIFO.
    pub fn at(path: &Path) -> io::Result<ResultFile> {
        let target = target_of(path).map_err(|error| at_path(error, path))?;
        Ok(ResultFile { path: path.into(), target })
    }

    /// Writes the results. After a failure, an older file still has its content.
    pub fn save(self, content: &[u8]) -> io::Result<()> {
        let saved = match self.target {
            Target::Replace { file } => replace(&file, content),
            Target::Write(mut file) => file.write_all(content),
        };
        saved.map_err(|error| at_path(error, &self.path))
    }
}

fn at_path(error: io::Error, path: &Path) -> io::Error {
    io::Error::other(format!("cannot write {}: {error}", path.display()))
}

fn target_of(path: &Path) -> io::Result<Target> {
    if path == Path::new(STANDARD_OUTPUT) {
        return duplicate(&io::stdout()).map(Target::Write);
    }
    let Some(file) = behind_links(path)? else {
        return descriptor(path).map(Target::Write);
    };
    match fs::metadata(&file) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => OpenOptions::new().write(true).open(&file).map(Target::Write),
        // A file that forbids writing is not replaced, although its directory would allow that.
        Ok(_) => OpenOptions::new().write(true).open(&file).and_then(|_| replaceable(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => replaceable(file),
        Err(error) => Err(error),
    }
}

fn replaceable(file: PathBuf) -> io::Result<Target> {
    Temporary::beside(&file, b"").map(drop)?;
    Ok(Target::Replace { file })
}

/// Returns the file that a path names at the end of its symbolic links; it need not exist. `None`
/// if a link of `/proc` is among them: its target is an open file, whose name may have changed.
fn behind_links(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_path_buf();
    for _ in 0..=MAX_LINKS {
        let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
        let directory = fs::canonicalize(directory_of(&path))?;
        if directory.starts_with("/proc") {
            return Ok(None);
        }
        let file = directory.join(name);
        match fs::read_link(&file) {
            Ok(next) => path = directory.join(next),
            Err(_) => return Ok(Some(file)),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens what a descriptor of this process refers to, and adds to it. Standard output shares its
/// position with the tables, so they follow the results even in a regular file.
fn descriptor(path: &Path) -> io::Result<File> {
    match path.to_str() {
        Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => duplicate(&io::stdout()),
        Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => duplicate(&io::stderr()),
        _ => OpenOptions::new().append(true).open(path),
    }
}

fn duplicate(stream: &impl std::os::fd::AsFd) -> io::Result<File> {
    stream.as_fd().try_clone_to_owned().map(File::from)
}

/// Writes `content` beside `file` and renames it over `file`, which keeps its owner and mode.
fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut temporary = Temporary::beside(file, content)?;
    temporary.link()?;
    fs::rename(&temporary.name, file)?;
    temporary.named = false;
    // The rename survives a power failure only then. Some file systems cannot do this.
    let _ = File::open(directory_of(file)).and_then(|directory| directory.sync_all());
    Ok(())
}

/// A file beside another one. It has a name for as short a time as the file system allows, so that
/// a kill hardly ever leaves it behind.
struct Temporary {
    file: File,
    name: PathBuf,
    /// Whether the name exists, and must be removed.
    named: bool,
}

impl Temporary {
    fn beside(file: &Path, content: &[u8]) -> io::Result<Temporary> {
        let directory = directory_of(file);
        let mut temporary = Temporary::unnamed(directory).or_else(|_| Temporary::with_name(directory))?;
        if let Ok(old) = fs::metadata(file) {
            temporary.file.set_permissions(old.permissions())?;
            // Only a privileged process can give a file away.
            let _ = fchown(&temporary.file, Some(old.uid()), Some(old.gid()));
        }
        temporary.file.write_all(content)?;
        temporary.file.sync_all()?;
        Ok(temporary)
    }

    /// Creates a file that vanishes with this process (`O_TMPFILE`).
    fn unnamed(directory: &Path) -> io::Result<Temporary> {
        let file = OpenOptions::new()
            .write(true)
            .mode(0o666)
            .custom_flags(OFlag::O_TMPFILE.bits())
            .open(directory)?;
        // It can be linked only through /proc.
        fs::metadata(link_of(&file))?;
        Ok(Temporary { file, name: directory.into(), named: false })
    }

    fn with_name(directory: &Path) -> io::Result<Temporary> {
        let create = |name: &Path| OpenOptions::new().write(true).create_new(true).mode(0o666).open(name);
        let (file, name) = free_name(directory, create)?;
        Ok(Temporary { file, name, named: true })
    }

    /// Gives the file a name if it has none.
    fn link(&mut self) -> io::Result<()> {
        if !self.named {
            let link = link_of(&self.file);
            let make = |name: &Path| {
                linkat(AT_FDCWD, &link, AT_FDCWD, name, AtFlags::AT_SYMLINK_FOLLOW).map_err(io::Error::from)
            };
            ((), self.name) = free_name(&self.name, make)?;
            self.named = true;
        }
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.named {
            let _ = fs::remove_file(&self.name);
        }
    }
}

fn link_of(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// Calls `make` with names in `directory` until one is free.
fn free_name<T>(directory: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(T, PathBuf)> {
    let mut number = 0_u32;
    loop {
        let name = directory.join(format!(".ipcraft-{}-{number}.json", process::id()));
        match make(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            made => return made.map(|made| (made, name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn save_replaces_file_and_keeps_mode_and_links() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("o.json"), directory.path().join("link"));
        fs::write(&file, "a longer old content").unwrap();
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("o.json", &link).unwrap();
        let target = ResultFile::at(&link).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "a longer old content");
        target.save(b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
        assert_eq!(names(directory.path()), ["link", "o.json"]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn save_of_named_temporary_leaves_no_other_name() {
        let directory = tempfile::tempdir().unwrap();
        let mut temporary = Temporary::with_name(directory.path()).unwrap();
        assert_eq!(names(directory.path()).len(), 1);
        let taken = Temporary::with_name(directory.path()).unwrap();
        assert_ne!(temporary.name, taken.name);
        temporary.link().unwrap();
        drop((temporary, taken));
        assert_eq!(names(directory.path()), [""; 0]);
    }

    #[test]
    fn at_dangling_link_creates_what_it_names() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("o.json", &link).unwrap();
        ResultFile::at(&link).unwrap().save(b"new").unwrap();
        assert_eq!(names(directory.path()), ["link", "o.json"]);
    }

    #[test]
    fn at_unusable_paths_names_them_and_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let circle = directory.path().join("circle");
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        for path in [directory.path(), &directory.path().join("none/o.json"), &circle] {
            let text = ResultFile::at(path).unwrap_err().to_string();
            assert!(text.contains(&format!("cannot write {}: ", path.display())), "{text}");
        }
        assert_eq!(names(directory.path()), ["circle"]);
    }

    #[test]
    fn save_to_device_writes_to_it() {
        ResultFile::at(Path::new("/dev/null")).unwrap().save(b"new").unwrap();
        let text = ResultFile::at(Path::new("/dev/full")).unwrap().save(b"new").unwrap_err().to_string();
        assert!(text.contains("cannot write /dev/full: "), "{text}");
    }
}

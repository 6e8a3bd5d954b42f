//! Objects that other programs made.

use std::process::Command;

use ipcraft_inspect::{ObjectName, Reason, State, remove};
use ipcraft_tests::suite::{Outcome, serial_test};

use super::{assert_becomes, find, object, state};

/// What a program prints; `None` if it is not installed.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let found =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&found.stdout).into_owned())
}

#[serial_test]
fn objects_of_ipcmk_are_found_and_removed() -> Outcome {
    let made = |option: &[&str]| output("ipcmk", option);
    let id = |text: String| text.split_whitespace().last().unwrap().to_owned();
    let (Some(segment), Some(queue), Some(set)) = (made(&["-M", "4096"]), made(&["-Q"]), made(&["-S", "3"]))
    else {
        return Outcome::Skipped("needs ipcmk of util-linux".into());
    };
    for (kind, text, wanted) in [
        ("sysv-shm", segment, State::Dead),
        ("sysv-mq", queue, State::Unknown(Reason::Unattached)),
        ("sysv-sem", set, State::Unknown(Reason::Unattached)),
    ] {
        let by_id: ObjectName = format!("{kind}:#{}", id(text)).parse().unwrap();
        let found = object(&by_id);
        assert_eq!(found.state, wanted, "{by_id}");
        assert_eq!(object(&found.name).identity, found.identity, "{} by its key", found.name);
        assert_eq!(remove(&found.name).unwrap(), Ok(()), "{by_id}");
        assert!(find(&by_id).is_err(), "{by_id}");
    }
    Outcome::Passed
}

#[serial_test]
fn shared_memory_of_python_is_live_until_it_ends() -> Outcome {
    let name = ipcraft::name::unique("insp-py");
    let program = format!(
        "from multiprocessing import shared_memory, resource_tracker as r\n\
         m = shared_memory.SharedMemory(name='{name}', create=True, size=4096)\n\
         r.unregister(m._name, 'shared_memory')\n\
         print('ready', flush=True)\n\
         input()"
    );
    let child = Command::new("python3")
        .args(["-c", &program])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return Outcome::Skipped("needs python3".into()) };
    let mut ready = [0; 6];
    use std::io::Read;
    if child.stdout.as_mut().unwrap().read_exact(&mut ready).is_err() {
        let _ = child.wait();
        return Outcome::Skipped("needs python3 with multiprocessing.shared_memory".into());
    }
    let name: ObjectName = format!("shm:/{name}").parse().unwrap();
    assert_eq!((state(&name), object(&name).holders[0].process.pid), (State::Live, child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_becomes(&name, State::Dead);
    assert_eq!(remove(&name).unwrap(), Ok(()));
    Outcome::Passed
}

#[serial_test]
fn shared_memory_and_semaphore_of_c_are_found_and_removed() -> Outcome {
    const SOURCE: &str = "#include <fcntl.h>\n#include <semaphore.h>\n#include <stdio.h>\n#include <sys/mman.h>\n#include <unistd.h>\n\
        int main(int n, char **a) { int fd = shm_open(a[1], O_CREAT|O_EXCL|O_RDWR, 0600);\n\
        if (fd < 0 || ftruncate(fd, 4096)) return 1;\n\
        return sem_open(a[1], O_CREAT|O_EXCL, 0600, 3) == SEM_FAILED; }\n";
    let directory = ipcraft_tests::scratch::directory();
    let source = directory.path().join("objects.c");
    std::fs::write(&source, SOURCE).unwrap();
    let Some(program) = ipcraft_tests::c::Program::compile(&source) else {
        return Outcome::Skipped("needs a C compiler".into());
    };
    let posix = format!("/{}", ipcraft::name::unique("insp-c"));
    program.run(&[&posix]);
    for (kind, size) in [("shm", 4096), ("sem", 32)] {
        let name: ObjectName = format!("{kind}:{posix}").parse().unwrap();
        assert_eq!((state(&name), object(&name).size), (State::Dead, Some(size)));
        assert_eq!(remove(&name).unwrap(), Ok(()));
        assert!(find(&name).is_err());
    }
    Outcome::Passed
}

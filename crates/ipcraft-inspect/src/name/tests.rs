use super::*;

fn parsed(text: &str) -> ObjectName {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn parse_of_every_kind_is_undone_by_display() {
    for text in [
        "chan:/ticks",
        "shm:/x y",
        "shm:/a:b",
        "sem:/Ü",
        "mq:/\\xff\\x1b[2J",
        "mq:/back\\\\slash",
        "sysv-mq:0x6a6f6273",
        "sysv-shm:0xffffffff",
        "sysv-sem:#0",
        "sysv-mq:#2147483647",
        "fifo:/run/jobs",
        "sock:/run/server",
        "sock:@",
        "sock:@bus\\x00\\x01",
        "pid:4711",
    ] {
        let name = parsed(text);
        assert_eq!(name.to_string(), text);
        assert!(text.starts_with(name.kind().word()));
        let json = serde_json::to_string(&name).unwrap();
        assert_eq!(serde_json::from_str::<ObjectName>(&json).unwrap(), name);
    }
}

#[test]
fn parse_accepts_short_and_capital_keys() {
    assert_eq!(parsed("sysv-mq:0x2A"), ObjectName::SysvQueue(SysvName::Key(42)));
    assert_eq!(parsed("sysv-mq:0x2A").to_string(), "sysv-mq:0x0000002a");
    assert_eq!(parsed("sysv-shm:0xffffffff").sysv_name(), Some(SysvName::Key(-1)));
}

#[test]
fn display_of_hostile_bytes_is_one_printable_line() {
    let name = ObjectName::SharedMemory(OsString::from_vec(b"/\x1b]0;x\x07\r\n\xe2\x80\xae\xff".to_vec()));
    let text = name.to_string();
    assert_eq!(text, "shm:/\\x1b]0;x\\x07\\x0d\\x0a\\xe2\\x80\\xae\\xff");
    assert_eq!(parsed(&text), name);
}

#[test]
fn display_pads_to_a_width() {
    assert_eq!(format!("{:10}|", parsed("pid:1")), "pid:1     |");
    assert_eq!(format!("{:>6}|", Kind::Queue), "    mq|");
}

#[test]
fn parse_of_bad_text_names_the_choices() {
    for (text, expected) in [
        (
            "",
            "KIND:NAME, where KIND is one of chan, shm, sem, mq, sysv-mq, sysv-shm, sysv-sem, fifo, sock, pid",
        ),
        ("/ticks", "KIND:NAME"),
        ("queue:/x", "unknown kind `queue`: use one of chan, shm"),
        (":/x", "unknown kind ``"),
        ("Shm:/x", "unknown kind `Shm`"),
        ("\u{1b}[2J:/x", "unknown kind `\\x1b[2J`"),
        ("shm:x", "one slash and a name"),
        ("shm:/", "one slash and a name"),
        ("shm:/..", "one slash and a name"),
        ("chan:/a/b", "one slash and a name"),
        ("sem:/a\\x00", "one slash and a name"),
        ("mq:", "`mq:` names no object: mq: is followed by one slash"),
        ("sysv-mq:3", "a key such as 0x6a6f6273, or an identifier such as #3"),
        ("sysv-mq:0x0", "a key such as"),
        ("sysv-mq:0x", "a key such as"),
        ("sysv-mq:0x+1", "a key such as"),
        ("sysv-mq:0x123456789", "a key such as"),
        ("sysv-sem:#", "an identifier such as"),
        ("sysv-sem:#-1", "an identifier such as"),
        ("sysv-sem:#2147483648", "an identifier such as"),
        ("fifo:run/jobs", "an absolute path"),
        ("fifo:/", "an absolute path"),
        ("sock:server", "an abstract name such as @bus"),
        ("pid:0", "a number from 1 to 2147483647"),
        ("pid:x", "a number from 1"),
        ("shm:/a\\n", "write \\\\ for a backslash, \\xHH for a byte"),
    ] {
        let error = text.parse::<ObjectName>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
        assert!(!error.contains('\u{1b}'), "{error:?}");
    }
}

#[test]
fn posix_name_sysv_name_and_path_are_of_their_kinds_only() {
    let of = |text: &str| {
        let name = parsed(text);
        (name.posix_name().is_some(), name.sysv_name().is_some(), name.path().is_some())
    };
    for text in ["chan:/x", "shm:/x", "sem:/x", "mq:/x"] {
        assert_eq!(of(text), (true, false, false), "{text}");
    }
    for text in ["sysv-mq:#1", "sysv-shm:#1", "sysv-sem:0x1"] {
        assert_eq!(of(text), (false, true, false), "{text}");
    }
    for text in ["fifo:/x", "sock:/x"] {
        assert_eq!(of(text), (false, false, true), "{text}");
    }
    for text in ["sock:@x", "pid:1"] {
        assert_eq!(of(text), (false, false, false), "{text}");
    }
}

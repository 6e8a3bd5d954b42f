//! The words that prose and names of this repository do without, and where they occur.

/// Words and phrases, each with what to write instead. CONTRIBUTING.md has the reasons and the
/// glossary.
const AVOIDED: &[(&[&str], &str)] = &[
    (&["who", "whoever", "whom", "he", "him", "his", "himself"], "name the thing: the caller, the peer"),
    (&["somebody", "someone", "anybody", "anyone"], "a process, a peer, any caller"),
    (&["nobody", "everybody", "everyone"], "no process, every process, all peers"),
    (&["those that", "the one that"], "repeat the noun"),
    (&["look", "looks", "looked", "looking", "a look"], "poll (a position), check (liveness), read"),
    (&["go on", "goes on", "went on", "going on"], "continue"),
    (&["at once"], "immediately; at the same time"),
    (&["so many", "so much", "of late"], "the number itself; recently"),
    (&["for ever"], "forever; without a limit"),
    (&["in its hands", "in their hands", "in the hands"], "holds"),
    (&["say", "says", "said", "tell", "tells", "told"], "state, report, return, notify"),
    (&["come back", "comes back", "coming back", "came back"], "is returned"),
    (&["give way", "gives way"], "yield"),
    (&["lie down", "lies down", "nap", "naps"], "prepare to wait; bounded wait"),
    (&["seat", "seats"], "lease; endpoint"),
    (&["bell", "bells"], "doorbell; eventcount"),
    (&["undertaker", "burial", "burials", "bury", "buries", "buried"], "recovery; reclaim"),
    (&["lull", "lulls"], "backoff"),
    (&["processor", "processors"], "CPU; core"),
    (&["twin", "twins"], "baseline"),
    (&["floor", "floors"], "limit; lower bound"),
    (
        &["is no news", "such as it is", "that is what it is for", "walk off", "walks off"],
        "a plain statement",
    ),
];

/// What a phrase may be followed by without being meant.
const MEANT_OTHERWISE: &[&str] =
    &["look up", "looks up", "looked up", "looking up", "go on to", "goes on to", "who shm:/", "who $$"];

/// Parts of names of functions and files that are avoided although the prose may need the word.
const AVOIDED_IN_NAMES: &[&str] = &["nobodys", "at_once", "so_many", "for_ever", "goes_on"];

/// The avoided words in a piece of prose, each with what to write instead.
pub(crate) fn avoided(prose: &str) -> Vec<String> {
    let prose = without_quotations(prose).to_lowercase();
    let phrases = AVOIDED.iter().flat_map(|(phrases, instead)| phrases.iter().map(move |p| (*p, *instead)));
    let mut found = Vec::new();
    for (phrase, instead) in phrases {
        let hits = occurrences(&prose, phrase);
        let hits = hits.filter(|at| !MEANT_OTHERWISE.iter().any(|other| is_at(&prose[*at..], other, phrase)));
        found.extend(hits.map(|_| format!("`{phrase}` ({instead})")));
    }
    found
}

/// Whether the text begins with a longer phrase of which the shorter one is a part.
fn is_at(text: &str, longer: &str, shorter: &str) -> bool {
    longer.starts_with(shorter) && text.starts_with(longer)
}

/// The avoided words in the name of a function or file.
pub(crate) fn avoided_in_name(name: &str) -> Vec<String> {
    let parts = format!("_{name}_");
    let words = AVOIDED.iter().flat_map(|(phrases, _)| *phrases).chain(AVOIDED_IN_NAMES);
    words
        .filter(|word| parts.contains(&format!("_{word}_")))
        .map(|word| format!("`{word}` in a name"))
        .collect()
}

/// The positions of a phrase as words of their own, not as parts of a path or of an identifier.
fn occurrences<'a>(text: &'a str, phrase: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(phrase).map(|(at, _)| at).filter(move |at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + phrase.len()..].chars().next();
        !before.is_some_and(|c| is_word(c) || "`'./-".contains(c))
            && !after.is_some_and(|c| is_word(c) || "`(".contains(c))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Prose without code in backticks, targets of links and addresses.
pub(crate) fn without_quotations(prose: &str) -> String {
    let outside_code = prose.split('`').step_by(2).collect::<Vec<_>>().join("``");
    let mut pieces = outside_code.split("](");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push(']');
        text.push_str(piece.split_once(')').map_or("", |(_, rest)| rest));
    }
    text.split_inclusive(' ').filter(|word| !word.contains("://")).collect()
}

#[test]
fn words_in_code_links_and_longer_words_are_exempt() {
    for prose in [
        "`who` waits",
        "[the page](who.md)",
        "https://example.org/who x",
        "whole",
        "who_is",
        "to look up",
        "goes on to",
    ] {
        assert_eq!(avoided(prose), Vec::<String>::new(), "{prose}");
    }
    assert_eq!(avoided("Who waits? He looks.").len(), 3);
    assert_eq!(avoided("goes on").len(), 1);
    assert_eq!(avoided_in_name("death_of_nobody_is_told").len(), 2);
    assert_eq!(avoided_in_name("lookup_of_names").len(), 0);
}

/// A Rust file with avoided words in a comment, in a string and in a name.
pub(crate) const SAMPLE: &str =
    "/// Who waits.\n/// ```\n/// who\n/// ```\nfn told() { panic!(\"he waits\") } // nobody";

//! `ipcraft lab claims`.

use std::fmt::Write as _;

use clap::ValueEnum;
use ipcraft_lab::claims::{Checked, Text, Verdict, all};
use ipcraft_report::output;

use super::{Failure, Outcome, table};

/// The columns of what was found; the table wraps longer texts.
const WIDTH: usize = 60;

/// A language of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// English
    En,
    /// Chinese
    Zh,
}

impl Language {
    fn of(self, text: &Text) -> &str {
        match self {
            Language::En => &text.en,
            Language::Zh => &text.zh,
        }
    }

    fn choose(self, both: (&'static str, &'static str)) -> &'static str {
        match self {
            Language::En => both.0,
            Language::Zh => both.1,
        }
    }
}

pub(super) fn outcome(page: Option<Language>) -> Result<Outcome, Failure> {
    let claims = all();
    let mut checked = Vec::new();
    for (number, claim) in claims.iter().enumerate() {
        let _ = output::print_aside(&format!("{}/{}: {}\n", number + 1, claims.len(), claim.sentence.0));
        checked.push(claim.check());
    }
    let text = page.map_or_else(|| listed(&checked), |language| markdown(&checked, language));
    Ok(Outcome::new(text, &checked, Vec::new())?)
}

fn listed(checked: &[Checked]) -> String {
    let mut rows = table(&["sentence", "verdict", "found here", "see"]);
    for one in checked {
        rows.add_row([
            wrapped(&one.sentence.en, WIDTH / 2),
            one.verdict.name().0.to_owned(),
            wrapped(&one.found.en, WIDTH),
            one.see.clone(),
        ]);
    }
    format!("{}\n\n{}\n", rows.trim_fmt(), summary(checked, Language::En))
}

/// Breaks a text into lines of at most this width.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("a line");
        if last.is_empty() {
            *last += word;
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            *last += " ";
            *last += word;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

fn summary(checked: &[Checked], language: Language) -> String {
    let verdicts = [Verdict::Holds, Verdict::HoldsBut, Verdict::DoesNotHold, Verdict::NotTested];
    let count = |verdict| checked.iter().filter(|one| one.verdict == verdict).count();
    let one = |verdict: Verdict| format!("{}: {}", language.choose(verdict.name()), count(verdict));
    verdicts.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

fn markdown(checked: &[Checked], language: Language) -> String {
    let mut page = String::new();
    let heading = language.choose(("What two articles state, tried here", "两篇文章的说法,在本机上检验"));
    let _ = writeln!(page, "# {heading}\n\n{}\n", summary(checked, language));
    let titles = [
        ("Processes, threads and coroutines", "进程、线程与协程"),
        ("Mutual exclusion and scheduling", "进程间通信与调度"),
    ];
    for (article, title) in (1..).zip(titles) {
        let columns = language
            .choose(("| sentence | verdict | found here | see |", "| 说法 | 结论 | 本机结果 | 参见 |"));
        let _ = writeln!(page, "## {}\n\n{columns}\n|---|---|---|---|", language.choose(title));
        for one in checked.iter().filter(|one| one.article == article) {
            let _ = writeln!(
                page,
                "| {} | {} | {} | `{}` |",
                cell(language.of(&one.sentence)),
                language.choose(one.verdict.name()),
                cell(language.of(&one.found)),
                one.see
            );
        }
        page.push('\n');
    }
    page
}

/// A cell ends at a vertical line.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_breaks_between_words() {
        assert_eq!(wrapped("one two three", 7), "one two\nthree");
        assert_eq!(wrapped("", 7), "");
    }

    #[test]
    fn page_has_both_articles_and_escapes_cells() {
        let checked = Checked {
            id: "a".into(),
            article: 2,
            sentence: Text { en: "a | b".into(), zh: "甲".into() },
            verdict: Verdict::HoldsBut,
            found: Text { en: "7".into(), zh: "七".into() },
            see: "ipcraft lab race".into(),
            seconds: 0.0,
        };
        let english = markdown(std::slice::from_ref(&checked), Language::En);
        assert!(english.contains("| a \\| b | holds, but | 7 | `ipcraft lab race` |"), "{english}");
        assert!(markdown(&[checked], Language::Zh).contains("| 甲 | 成立,但 | 七 |"));
    }
}

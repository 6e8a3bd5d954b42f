//! The sentences of two articles, each tried on this machine.
//!
//! The first article introduces processes, threads and coroutines, and how they communicate. The
//! second one covers mutual exclusion and CPU scheduling. A [`Claim`] is one of their sentences.
//! Its check is a small experiment, or one of the lab's, and the [`Verdict`] follows from what it
//! finds here. No verdict is known beforehand.

mod child;
mod coroutines;
mod exclusion;
mod kernel_objects;
mod passages;
mod pipes;
mod scheduling;
mod semaphores;
mod shared_memory;
mod signals;
mod sockets;
mod states;
mod textbook;
mod units;
mod waiting;

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::Error;

pub use passages::{PASSAGES, Passage};

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

impl Text {
    fn new(en: impl Into<String>, zh: impl Into<String>) -> Text {
        Text { en: en.into(), zh: zh.into() }
    }
}

/// What an experiment decides about a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The experiment agrees.
    Holds,
    /// It agrees, with a condition that the sentence lacks.
    HoldsBut,
    /// It disagrees.
    DoesNotHold,
    /// There is no experiment, or this machine does not permit it.
    NotTested,
}

impl Verdict {
    /// Returns its name in both languages.
    pub fn name(self) -> (&'static str, &'static str) {
        match self {
            Verdict::Holds => ("holds", "成立"),
            Verdict::HoldsBut => ("holds, but", "成立,但"),
            Verdict::DoesNotHold => ("does not hold", "不成立"),
            Verdict::NotTested => ("not tested", "未测试"),
        }
    }
}

/// A verdict with the figures that it follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    verdict: Verdict,
    found: Text,
}

impl Finding {
    fn new(verdict: Verdict, en: impl Into<String>, zh: impl Into<String>) -> Finding {
        Finding { verdict, found: Text::new(en, zh) }
    }

    /// Returns that a sentence holds if the condition does, and does not hold otherwise.
    fn holds_if(condition: bool, en: impl Into<String>, zh: impl Into<String>) -> Finding {
        Finding::new(if condition { Verdict::Holds } else { Verdict::DoesNotHold }, en, zh)
    }

    /// Returns that a sentence holds with a condition: without `holds` it does not, and without
    /// `but` it holds as it is.
    fn holds_but_if(holds: bool, but: bool, en: impl Into<String>, zh: impl Into<String>) -> Finding {
        match (holds, but) {
            (false, _) => Finding::new(Verdict::DoesNotHold, en, zh),
            (true, false) => Finding::new(Verdict::Holds, en, zh),
            (true, true) => Finding::new(Verdict::HoldsBut, en, zh),
        }
    }

    fn untested(en: impl Into<String>, zh: impl Into<String>) -> Finding {
        Finding::new(Verdict::NotTested, en, zh)
    }
}

/// A sentence of an article.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// A short name.
    pub id: &'static str,
    /// 1 for the article about processes, threads and coroutines; 2 for the one about exclusion and
    /// scheduling.
    pub article: u8,
    /// The sentence in own words, in English and in Chinese.
    pub sentence: (&'static str, &'static str),
    /// The command or example that shows it.
    pub see: &'static str,
    check: fn() -> Result<Finding, Error>,
}

/// A sentence with what was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The name of the claim.
    pub id: String,
    /// The article.
    pub article: u8,
    /// The sentence.
    pub sentence: Text,
    /// What follows from the experiment.
    pub verdict: Verdict,
    /// The figures that it follows from.
    pub found: Text,
    /// The command or example that shows it.
    pub see: String,
    /// How long the experiment took.
    pub seconds: f64,
}

/// Returns all claims, in the order of the articles.
pub fn all() -> Vec<Claim> {
    [
        units::CLAIMS,
        coroutines::CLAIMS,
        pipes::CLAIMS,
        kernel_objects::CLAIMS,
        shared_memory::CLAIMS,
        semaphores::FIRST_ARTICLE,
        signals::CLAIMS,
        sockets::CLAIMS,
        states::CLAIMS,
        exclusion::CLAIMS,
        waiting::CLAIMS,
        semaphores::SECOND_ARTICLE,
        textbook::CLAIMS,
        scheduling::CLAIMS,
    ]
    .concat()
}

impl Claim {
    /// Runs its experiment. A failure of the machine is a verdict, too: not tested.
    pub fn check(&self) -> Checked {
        let start = Instant::now();
        let finding = (self.check)().unwrap_or_else(|error| match error {
            Error::Refused => Finding::untested(error.to_string(), "系统不允许 ptrace(2)"),
            error => Finding::untested(format!("failed: {error}"), format!("实验失败:{error}")),
        });
        Checked {
            id: self.id.into(),
            article: self.article,
            sentence: Text::new(self.sentence.0, self.sentence.1),
            verdict: finding.verdict,
            found: finding.found,
            see: self.see.into(),
            seconds: start.elapsed().as_secs_f64(),
        }
    }
}

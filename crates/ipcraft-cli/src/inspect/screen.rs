//! A terminal that is drawn again and again, or plain output one after another.

use std::io::{self, IsTerminal, Write};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{queue, terminal};
use ipcraft_report::output;

/// Where a text is drawn. The former contents of a terminal return when it is dropped.
#[derive(Debug)]
pub(super) struct Screen {
    is_terminal: bool,
}

impl Screen {
    pub(super) fn open() -> io::Result<Screen> {
        let is_terminal = io::stdout().is_terminal() && !output::is_dumb();
        if is_terminal {
            let mut stdout = io::stdout().lock();
            queue!(stdout, EnterAlternateScreen, Hide)?;
            stdout.flush()?;
        }
        Ok(Screen { is_terminal })
    }

    /// Returns the columns and lines there are.
    pub(super) fn size(&self) -> (usize, usize) {
        match terminal::size() {
            Ok((columns @ 1.., lines @ 1..)) if self.is_terminal => (columns.into(), lines.into()),
            _ => (output::Page::of_stdout().width, usize::MAX),
        }
    }

    /// Draws the text, of which the first `height` lines are shown, over the last one.
    pub(super) fn draw(&mut self, text: &str, height: usize) -> io::Result<()> {
        if !self.is_terminal {
            return output::print(&format!("{text}\n"));
        }
        let mut stdout = io::stdout().lock();
        // Line by line, so that the terminal is never blank for a moment.
        for (row, line) in (0_u16..).zip(text.lines().take(height)) {
            queue!(stdout, MoveTo(0, row))?;
            write!(stdout, "{line}")?;
            queue!(stdout, Clear(ClearType::UntilNewLine))?;
        }
        if text.lines().count() < height {
            let rows = u16::try_from(text.lines().count()).unwrap_or(u16::MAX);
            queue!(stdout, MoveTo(0, rows), Clear(ClearType::FromCursorDown))?;
        }
        stdout.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.is_terminal {
            let mut stdout = io::stdout().lock();
            // There is no other place to report that this failed.
            let _ = queue!(stdout, Show, LeaveAlternateScreen).and_then(|()| stdout.flush());
        }
    }
}

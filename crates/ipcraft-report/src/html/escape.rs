//! Text within HTML and SVG.

use std::borrow::Cow;

/// Escapes a text for an element's content, and for an attribute in double quotes.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_leaves_no_markup() {
        assert_eq!(escape("</p a='1' b=\"2\">&"), "&lt;/p a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;");
        assert!(matches!(escape("pipe, 64 B"), Cow::Borrowed(_)));
    }
}

//! `#[serial_test]`: see `ipcraft_tests::suite`, which explains when to use it and runs what it
//! registers.

use std::iter::once;

use proc_macro::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// Registers the function below it with `ipcraft_tests::suite`.
///
/// `#[serial_test]` gives the test the usual time, and `#[serial_test(timeout = EXPRESSION)]`
/// another one.
#[proc_macro_attribute]
pub fn serial_test(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let Some(name) = name_of(function.clone()) else {
        return compile_error("#[serial_test] belongs above a function");
    };
    let Some(timeout) = timeout(arguments) else {
        return compile_error("the one argument of #[serial_test] is `timeout = EXPRESSION`");
    };
    function.into_iter().chain(registration(&name, timeout)).collect()
}

/// The identifier after `fn`.
fn name_of(function: TokenStream) -> Option<Ident> {
    let mut tokens = function.into_iter();
    tokens.find(|token| matches!(token, TokenTree::Ident(word) if word.to_string() == "fn"))?;
    match tokens.next()? {
        TokenTree::Ident(name) => Some(name),
        _ => None,
    }
}

/// The expression after `timeout =`, or the usual time.
fn timeout(arguments: TokenStream) -> Option<TokenStream> {
    let mut tokens = arguments.into_iter();
    match (tokens.next(), tokens.next()) {
        (None, _) => Some("::ipcraft_tests::time::TEST_TIMEOUT".parse().expect("a path")),
        (Some(TokenTree::Ident(word)), Some(TokenTree::Punct(sign))) => {
            (word.to_string() == "timeout" && sign.as_char() == '=').then(|| tokens.collect())
        }
        _ => None,
    }
}

fn registration(name: &Ident, timeout: TokenStream) -> TokenStream {
    let call: TokenStream = format!(
        "const _: () = {{
            ::ipcraft_tests::suite::inventory::submit! {{
                ::ipcraft_tests::suite::SerialTest {{
                    name: stringify!({name}),
                    module: module_path!(),
                    line: line!(),
                    timeout: TIMEOUT,
                    run: || ::std::convert::Into::into({name}()),
                }}
            }}
        }};"
    )
    .parse()
    .expect("an item");
    // In parentheses of no width, so that the expression stays whole.
    let timeout = TokenTree::Group(Group::new(Delimiter::None, timeout));
    replace(call, "TIMEOUT", &timeout)
}

/// The tokens with `replacement` wherever `word` is, at any depth.
fn replace(tokens: TokenStream, word: &str, replacement: &TokenTree) -> TokenStream {
    let replaced = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(found) if found.to_string() == word => replacement.clone(),
        TokenTree::Group(group) => {
            let inner = replace(group.stream(), word, replacement);
            TokenTree::Group(Group::new(group.delimiter(), inner))
        }
        other => other,
    });
    replaced.collect()
}

fn compile_error(message: &str) -> TokenStream {
    let call: TokenStream = format!("::core::compile_error! {{ {message:?} }}").parse().expect("an item");
    once(call).collect()
}

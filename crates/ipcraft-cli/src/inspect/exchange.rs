//! `ipcraft send`, `recv` and `peek`

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use ipcraft_inspect::escape::escape;
use ipcraft_inspect::exchange::{self, ExchangeError, Incoming, Outgoing};
use ipcraft_inspect::{MessageType, ObjectName};
use ipcraft_report::output;

use super::object_name;

/// The exit status after a time limit, as that of timeout(1).
const TIMED_OUT: u8 = 124;

/// How messages are written and read
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The bytes themselves
    Text,
    /// Two hexadecimal digits for each byte
    Hex,
    /// JSON, by the description of the channel
    Json,
}

/// The messages of an object, in a format.
struct Codec {
    format: Format,
    message_type: Option<MessageType>,
}

impl Codec {
    /// Without a format, uses JSON for a channel with a description of fields, hexadecimal digits
    /// for another channel of messages of one size, and text otherwise.
    fn new(object: &ObjectName, format: Option<Format>) -> io::Result<Codec> {
        let description = exchange::description(object).map_err(io::Error::other)?;
        let message_type = description.as_ref().and_then(exchange::message_type);
        let usual = match &description {
            Some(_) if message_type.is_some() => Format::Json,
            Some(description) if description.as_str() != "bytes" => Format::Hex,
            _ => Format::Text,
        };
        let format = format.unwrap_or(usual);
        if format == Format::Json && message_type.is_none() {
            let text = format!("{object}: it has no description of fields; use --format text or hex");
            return Err(io::Error::other(text));
        }
        Ok(Codec { format, message_type })
    }

    fn decode(&self, line: Vec<u8>) -> io::Result<Vec<u8>> {
        let text = || String::from_utf8_lossy(&line).into_owned();
        match (self.format, &self.message_type) {
            (Format::Json, Some(message_type)) => message_type.from_json(&text()).map_err(io::Error::other),
            (Format::Hex, _) => from_hex(text().trim())
                .ok_or_else(|| io::Error::other(format!("`{}` is not hexadecimal", escape(&line)))),
            _ => Ok(line),
        }
    }

    /// Returns a line without its end. A terminal gets no control characters.
    fn encode(&self, message: &[u8]) -> Vec<u8> {
        match (self.format, &self.message_type) {
            (Format::Json, Some(message_type)) => match message_type.to_json(message) {
                Some(json) => json.into_bytes(),
                None => format!("{{\"hex\":\"{}\"}}", to_hex(message)).into_bytes(),
            },
            (Format::Hex, _) => to_hex(message).into_bytes(),
            _ if io::stdout().is_terminal() => escape(message).into_bytes(),
            _ => message.to_vec(),
        }
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| Some((digit(*high)? * 16 + digit(*low)?) as u8);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// Parses a time limit: `5`, `2.5s`, `300ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.parse::<f64>().map_err(|_| "use seconds such as 2.5, or 300ms".to_owned())? * scale;
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

/// The time that is left of one limit for the whole command.
struct TimeLimit {
    start: Instant,
    limit: Option<Duration>,
}

impl TimeLimit {
    fn new(limit: Option<Duration>) -> TimeLimit {
        TimeLimit { start: Instant::now(), limit }
    }

    fn left(&self) -> Duration {
        self.limit.map_or(Duration::MAX, |limit| limit.saturating_sub(self.start.elapsed()))
    }
}

/// Prints why an exchange failed, and returns the exit status.
fn failed(error: &ExchangeError) -> ExitCode {
    output::complain(error);
    if error.is_timeout() { ExitCode::from(TIMED_OUT) } else { ExitCode::FAILURE }
}

/// Send each line of the standard input as a message
#[derive(Debug, Args)]
#[command(after_help = SEND_HELP, after_long_help = SEND_HELP)]
pub(crate) struct Send {
    /// The channel, queue, FIFO or socket, such as chan:/ticks or mq:/jobs
    #[arg(value_name = "OBJECT", value_parser = object_name)]
    object: ObjectName,
    /// Send these messages instead of the standard input
    #[arg(value_name = "MESSAGE")]
    messages: Vec<String>,
    /// Send all of the standard input as one message
    #[arg(long, conflicts_with = "messages")]
    whole: bool,
    /// The format of a message; default: JSON for a channel with fields, else text
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The priority in a POSIX queue
    #[arg(long, default_value_t = 0)]
    priority: u32,
    /// The type in a System V queue, above 0
    #[arg(long = "type", value_name = "TYPE", default_value_t = 1)]
    kind: i64,
    /// Give up after this time: 5, 2.5s, 300ms
    #[arg(long, value_parser = duration)]
    timeout: Option<Duration>,
}

const SEND_HELP: &str = "\
Examples:
  ipcraft send mq:/jobs --priority 3 'first'
  ipcraft send chan:/ticks '{\"id\":7,\"price\":0.5}'
  ipcraft send sysv-mq:0x6a6f6273 --type 2 < lines
  head -c 100 image | ipcraft send sock:@viewer --whole

Exit status: 0 done; 1 failed; 2 usage; 124 the time limit has passed";

impl Send {
    pub(crate) fn run(self) -> io::Result<ExitCode> {
        let limit = TimeLimit::new(self.timeout);
        let codec = Codec::new(&self.object, self.format)?;
        let mut outgoing = match Outgoing::open(&self.object, self.priority, self.kind, limit.left()) {
            Ok(outgoing) => outgoing,
            Err(error) => return Ok(failed(&error)),
        };
        for message in messages(self.messages, self.whole) {
            let mut bytes = codec.decode(message?)?;
            if outgoing.is_stream() && !self.whole {
                bytes.push(b'\n');
            }
            if let Err(error) = outgoing.send(&bytes, limit.left()) {
                return Ok(failed(&error));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The messages of the command line, or of the standard input.
fn messages(given: Vec<String>, whole: bool) -> Box<dyn Iterator<Item = io::Result<Vec<u8>>>> {
    if !given.is_empty() {
        return Box::new(given.into_iter().map(|message| Ok(message.into_bytes())));
    }
    if whole {
        let mut all = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut all);
        return Box::new(std::iter::once(read.map(|_| all)));
    }
    Box::new(io::stdin().lock().split(b'\n'))
}

/// Receive messages and print each on a line
#[derive(Debug, Args)]
#[command(after_help = RECV_HELP, after_long_help = RECV_HELP)]
pub(crate) struct Recv {
    /// The channel, queue, FIFO or socket, such as chan:/ticks or mq:/jobs
    #[arg(value_name = "OBJECT", value_parser = object_name)]
    object: ObjectName,
    /// End after this many messages; 0: when all senders have left
    #[arg(long, default_value_t = 1)]
    count: u64,
    /// The format of a message; default: JSON for a channel with fields, else text
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The type in a System V queue; 0: any; -N: the lowest type up to N
    #[arg(long = "type", value_name = "TYPE", default_value_t = 0, allow_negative_numbers = true)]
    kind: i64,
    /// Give up after this time: 5, 2.5s, 300ms
    #[arg(long, value_parser = duration)]
    timeout: Option<Duration>,
}

const RECV_HELP: &str = "\
The bytes of a FIFO or a stream socket are printed as they come, until its writers have left.

Examples:
  ipcraft recv mq:/jobs --timeout 2s
  ipcraft recv chan:/ticks --count 0 | jq .price
  ipcraft recv sysv-mq:0x6a6f6273 --type 2 --format hex

Exit status: 0 done; 1 failed; 2 usage; 124 the time limit has passed";

impl Recv {
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let limit = TimeLimit::new(self.timeout);
        let codec = Codec::new(&self.object, self.format)?;
        let mut incoming = match Incoming::open(&self.object, self.kind, limit.left()) {
            Ok(incoming) => incoming,
            Err(error) => return Ok(failed(&error)),
        };
        let is_stream = incoming.is_stream();
        let mut received = 0;
        while is_stream || self.count == 0 || received < self.count {
            match incoming.recv(limit.left()) {
                Ok(Some(bytes)) => print_message(&codec, &bytes, is_stream && codec.format == Format::Text)?,
                Ok(None) => break,
                Err(error) if self.count == 0 && error.is_disconnected() => break,
                Err(error) => return Ok(failed(&error)),
            }
            received += 1;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Print the messages of a channel or a System V queue, which stay there
#[derive(Debug, Args)]
#[command(after_help = PEEK_HELP, after_long_help = PEEK_HELP)]
pub(crate) struct Peek {
    /// The channel or System V queue, such as chan:/ticks or sysv-mq:#3
    #[arg(value_name = "OBJECT", value_parser = object_name)]
    object: ObjectName,
    /// Print at most this many messages
    #[arg(long, default_value_t = 10)]
    count: usize,
    /// The format of a message; default: JSON for a channel with fields, else text
    #[arg(long, value_enum)]
    format: Option<Format>,
}

const PEEK_HELP: &str = "\
The kernel copies no messages of POSIX queues, FIFOs and sockets: they can only be received.

Examples:
  ipcraft peek chan:/ticks --count 3
  ipcraft peek sysv-mq:#3 --format hex

Exit status: 0 done; 1 failed; 2 usage";

impl Peek {
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let codec = Codec::new(&self.object, self.format)?;
        match exchange::peek(&self.object, self.count) {
            Ok(messages) => {
                messages.iter().try_for_each(|message| print_message(&codec, message, false))?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => Ok(failed(&error)),
        }
    }
}

fn print_message(codec: &Codec, message: &[u8], is_raw: bool) -> io::Result<()> {
    let mut text = if is_raw { message.to_vec() } else { codec.encode(message) };
    if !is_raw {
        text.push(b'\n');
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(&text)?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_takes_seconds_and_milliseconds() {
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("2.5s"), Ok(Duration::from_millis(2500)));
        assert_eq!(duration("300ms"), Ok(Duration::from_millis(300)));
        for text in ["", "-1", "x", "5m", "nan"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hex_round_trips_and_refuses_other_texts() {
        assert_eq!(from_hex("00ff7E"), Some(vec![0, 255, 126]));
        assert_eq!(to_hex(&[0, 255, 126]), "00ff7e");
        assert_eq!((from_hex("0"), from_hex("0g"), from_hex("é")), (None, None, None));
    }
}

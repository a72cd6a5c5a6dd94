//! The functions for programs that cannot load the library: 32-bit hosts, sandboxes.
//!
//! Source: our own messages, described in README.md: a length of 4 bytes and so many bytes, fields ended by a zero byte, GBK.
//! Owns: who may connect, the bounds of a message, a caller's own card. Never: listens beyond this machine; shows a token or what
//! was called.
//! Units: bytes; lengths big-endian.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use card_calls::calls::refused;
use card_calls::{Answer, Callers, Failure, Function, Kind, Settings, Turn, Value, output};
use card_profiles::text::decode_text;
use rustix::fs::Mode;
use rustix::process::umask;
use zeroize::Zeroizing;

/// Most bytes of a message: a few texts of 16 KiB.
pub const MESSAGE_BYTES_MAX: usize = 65_536;

/// How long the rest of a message may take once it has begun, and an answer to be taken.
const WITHIN: Duration = Duration::from_secs(10);

/// Least bytes of a token.
const TOKEN_BYTES_MIN: usize = 16;

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A socket of this machine, for its owner.
    Unix(PathBuf),
    /// A port of this machine, for who knows the token.
    Loopback(SocketAddr),
}

/// Why it does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address that is neither.
    #[error("{0}")]
    Address(String),
    /// A port without a token, or a token that can be guessed.
    #[error("SSCARD_SERVER_TOKEN_FILE")]
    Token,
    /// The address cannot be used.
    #[error("{address}: {source}")]
    Listen {
        /// As given.
        address: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The server, listening.
#[derive(Debug)]
pub struct Server {
    door: Door,
    token: Zeroizing<Vec<u8>>,
}

#[derive(Debug)]
enum Door {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A connection of either kind.
trait Line: Read + Write + Send {
    fn set_times(&self, read: Option<Duration>) -> io::Result<()>;
    /// Whether the other end has hung up, so that what is sent is read by nobody.
    fn is_left(&self) -> bool;
    /// What ends it from outside.
    fn end(&self) -> io::Result<Box<dyn Fn() + Send>>;
}

impl Line for UnixStream {
    fn is_left(&self) -> bool {
        // Sending to a socket of this machine whose other end is closed fails by itself.
        false
    }

    fn set_times(&self, read: Option<Duration>) -> io::Result<()> {
        self.set_write_timeout(Some(WITHIN))?;
        self.set_read_timeout(read)
    }

    fn end(&self) -> io::Result<Box<dyn Fn() + Send>> {
        let other = self.try_clone()?;
        Ok(Box::new(move || drop(other.shutdown(Shutdown::Both))))
    }
}

impl Line for TcpStream {
    fn is_left(&self) -> bool {
        let _ = self.set_nonblocking(true);
        let is_left = match self.peek(&mut [0]) {
            Ok(seen) => seen == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        };
        let _ = self.set_nonblocking(false);
        is_left
    }

    fn set_times(&self, read: Option<Duration>) -> io::Result<()> {
        self.set_nodelay(true)?;
        self.set_write_timeout(Some(WITHIN))?;
        self.set_read_timeout(read)
    }

    fn end(&self) -> io::Result<Box<dyn Fn() + Send>> {
        let other = self.try_clone()?;
        Ok(Box::new(move || drop(other.shutdown(Shutdown::Both))))
    }
}

impl Address {
    /// `unix:PATH`, or `127.0.0.1:PORT`.
    ///
    /// # Errors
    /// [`ServerError::Address`], also for an address that other machines reach.
    pub fn parse(text: &str) -> Result<Self, ServerError> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let address = text.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback());
        address.map(Self::Loopback).ok_or_else(|| ServerError::Address(text.to_owned()))
    }
}

impl Server {
    /// Listens. `token` is what callers send first; a port wants one.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn open(address: &Address, token: Option<Zeroizing<Vec<u8>>>) -> Result<Self, ServerError> {
        let token = token.unwrap_or_default();
        let is_weak = !token.is_empty() && token.len() < TOKEN_BYTES_MIN;
        if is_weak || (token.is_empty() && matches!(address, Address::Loopback(_))) {
            return Err(ServerError::Token);
        }
        let door = match address {
            Address::Unix(path) => listen(path).map(Door::Unix),
            Address::Loopback(address) => TcpListener::bind(address).map(Door::Tcp),
        };
        let of_address = match address {
            Address::Unix(path) => format!("unix:{}", path.display()),
            Address::Loopback(address) => address.to_string(),
        };
        let door = door.map_err(|source| ServerError::Listen { address: of_address, source })?;
        Ok(Self { door, token })
    }

    /// Where it listens, as a caller writes it: with the port that the system chose.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.door {
            Door::Unix(listener) => {
                let path = listener.local_addr().ok().and_then(|address| address.as_pathname().map(Path::to_owned));
                format!("unix:{}", path.unwrap_or_default().display())
            }
            Door::Tcp(listener) => listener.local_addr().map_or_else(|_| String::new(), |address| address.to_string()),
        }
    }

    /// Serves callers until the process ends.
    pub fn serve(self) {
        let (turn, callers, next) = (Turn::default(), Callers::default(), AtomicU64::new(1));
        let token = Arc::new(self.token);
        loop {
            let line: io::Result<Box<dyn Line>> = match &self.door {
                Door::Unix(listener) => listener.accept().map(|(line, _)| Box::new(line) as Box<dyn Line>),
                Door::Tcp(listener) => listener.accept().map(|(line, _)| Box::new(line) as Box<dyn Line>),
            };
            let Ok(mut line) = line else { continue };
            let caller = next.fetch_add(1, Ordering::SeqCst);
            if !line.end().is_ok_and(|end| callers.enter(caller, end)) {
                continue;
            }
            let (turn, callers, token) = (turn.clone(), callers.clone(), Arc::clone(&token));
            std::thread::spawn(move || {
                // A caller that hangs up or says rubbish is gone: nothing to undo.
                let _ = attend(line.as_mut(), (&turn, &callers), caller, &token);
                turn.leave(caller);
                callers.leave(caller);
            });
        }
    }
}

/// A socket that only its owner may use; one that nobody listens on any more is replaced.
fn listen(path: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(path).is_err() && std::fs::symlink_metadata(path).is_ok_and(|there| is_socket(&there)) {
        std::fs::remove_file(path)?;
    }
    // From its first moment, whatever the umask of who started us: before the server serves there is one thread.
    let others = umask(Mode::RWXG | Mode::RWXO);
    let listener = UnixListener::bind(path);
    umask(others);
    listener
}

fn is_socket(there: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    there.file_type().is_socket()
}

/// Serves one caller until it hangs up.
fn attend(line: &mut dyn Line, (turn, callers): (&Turn, &Callers), caller: u64, token: &[u8]) -> io::Result<()> {
    loop {
        let Some(message) = receive(line)? else { return Ok(()) };
        let settings = Settings::load(|name| std::env::var(name).ok());
        let answer = match parsed(&message, token) {
            Ok(Asked { function, values, room }) => {
                let settings = settings.map(|settings| with_room(settings, room));
                callers.call(caller, || turn.call(caller, settings, function, &values))
            }
            Err(None) => return Ok(()),
            Err(Some(failure)) => refused(settings.as_ref().ok(), &failure),
        };
        let is_left = line.is_left();
        send(line, &answer)?;
        if !is_left {
            answer.handed_over();
        }
    }
}

/// One message; `None` when the caller has hung up.
fn receive(line: &mut dyn Line) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    line.set_times(None)?;
    let mut length = [0; 4];
    let [first, rest @ ..] = &mut length;
    if line.read(std::slice::from_mut(first))? == 0 {
        return Ok(None);
    }
    line.set_times(Some(WITHIN))?;
    line.read_exact(rest)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MESSAGE_BYTES_MAX {
        return Ok(None);
    }
    let mut message = Zeroizing::new(vec![0; length]);
    line.read_exact(&mut message)?;
    Ok(Some(message))
}

fn send(line: &mut dyn Line, answer: &Answer) -> io::Result<()> {
    let mut body = answer.code.0.to_string().into_bytes();
    body.push(0);
    for text in &answer.outputs {
        body.extend(output::gbk(text));
        body.push(0);
    }
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    line.write_all(&[&length.to_be_bytes()[..], &body].concat())
}

/// What a message asks for.
struct Asked {
    function: &'static Function,
    values: Vec<Value>,
    /// Bytes of the caller's buffers, where it says so.
    room: Option<usize>,
}

/// The settings of a call whose caller says how much its buffers hold: what does not fit there is refused before anything is done.
fn with_room(settings: Settings, room: Option<usize>) -> Settings {
    Settings { out_bytes: room.unwrap_or(settings.out_bytes), ..settings }
}

/// Function and arguments; `Err(None)` for who does not know the token.
fn parsed(message: &[u8], token: &[u8]) -> Result<Asked, Option<Failure>> {
    let body = message.strip_suffix(&[0]).ok_or(None)?;
    let mut fields = body.split(|byte| *byte == 0);
    let given = fields.next().unwrap_or_default();
    let differs = given.iter().zip(token).fold(given.len() ^ token.len(), |seen, (a, b)| seen | usize::from(a ^ b));
    if differs != 0 {
        return Err(None);
    }
    let name = String::from_utf8_lossy(fields.next().unwrap_or_default()).into_owned();
    let function = Function::named(&name).ok_or(Some(Failure::Function(name)))?;
    let mut fields: Vec<&[u8]> = fields.collect();
    let inputs: Vec<_> = function.inputs().collect();
    let mut room = None;
    if fields.len() == inputs.len() + 1
        && let Some([b'r', digits @ ..]) = fields.last()
    {
        let bytes = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        let wrong = Failure::Argument { name: "room", expected: "r and 1 to 4096" };
        room = Some(bytes.filter(|bytes| (1..=output::OUT_BYTES_MAX).contains(bytes)).ok_or(Some(wrong))?);
        fields.pop();
    }
    if fields.len() != inputs.len() {
        return Err(Some(Failure::Count { values: fields.len(), items: inputs.len() }));
    }
    let values = inputs.into_iter().zip(fields).map(|(parameter, field)| {
        let wrong = |expected| Failure::Argument { name: parameter.name, expected };
        match (parameter.kind, field) {
            (Kind::Number | Kind::Byte, [b'i', digits @ ..]) => {
                let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
                number.map(Value::Number).ok_or_else(|| wrong("a number"))
            }
            (Kind::Text | Kind::Secret | Kind::Bytes, [b's', text @ ..]) => match decode_text(text) {
                (text, false) => Ok(Value::Text(Zeroizing::new(text))),
                (_, true) => Err(Failure::Characters(parameter.name)),
            },
            (Kind::Text | Kind::Secret | Kind::Bytes, [b'-']) => Ok(Value::Absent),
            _ => Err(wrong("i and a number, s and a text, or -")),
        }
    });
    Ok(Asked { function, values: values.collect::<Result<_, _>>().map_err(Some)?, room })
}

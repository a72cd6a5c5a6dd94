//! The vpcd protocol: the card connects; the driver asks for the ATR, powers, resets, sends APDUs.
//!
//! Source: virtual smart card project: two-byte big-endian length and body; bodies of one byte are control. Its reverse
//! mode, in which the driver connects, is of no use: the driver of version 3.3 aborts the daemon when a card leaves.
//! Owns: message framing, free ports in adjacent pairs (the driver opens a port and the next one).
//! Never: waits with Nagle or delayed acknowledgement.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use socket2::SockRef;

/// Tries to find two free adjacent ports before giving up.
const PAIR_TRIES: usize = 256;

/// A message from the driver.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// Take the power away.
    PowerOff,
    /// Give power: cold reset.
    PowerOn,
    /// Warm reset.
    Reset,
    /// Answer with the ATR.
    AskAtr,
    /// Carry this out and answer; of any length, also none.
    Apdu(Vec<u8>),
}

/// The driver's side of a connection.
///
/// The driver sends length and body in two writes. Without an immediate acknowledgement of the first, the second waits
/// for the delayed-acknowledgement timer of 40 ms; the option holds for one receive only.
pub(crate) struct Prompt<'s>(pub(crate) &'s TcpStream);

impl Read for Prompt<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        SockRef::from(self.0).set_tcp_quickack(true)?;
        self.0.read(buffer)
    }
}

/// `count` ports that are free now, each with a free next one: the driver listens on both.
///
/// The driver listens itself, so another program may be quicker; [`super::Farm::start`] then tries other ports.
pub(crate) fn port_pairs(count: usize) -> io::Result<Vec<u16>> {
    let mut pairs: Vec<(u16, [TcpListener; 2])> = Vec::with_capacity(count);
    let mut refused = None;
    for _ in 0..PAIR_TRIES {
        if pairs.len() == count {
            break;
        }
        let first = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let port = first.local_addr()?.port();
        let Some(next) = port.checked_add(1) else { continue };
        match TcpListener::bind((Ipv4Addr::UNSPECIFIED, next)) {
            Ok(second) => pairs.push((port, [first, second])),
            Err(error) => refused = Some(error),
        }
    }
    if pairs.len() < count {
        return Err(refused.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()));
    }
    Ok(pairs.into_iter().map(|(port, _)| port).collect())
}

/// Whether someone listens on all of these ports. Asks the kernel: a trial connection would be a card to the driver, and
/// cost it two polls.
pub(crate) fn all_listen(ports: &[u16]) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let listening: Vec<u16> = table.lines().filter_map(listening_port).collect();
    ports.iter().all(|port| listening.contains(port))
}

/// Local port of a line `n: address:port remote:port 0A …` of the kernel's table; 0A is LISTEN.
fn listening_port(line: &str) -> Option<u16> {
    let mut words = line.split_whitespace().skip(1);
    let (local, _remote, state) = (words.next()?, words.next()?, words.next()?);
    let (_, port) = local.split_once(':')?;
    u16::from_str_radix(port, 16).ok().filter(|_| state == "0A")
}

/// Connects to the driver of a slot.
pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The next message; `None` when the driver closed the connection, inside a message too.
///
/// # Errors
/// The error of the stream.
pub fn receive(stream: &mut impl Read) -> io::Result<Option<Message>> {
    let mut length = [0; 2];
    if !read_whole(stream, &mut length)? {
        return Ok(None);
    }
    let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
    if !read_whole(stream, &mut body)? {
        return Ok(None);
    }
    Ok(Some(match body.as_slice() {
        [0] => Message::PowerOff,
        [1] => Message::PowerOn,
        [2] => Message::Reset,
        [4] => Message::AskAtr,
        _ => Message::Apdu(body),
    }))
}

/// Sends an answer in one write.
///
/// # Errors
/// The error of the stream; `InvalidInput` when the answer has more bytes than its length can say.
pub fn send(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    let length = u16::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_be_bytes()[..], body].concat())
}

fn read_whole(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < buffer.len() {
        let rest = buffer.get_mut(filled..).expect("filled is at most the length");
        match stream.read(rest) {
            Ok(0) => return Ok(false),
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart_and_survive_being_cut_anywhere() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("port");
        let card = connect(listener.local_addr().expect("address").port()).expect("connects");
        let (mut driver, _) = listener.accept().expect("accepts");
        let wire = [&[0, 1, 4, 0, 1, 1, 0, 5][..], &[0, 0x84, 0, 0, 8], &[0, 1, 2, 0, 1, 0]].concat();
        let writer = std::thread::spawn(move || {
            for byte in wire {
                driver.write_all(&[byte]).expect("writes");
            }
            driver
        });
        let expected = [
            Message::AskAtr,
            Message::PowerOn,
            Message::Apdu(vec![0, 0x84, 0, 0, 8]),
            Message::Reset,
            Message::PowerOff,
        ];
        for message in expected {
            assert_eq!(receive(&mut Prompt(&card)).expect("reads"), Some(message));
        }
        drop(writer.join().expect("no panic"));
        assert_eq!(receive(&mut Prompt(&card)).expect("reads"), None);
    }

    #[test]
    fn a_listener_is_seen_in_the_kernel_s_table() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("port");
        let port = listener.local_addr().expect("address").port();
        assert!(all_listen(&[port]));
        drop(listener);
        assert!(!all_listen(&[port]));
    }

    #[test]
    fn pairs_of_ports_are_adjacent_and_distinct() {
        let mut ports: Vec<u16> = port_pairs(8).expect("ports").into_iter().flat_map(|port| [port, port + 1]).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 16);
    }
}

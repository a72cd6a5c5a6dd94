//! Cards that answer what no card should: whatever comes, cases and a whole reading come to an end, without a panic.

use card_core::apdu::Protocol;
use card_core::transport::{Transport, TransportError};
use card_core::tries::{Guard, TriesBook};
use card_core::{Session, SessionError};
use card_profiles::approach::Means;
use card_profiles::conform::cases;
use card_profiles::read::Reader;
use card_sim::{InProcess, Socket};
use reader_cli::conform::{Outcome, Runner, Verdict};

use super::bench::{Module, bench, card, profile};

/// How one of these cards answers.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Every READ BINARY with 256 bytes, though one was asked for.
    LongReads,
    /// One answer in so many is another one, chosen by a seed.
    Seeded(u64, u64),
}

struct Hostile {
    card: InProcess,
    manner: Manner,
    state: u64,
}

impl Hostile {
    fn new(socket: &Socket, protocol: Protocol, manner: Manner) -> Self {
        let state = match manner {
            Manner::LongReads => 1,
            Manner::Seeded(seed, _) => seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
        };
        Self { card: socket.connect_with(protocol).expect("power"), manner, state }
    }

    /// A number below `bound`: xorshift, so that a run can be repeated.
    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % bound
    }

    fn noise(&mut self, bytes: u64) -> Vec<u8> {
        (0..bytes).map(|_| self.below(256).to_le_bytes()[0]).collect()
    }
}

impl Transport for Hostile {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        match self.manner {
            Manner::LongReads if command.get(1) == Some(&0xB0) => {
                answer.extend([0x5A; 256]);
                answer.extend([0x90, 0x00]);
                return Ok(());
            }
            Manner::LongReads => return self.card.transmit(command, answer),
            Manner::Seeded(..) => self.card.transmit(command, answer)?,
        }
        let Manner::Seeded(_, one_in) = self.manner else { return Ok(()) };
        if self.below(one_in) != 0 {
            return Ok(());
        }
        let asked = u64::from(command.get(4).copied().unwrap_or_default());
        *answer = match self.below(8) {
            0 => Vec::new(),
            1 => vec![0x90],
            2 => [self.noise(asked), vec![0x90, 0x00]].concat(),
            3 => {
                let bytes = self.below(300);
                [self.noise(bytes), vec![0x90, 0x00]].concat()
            }
            4 => [&answer[..answer.len() / 2], &[0x90, 0x00]].concat(),
            5 => [vec![0x61], self.noise(1)].concat(),
            6 => [vec![0x6C], self.noise(1)].concat(),
            _ => self.noise(2),
        };
        Ok(())
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.reset()
    }

    fn protocol(&self) -> Protocol {
        self.card.protocol()
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }
}

/// Every `step`th case on such a card, destructive ones too; how they ended.
fn conform(name: &str, protocol: Protocol, manner: Manner, step: usize) -> Vec<Result<Outcome, SessionError>> {
    let profile = profile(name);
    let socket = card(&profile);
    let mut module = Module::of(&profile, &socket);
    let mut bench = bench(&profile, &socket);
    bench.terminal = module.terminal().unwrap_or(bench.terminal);
    let session = Session::new(Box::new(Hostile::new(&socket, protocol, manner)));
    let mut runner = Runner::new(session, Some(&mut module), (&profile, &bench), true);
    cases(&profile, &bench).iter().step_by(step).map(|case| runner.run(case, true)).collect()
}

#[test]
fn a_read_answered_with_more_than_was_asked_for_ends_the_case_and_not_the_program() {
    for name in ["ssc-3.0", "pboc-purse"] {
        let ended = conform(name, Protocol::T1, Manner::LongReads, 1);
        assert!(ended.iter().any(|ended| matches!(ended, Err(SessionError::TooLong(256, _)))), "{name}");
    }
}

#[test]
fn no_answer_of_a_card_breaks_a_case() {
    let mut failed = 0;
    for (name, step) in [("ssc-3.0", 5), ("ssc-3.0-sm4", 7), ("pboc-purse", 3), ("psam", 1)] {
        for (seed, protocol) in [(1, Protocol::T0), (2, Protocol::T1), (3, Protocol::T0)] {
            let ended = conform(name, protocol, Manner::Seeded(seed, 4 * seed), step);
            let is_wrong = |ended: &&Result<Outcome, _>| {
                !matches!(ended, Ok(Outcome { verdict: Verdict::Passed | Verdict::Skipped(_), .. }))
            };
            failed += ended.iter().filter(is_wrong).count();
        }
    }
    assert!(failed > 100, "{failed}: the answers are wrong ones");
}

#[test]
fn no_answer_of_a_card_breaks_a_reading() {
    let mut faults = 0;
    for name in ["ssc-1.0", "ssc-3.0", "pboc-purse"] {
        let profile = profile(name);
        let socket = card(&profile);
        let factors = bench(&profile, &socket).means.factors;
        for seed in 0..40 {
            let protocol = if seed % 2 == 0 { Protocol::T0 } else { Protocol::T1 };
            let mut session =
                Session::new(Box::new(Hostile::new(&socket, protocol, Manner::Seeded(seed, 1 + seed % 5))));
            let files: Vec<(&str, &str)> =
                profile.df.iter().flat_map(|df| df.ef.iter().map(|ef| (&*df.id, &*ef.id))).collect();
            let mut reader = Reader::new(&profile, &files, Means { factors, ..Means::default() });
            let mut book = TriesBook::default();
            match session.play(&mut reader, None, &mut Guard { book: &mut book, consent: false }) {
                Ok(_) => faults += reader.finish().refusals.len(),
                Err(_) => faults += 1,
            }
        }
    }
    assert!(faults > 100, "{faults}: the answers are wrong ones");
}

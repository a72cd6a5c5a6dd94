//! What was not given is not sent: no PIN, no key, nothing that the card counts.

use std::sync::{Arc, Mutex};

use card_core::Session;
use card_core::apdu::Protocol;
use card_core::security::SecurityModule;
use card_core::transport::{Transport, TransportError};
use card_profiles::approach::{KeyVersions, Means};
use card_profiles::builtin::names;
use card_profiles::conform::{Bench, CertificatePins, Need, cases};
use card_profiles::profile::CardKind;
use card_sim::InProcess;
use reader_cli::conform::{Runner, Verdict};

use super::bench::{Module, bench, card, profile};

/// VERIFY, in its own form and in that of the certificate application.
const VERIFY: u8 = 0x20;
/// EXTERNAL AUTHENTICATION, with as many bytes as a card looks at; a shorter one is refused for its length and counts nothing.
const EXTERNAL: (u8, [u8; 3]) = (0x82, [0x08, 0x10, 0x11]);

/// Notes INS, P2 and Lc of what reaches the card.
struct Listening(InProcess, Arc<Mutex<Vec<[u8; 3]>>>);

impl Transport for Listening {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        let byte = |at: usize| command.get(at).copied().unwrap_or_default();
        self.1.lock().expect("one thread").push([byte(1), byte(3), byte(4)]);
        self.0.transmit(command, answer)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }

    fn protocol(&self) -> Protocol {
        self.0.protocol()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }
}

#[test]
fn a_secret_that_is_not_given_is_not_invented() {
    let names = names().filter(|name| !name.starts_with("region"));
    let mut run = 0;
    for name in names {
        let profile = profile(name);
        for keys in [false, true] {
            let socket = card(&profile);
            let mut module = Module::of(&profile, &socket);
            let full = bench(&profile, &socket);
            let factors = full.means.factors.filter(|_| keys);
            let means = Means { pin: None, factors, versions: KeyVersions::default() };
            let bench = Bench { means, certificate_pins: CertificatePins::default(), ..full };
            let before = socket.card().inspect();
            let sent = Arc::new(Mutex::new(Vec::new()));
            let link = Listening(socket.connect().expect("power"), Arc::clone(&sent));
            let given = keys.then_some(&mut module as &mut dyn SecurityModule);
            let mut runner = Runner::new(Session::new(Box::new(link)), given, (&profile, &bench), false);
            for case in cases(&profile, &bench) {
                let outcome = runner.run(&case, false).expect("the card answers");
                let failed = matches!(outcome.verdict, Verdict::Failed(_));
                assert!(!failed, "{name}, keys {keys}: {}: {outcome:?}", case.id);
                let lacks = case.needs.contains(&Need::Pin);
                assert!(!lacks || matches!(outcome.verdict, Verdict::Skipped(_)), "{name}: {}: {outcome:?}", case.id);
                run += usize::from(outcome.verdict == Verdict::Passed);
            }
            drop(runner);
            let sent = sent.lock().expect("one thread");
            let verifies = sent.iter().any(|[ins, ..]| *ins == VERIFY);
            assert!(!verifies, "{name}, keys {keys}: VERIFY was sent");
            // Not even of an id that is no key's: the card may be of another profile.
            let (external, lengths) = EXTERNAL;
            let proves = sent.iter().any(|[ins, _, lc]| *ins == external && lengths.contains(lc));
            assert!(keys || !proves, "{name}: EXTERNAL AUTHENTICATION was sent");
            assert_eq!(socket.card().inspect().pin, before.pin, "{name}, keys {keys}: tries");
            if profile.kind == CardKind::User {
                assert_eq!(socket.card().inspect().keys, before.keys, "{name}, keys {keys}: tries");
            }
        }
    }
    assert!(run > 500, "{run} cases were carried out");
}

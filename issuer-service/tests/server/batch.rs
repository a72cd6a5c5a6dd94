//! The server killed while a card is being made: the station says so, and goes on with the same card when it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use card_core::{Transport, TransportError};
use issuer_service::error::Explain;
use issuer_service::station::slot::Slot;

use crate::own::Server;
use crate::rig::{Desk, Rig, blank};

/// A reader beside which the server is killed at its n-th command.
struct Struck {
    desk: Desk,
    strike: Arc<Strike>,
}

struct Strike {
    commands_left: AtomicI64,
    server: Arc<Server>,
}

struct Watched {
    inner: Box<dyn Transport>,
    strike: Arc<Strike>,
}

impl Slot for Struck {
    fn name(&self) -> &str {
        self.desk.name()
    }

    fn card(&mut self, wait: Duration) -> Result<Option<Box<dyn Transport>>, TransportError> {
        let watch = |inner| Box::new(Watched { inner, strike: Arc::clone(&self.strike) }) as Box<dyn Transport>;
        Ok(self.desk.card(wait)?.map(watch))
    }

    fn emptied(&mut self, wait: Duration) -> Result<bool, TransportError> {
        self.desk.emptied(wait)
    }

    fn next(&mut self, wait: Duration) -> Result<bool, TransportError> {
        self.desk.next(wait)
    }

    fn feeds(&self) -> bool {
        true
    }
}

impl Transport for Watched {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        if self.strike.commands_left.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.strike.server.kill();
        }
        self.inner.transmit(command, answer)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.inner.reset()
    }

    fn atr(&self) -> &[u8] {
        self.inner.atr()
    }
}

#[test]
fn a_server_killed_while_cards_are_made_is_told_and_each_is_made_once() {
    let server = Arc::new(Server::start());
    for (turn, commands) in [3, 95, 140].into_iter().enumerate() {
        let database = format!("batch{turn}");
        server
            .ask("postgres", &format!("CREATE DATABASE {database} ENCODING UTF8 LOCALE 'C.UTF-8' TEMPLATE template0"));
        crate::fresh::use_database(server.address_of_keeper(&database));
        let (rig, cards) = (Rig::new(3), [blank(1), blank(2), blank(3)]);
        let strike = Strike { commands_left: AtomicI64::new(commands), server: Arc::clone(&server) };
        let strike = Arc::new(strike);
        let struck = Struck { desk: Desk::new(0, cards.to_vec()), strike: Arc::clone(&strike) };
        let stopped = rig.run_slots(vec![Box::new(struck)]).expect_err("the server was killed");
        assert!(strike.commands_left.load(Ordering::Relaxed) < 0, "{commands}: nobody was struck");
        assert_eq!((stopped.code(), stopped.retryable()), ("DATABASE_GONE", true), "{commands}");
        server.up();
        let made = rig.count("SELECT COUNT(*) FROM card WHERE state = 'sealed'").cast_unsigned();
        let summary = rig.run(vec![cards.to_vec()]).expect("it goes on");
        assert_eq!((summary.made, summary.spoilt, summary.left), (3 - made, 0, 0), "{commands}");
        rig.assert_complete(3, 0);
    }
}

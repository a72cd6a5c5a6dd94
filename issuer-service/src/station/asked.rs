//! Somebody asks a station to stop: the first signal lets it finish the cards at hand, a second one ends the program at once.
//!
//! Owns: TERM and INT of a program that makes cards. Never: interrupts a command to a card.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

static ASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on TERM and INT ask. Where a handler cannot be set, the signal ends the program as before.
pub fn listen() {
    for signal in [SIGTERM, SIGINT] {
        // In this order: the first signal finds the flag down and raises it, the second finds it up.
        let _ = flag::register_conditional_default(signal, Arc::clone(&ASKED));
        let _ = flag::register(signal, Arc::clone(&ASKED));
    }
}

/// Whether somebody has asked.
pub(super) fn is_due() -> bool {
    ASKED.load(Ordering::Relaxed)
}

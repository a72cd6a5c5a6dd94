//! Drawing ends in time, or is no drawing.
//!
//! Owns: how long a drawing may take. Never: ends a drawing that takes longer: it goes on beside us until it is done or the process is.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::fault::Fault;

/// How long (assumed): a card is drawn in tenths of a second, and a check of a template draws a few.
const DRAWING: Duration = Duration::from_secs(20);

/// What is drawn, when that is in time.
///
/// # Errors
/// [`Fault::Slow`]; [`Fault::Drawing`] when the drawing died.
pub fn in_time<T: Send + 'static>(drawing: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    within(DRAWING, drawing)
}

fn within<T: Send + 'static>(
    limit: Duration,
    drawing: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let (done, drawn) = channel();
    std::thread::spawn(move || {
        // Nobody may wait any more.
        let _ = done.send(drawing());
    });
    match drawn.recv_timeout(limit) {
        Ok(drawn) => drawn,
        Err(RecvTimeoutError::Timeout) => Err(Fault::Slow),
        Err(RecvTimeoutError::Disconnected) => Err(Fault::Drawing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_that_does_not_end_or_dies_is_told() {
        let (go, wait) = channel::<()>();
        let endless = move || Ok(wait.recv().is_ok());
        assert_eq!(within(Duration::from_millis(20), endless), Err(Fault::Slow));
        drop(go);
        assert_eq!(within(DRAWING, || Ok(7)), Ok(7));
        assert_eq!(within(DRAWING, || -> Result<u8, Fault> { panic!("dies") }), Err(Fault::Drawing));
    }
}

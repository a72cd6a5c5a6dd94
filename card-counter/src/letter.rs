//! A request to the centre as it is stored before the first send.
//!
//! Source: `settlement::message`. Owns: its path and its body. Never: sends it, decides.

use settlement::message::Request;

use crate::error::TerminalError;

/// A request as it is stored before the first send and sent again unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Path.
    pub path: &'static str,
    /// JSON body.
    pub body: String,
}

impl Letter {
    /// Writes a request down.
    ///
    /// # Errors
    /// [`TerminalError::Bug`]: never with the messages of this house.
    pub fn of<R: Request>(request: &R) -> Result<Self, TerminalError> {
        let body = serde_json::to_string(request).map_err(|_| TerminalError::Bug("a message has a JSON form"))?;
        Ok(Self { path: R::PATH, body })
    }

    /// The request that was written down.
    ///
    /// # Errors
    /// [`TerminalError::Bug`] when somebody changed it since.
    pub fn request<R: Request>(&self) -> Result<R, TerminalError> {
        serde_json::from_str(&self.body).map_err(|_| TerminalError::Bug("a letter of this journal reads back"))
    }
}

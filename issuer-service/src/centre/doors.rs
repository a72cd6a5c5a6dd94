//! Where a running centre listens: `[serve]` of `centre.toml`.
//!
//! ```toml
//! [serve]
//! listen = "127.0.0.1:7301"       # terminals on this machine, and the public checks
//! tls = "0.0.0.0:7302"            # terminals and stations elsewhere
//! tls_names = ["centre.example"]  # names under which they and operators know this centre
//! operators = "0.0.0.0:7303"      # operators, and programs that act for them
//! operators_plain = false         # without TLS, at this machine only
//! ```
//!
//! An option of `issuer serve` comes before the row of its name. Owns: these rows. Never: listens.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// The doors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Doors {
    /// Over plain HTTP, at this machine.
    pub listen: SocketAddr,
    /// For terminals and stations elsewhere, over TLS; none when absent.
    pub tls: Option<SocketAddr>,
    /// Names and addresses in the certificate of the doors over TLS.
    pub tls_names: Vec<String>,
    /// For operators; none when absent.
    pub operators: Option<SocketAddr>,
    /// Whether theirs is without TLS.
    pub operators_plain: bool,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7301)),
            tls: None,
            tls_names: ["localhost", "127.0.0.1"].map(str::to_owned).to_vec(),
            operators: None,
            operators_plain: false,
        }
    }
}

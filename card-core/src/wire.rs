//! What an exchange costs on the contacts: the T=0 wire clock.
//!
//! Source: ISO/IEC 7816-3 10 (T=0 procedure bytes); 372 clocks an etu at 3.57 MHz is 9600 baud.
//! Owns: bytes and their time. Never: measures; it counts.
//! Units: bytes on the line in either direction; microseconds.

/// Bytes and exchanges on the contacts of a T=0 card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// Command-answer pairs, GET RESPONSE and corrected repeats included.
    pub exchanges: u64,
    /// Bytes in both directions: header 5, procedure byte 1 when data follows, data, SW1-SW2.
    pub bytes: u64,
}

/// Line speed as the card's reset sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Clock of the reader in Hz.
    pub clock_hz: u64,
    /// Clock cycles an etu (F/D).
    pub clocks_per_etu: u64,
    /// etu a byte: start bit, 8 bits, parity, guard time 2.
    pub etu_per_byte: u64,
}

impl Line {
    /// After reset: F/D = 372, 3.57 MHz: 9600 baud.
    pub const RESET: Self = Self { clock_hz: 3_570_000, clocks_per_etu: 372, etu_per_byte: 12 };
    /// F/D = 31 (TA1 = 95 and faster cards): about 115,200 baud.
    pub const FAST: Self = Self { clock_hz: 3_570_000, clocks_per_etu: 31, etu_per_byte: 12 };
}

impl Wire {
    /// Adds one exchange, given the bytes handed to the reader and the answer with its status word.
    pub const fn add(&mut self, command: &[u8], answer: &[u8]) {
        let data_out = command.len().saturating_sub(5) as u64;
        let data_in = answer.len().saturating_sub(2) as u64;
        let procedure = (data_out > 0) as u64 + (data_in > 0) as u64;
        self.exchanges += 1;
        self.bytes += 5 + procedure + data_out + data_in + 2;
    }

    /// Time on the line in microseconds; the card's own work is not in it.
    #[must_use]
    pub const fn micros(&self, line: Line) -> u64 {
        self.bytes * line.etu_per_byte * line.clocks_per_etu * 1_000_000 / line.clock_hz
    }
}

impl std::ops::Add for Wire {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { exchanges: self.exchanges + other.exchanges, bytes: self.bytes + other.bytes }
    }
}

impl std::ops::Sub for Wire {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { exchanges: self.exchanges - earlier.exchanges, bytes: self.bytes - earlier.bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_basic_read_of_a_2_x_card_is_194_bytes() {
        let mut wire = Wire::default();
        wire.add(&[0; 5 + 15], &[0; 2]);
        wire.add(&[0; 5], &[0; 64 + 2]);
        wire.add(&[0; 5], &[0; 91 + 2]);
        assert_eq!(wire, Wire { exchanges: 3, bytes: 194 });
        assert_eq!(wire.micros(Line::RESET), 242_581);
    }
}

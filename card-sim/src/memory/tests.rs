//! The memory by itself: every tear, every order in which a disk may keep writes, worn cells, foreign logs.

use std::sync::{Arc, Mutex};

use super::*;

const SIZE: usize = DATA_START + 64;

fn powered() -> Memory {
    let mut memory = Memory::in_process(vec![0; SIZE]);
    memory.power_on().expect("no log");
    memory
}

fn two_changes() -> Changes {
    let mut changes = Changes::default();
    changes.set(DATA_START, &[0x11; 4]);
    changes.set(DATA_START + 8, &[0x22; 5]);
    changes
}

#[test]
fn the_check_sum_is_the_crc_of_the_standard() {
    assert_eq!(check_sum(b"123456789"), 0xCBF4_3926);
}

#[test]
fn power_lost_at_any_write_or_inside_it_leaves_the_old_or_the_new_state() {
    let old = powered().bytes()[DATA_START..].to_vec();
    let mut whole = powered();
    whole.commit(&two_changes()).expect("power");
    let new = whole.bytes()[DATA_START..].to_vec();
    let total = whole.writes();
    assert_eq!(total, 6, "two log entries, commit, two applied, clear");
    let mut seen = [0, 0];
    for half in [false, true] {
        for at in 0..total {
            let mut memory = powered();
            memory.tear_after(at, half);
            assert!(matches!(memory.commit(&two_changes()), Err(MemoryError::PowerLost)));
            memory.power_on().expect("recovers");
            let state = &memory.bytes()[DATA_START..];
            assert!(state == old || state == new, "third state at write {at}, half {half}");
            seen[usize::from(state == new)] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "both outcomes happen: {seen:?}");
}

#[test]
fn power_lost_during_recovery_is_recovered_too() {
    for half in [false, true] {
        for at in 0..3 {
            let mut memory = powered();
            memory.tear_after(3, false);
            memory.commit(&two_changes()).expect_err("torn after the commit record");
            memory.tear_after(at, half);
            memory.power_on().expect_err("torn again");
            memory.power_on().expect("recovers");
            assert_eq!(memory.read(DATA_START, 4), [0x11; 4]);
            assert_eq!(memory.read(DATA_START + 8, 5), [0x22; 5]);
        }
    }
}

#[test]
fn worn_memory_refuses_every_write_from_then_on() {
    let mut memory = powered();
    memory.wear_after(Some(6));
    memory.commit(&two_changes()).expect("six writes are left");
    for _ in 0..3 {
        assert!(matches!(memory.commit(&two_changes()), Err(MemoryError::Worn)));
    }
}

#[test]
fn a_log_that_names_foreign_addresses_is_refused_without_panic() {
    for address in [0_u32, 8, 1039, u32::try_from(SIZE).expect("small"), u32::MAX] {
        let log = [&address.to_be_bytes()[..], &[0, 1, 0xFF]].concat();
        let mut bytes = vec![0; SIZE];
        bytes[LOG_START..LOG_START + log.len()].copy_from_slice(&log);
        let record = [COMMITTED, 7_u32.to_be_bytes(), check_sum(&log).to_be_bytes()].concat();
        bytes[..RECORD_BYTES].copy_from_slice(&record);
        assert!(matches!(Memory::in_process(bytes).power_on(), Err(MemoryError::Corrupt(_))), "{address}");
    }
}

/// Two transactions on a memory, the second over the first.
fn two_transactions() -> [Changes; 2] {
    let mut second = Changes::default();
    second.set(DATA_START + 2, &[0x33; 9]);
    second.set(DATA_START + 40, &[0x44; 3]);
    [two_changes(), second]
}

/// The data before, between and after [`two_transactions`].
fn states() -> [Vec<u8>; 3] {
    let mut memory = powered();
    let mut states = vec![memory.bytes()[DATA_START..].to_vec()];
    for changes in two_transactions() {
        memory.commit(&changes).expect("power");
        states.push(memory.bytes()[DATA_START..].to_vec());
    }
    states.try_into().expect("three")
}

#[test]
fn power_lost_at_any_byte_of_any_write_leaves_the_old_or_the_new_state() {
    let [old, new, _] = states();
    let mut points = 0;
    for write in 0..6 {
        for byte in 0..16 {
            let mut memory = powered();
            memory.tear_inside(write, byte);
            assert!(matches!(memory.commit(&two_changes()), Err(MemoryError::PowerLost)));
            memory.power_on().expect("recovers");
            let now = &memory.bytes()[DATA_START..];
            assert!(now == old || now == new, "third state at byte {byte} of write {write}");
            assert!(write < 3 || now == new, "the commit record stands: {write}");
            points += 1;
        }
    }
    assert_eq!(points, 96);
}

/// What reached a disk: writes, each with its place, and where it was synchronized.
#[derive(Clone, Debug)]
enum Event {
    Write(u64, Vec<u8>),
    Sync,
}

#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Vec<Event>>>);

impl Medium for Disk {
    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().expect("one thread").push(Event::Write(at, bytes.to_vec()));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.lock().expect("one thread").push(Event::Sync);
        Ok(())
    }
}

/// Every content that a disk may have when its machine loses power: all writes before a synchronization, and of those after
/// it any, in any selection, the last of the selection whole or in half.
fn contents(events: &[Event]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for end in 0..=events.len() {
        let synced = events[..end].iter().rposition(|event| matches!(event, Event::Sync)).map_or(0, |at| at + 1);
        let mut base = vec![0; SIZE];
        let mut loose = Vec::new();
        for (at, event) in events[..end].iter().enumerate() {
            let Event::Write(address, bytes) = event else { continue };
            let address = usize::try_from(*address).expect("small");
            if at < synced {
                base[address..address + bytes.len()].copy_from_slice(bytes);
            } else {
                loose.push((address, bytes));
            }
        }
        for selection in 0..1_u32 << loose.len() {
            let kept: Vec<_> = loose.iter().enumerate().filter(|(bit, _)| selection >> bit & 1 == 1).collect();
            for half in [false, true] {
                let mut content = base.clone();
                for (number, (_, (address, bytes))) in kept.iter().enumerate() {
                    let length = if half && number + 1 == kept.len() { bytes.len() / 2 } else { bytes.len() };
                    content[*address..address + length].copy_from_slice(&bytes[..length]);
                }
                all.push(content);
            }
        }
    }
    all
}

#[test]
fn a_machine_that_loses_power_leaves_a_whole_transaction_whatever_order_its_disk_wrote_in() {
    let states = states();
    let disk = Disk::default();
    let mut memory = Memory::on(Box::new(disk.clone()), vec![0; SIZE], 0, Durability::Disk);
    memory.power_on().expect("no log");
    for changes in two_transactions() {
        memory.commit(&changes).expect("power");
    }
    let events = disk.0.lock().expect("one thread").clone();
    let mut seen = [0; 3];
    for content in contents(&events) {
        let mut memory = Memory::in_process(content);
        memory.power_on().expect("recovers");
        let now = &memory.bytes()[DATA_START..];
        let which = states.iter().position(|state| state == now);
        seen[which.expect("neither the state before a transaction nor the one after it")] += 1;
    }
    assert!(seen.iter().all(|count| *count > 10), "{seen:?}");
}

//! Card image: any file is opened or refused, head, faults and memory.
#![no_main]

use std::sync::LazyLock;

use card_sim::fault::FaultPlan;
use card_sim::image;
use libfuzzer_sys::fuzz_target;

/// A sound image of a PSAM, to be changed by the input.
static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let path = file("sound");
    let text = card_profiles::builtin_text("psam").expect("built in");
    drop(std::fs::remove_file(&path));
    image::create(&path, text, [0, 0, 0, 0, 0, 1], &FaultPlan::default()).expect("a sound image");
    let bytes = std::fs::read(&path).expect("the image can be read");
    drop(std::fs::remove_file(&path));
    bytes
});

// The first byte says how many of the next bytes replace the head; the rest replace bytes further on, three a place.
fuzz_target!(|input: &[u8]| {
    let mut bytes = SOUND.clone();
    let Some((length, rest)) = input.split_first() else { return };
    let (head, places) = rest.split_at_checked(usize::from(*length)).unwrap_or((rest, &[]));
    bytes.iter_mut().zip(head).for_each(|(byte, changed)| *byte = *changed);
    for place in places.chunks_exact(3) {
        let at = usize::from(place[0]) << 8 | usize::from(place[1]);
        if let Some(byte) = bytes.get_mut(at) {
            *byte = place[2];
        }
    }
    let path = file("changed");
    std::fs::write(&path, &bytes).expect("the folder can be written");
    let _ = image::inspect(&path);
    let _ = image::open(&path, card_sim::memory::Durability::Process);
});

fn file(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("fuzz-card-image-{}-{name}", std::process::id()))
}

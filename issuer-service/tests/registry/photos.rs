//! Photos as studios send them. Every picture here is drawn.

use std::io::Write;
use std::process::Output;

use jpeg_encoder::ColorType;
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::ask::ask;
use crate::bureau::{Bureau, HEADER, counts, issuer, json, number, row, unnamed};
use crate::drawn::{encoded, photo, pixels};

fn told(output: &Output) -> [u64; 4] {
    let report = json(output);
    ["created", "changed", "unchanged", "refused"].map(|name| report[name].as_u64().expect("a count"))
}

fn codes(output: &Output) -> Vec<String> {
    let report = json(output);
    let faults = report["faults"].as_array().expect("faults");
    faults.iter().map(|fault| fault["code"].as_str().expect("code").to_owned()).collect()
}

fn of(order: u32) -> String {
    number("19900101", order)
}

fn bureau() -> Bureau {
    let bureau = Bureau::new();
    let people = format!("{HEADER}\n{}\n{}\n{}\n", row(1, "甲"), row(2, "乙"), row(3, "丙"));
    assert_eq!(counts(&bureau.import(people)), [3, 0, 0]);
    bureau
}

#[test]
fn a_folder_of_photos_is_taken_in_once_and_every_other_file_is_told() {
    let bureau = bureau();
    std::fs::create_dir_all(bureau.path("pic/pic_001")).expect("folder");
    let put = |name: &str, bytes: &[u8]| std::fs::write(bureau.path(&format!("pic/{name}")), bytes).expect("file");
    put(&format!("{}.jpg", of(1)), &photo(1));
    put(&format!("pic_001/{}+乙.JPG", of(2)), &photo(2));
    put(&format!("{}_乙.jpg", of(3)), &photo(3));
    put(&format!("{}.jpg", of(4)), &photo(4));
    put("notes.txt", b"x");
    put(".DS_Store", b"x");
    let run = |options: &[&str]| bureau.told(&[&["photo", "import", &bureau.path("pic")], options].concat(), "");
    let dry = run(&["--dry-run"]);
    assert_eq!((dry.status.code(), told(&dry)), (Some(10), [2, 0, 0, 3]));
    let report = bureau.path("faults.csv");
    let first = run(&["--report", &report]);
    assert_eq!((first.status.code(), told(&first)), (Some(10), [2, 0, 0, 3]), "a dry run has stored nothing");
    let mut found = codes(&first);
    found.sort();
    assert_eq!(found, ["PHOTO_FILE_NAME", "PHOTO_NAME_DIFFERS", "PHOTO_PERSON_UNKNOWN"]);
    let shown = [first.stdout.clone(), first.stderr.clone(), std::fs::read(&report).expect("report")].concat();
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains("PHOTO_NAME_DIFFERS"));
    for secret in [&of(3)[4..16], "乙"] {
        assert!(!shown.contains(secret), "a name of a file is masked: {shown}");
    }
    assert_eq!(told(&run(&[])), [0, 0, 2, 3], "the second run changes nothing");
    put(&format!("{}.jpg", of(1)), &photo(9));
    put(&format!("{}+甲.jpg", of(1)), &photo(9));
    let third = run(&[]);
    assert_eq!((told(&third), codes(&third).contains(&"PHOTO_TWICE".to_owned())), ([0, 1, 1, 4], true));
    assert_eq!(ask(&bureau.data(), "SELECT COUNT(*) FROM audit WHERE act = 'photo.take'").expect("rows")[0][0], "3");
    assert_eq!(issuer(&bureau.data(), &["audit", "verify"]).status.code(), Some(0));
    let missing = bureau.told(&["photo", "import", &bureau.path("nowhere")], "");
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn a_link_in_a_folder_is_told_wherever_it_leads_and_never_followed() {
    let bureau = bureau();
    std::fs::create_dir_all(bureau.path("pic")).expect("folder");
    let elsewhere = bureau.file("elsewhere.jpg", photo(1));
    let place = |order| bureau.path(&format!("pic/{}.jpg", of(order)));
    std::fs::write(place(1), photo(1)).expect("file");
    std::os::unix::fs::symlink(&elsewhere, place(2)).expect("link");
    std::os::unix::fs::symlink(bureau.path("nowhere.jpg"), place(3)).expect("link");
    assert!(std::process::Command::new("mkfifo").arg(place(4)).status().expect("runs").success());
    let taken = bureau.told(&["photo", "import", &bureau.path("pic")], "");
    assert_eq!((taken.status.code(), told(&taken)), (Some(10), [1, 0, 0, 3]));
    assert_eq!(codes(&taken), ["PHOTO_LINK", "PHOTO_LINK", "PHOTO_NOT_PLAIN"]);
    assert_eq!(ask(&bureau.data(), "SELECT person FROM photo").expect("rows"), [["1"]]);
}

#[test]
fn no_byte_of_a_photo_stands_open_in_the_folder_and_one_in_another_row_does_not_open() {
    let bureau = bureau();
    let taken = |id: &str, tint| bureau.told(&["photo", "add", id, &bureau.file("f.jpg", photo(tint))], "");
    assert_eq!((told(&taken("1", 1)), told(&taken("2", 2))), ([1, 0, 0, 0], [1, 0, 0, 0]));
    std::fs::remove_file(bureau.path("f.jpg")).expect("removed");
    let (first, out) = (photo(1), bureau.path("out.jpg"));
    for entry in std::fs::read_dir(bureau.data()).expect("folder") {
        let path = entry.expect("entry").path();
        let bytes = if path.is_file() { std::fs::read(&path).expect("file") } else { Vec::new() };
        // Sixteen bytes of its head and of its middle: fewer would stand in sealed bytes by chance.
        for part in [&first[..16], &first[first.len() / 2..][..16]] {
            assert!(!bytes.windows(part.len()).any(|found| found == part), "{}", path.display());
        }
    }
    // Whoever sees a photo has a role and a reason, and both are on record.
    let show = |id: &str, more: &[&str]| issuer(&bureau.data(), &[&["photo", "show", id], more].concat());
    assert_eq!(show("1", &[]).status.code(), Some(0));
    assert_eq!(show("3", &[]).status.code(), Some(2));
    assert_eq!(show("1", &["--out", &out]).status.code(), Some(1), "no reason");
    let nobody = unnamed(&bureau.data(), &["photo", "show", "1", "--out", &out, "--reason", "asked"]);
    assert_eq!(nobody.status.code(), Some(1), "no operator");
    assert_eq!(issuer(&bureau.data(), &["operator", "add", "li", "--role", "capture"]).status.code(), Some(0));
    let reveal = ["--out", &out, "--reason", "asked", "--operator", "li"];
    assert_eq!(show("1", &reveal).status.code(), Some(0));
    assert_eq!(std::fs::read(&out).expect("photo"), photo(1));
    assert_eq!(show("1", &reveal).status.code(), Some(9), "what is there is not overwritten");
    let small = bureau.path("chip.jpg");
    assert_eq!(show("1", &["--out", &small, "--chip", "--reason", "asked", "--operator", "li"]).status.code(), Some(0));
    assert!((1_024..=4_096).contains(&std::fs::metadata(&small).expect("photo").len()));
    ask(&bureau.data(), "UPDATE photo SET original = (SELECT original FROM photo WHERE person = 2) WHERE person = 1")
        .expect("moved");
    let error: Value = serde_json::from_slice(&show("1", &["--format", "json"]).stderr).expect("an error");
    assert_eq!(error["code"], "ROW_DOES_NOT_OPEN");
    let remove = |more: &[&str]| {
        issuer(&bureau.data(), &[&["photo", "remove", "2", "--reason", "wrong person"], more].concat()).status.code()
    };
    let nobody = unnamed(&bureau.data(), &["photo", "remove", "2", "--reason", "wrong person"]).status.code();
    assert_eq!((nobody, remove(&["--operator", "li"])), (Some(1), Some(0)));
    assert_eq!((show("2", &[]).status.code(), remove(&["--operator", "li"])), (Some(2), Some(2)));
}

#[test]
fn archives_are_read_as_chinese_systems_pack_them_and_bombs_are_not_unpacked() {
    let bureau = bureau();
    let path = bureau.path("photos.zip");
    let mut zip = ZipWriter::new(std::fs::File::create(&path).expect("file"));
    let name = format!("pic_001/{}+乙.jpg", of(2));
    zip.start_file(format!("pic_001/{}.jpg", of(1)), SimpleFileOptions::default()).expect("entry");
    zip.write_all(&photo(1)).expect("written");
    // A placeholder of the same length as the name in GB 18030, put there behind.
    let gb = encoding_rs::GB18030.encode(&name).0.into_owned();
    let placeholder = "x".repeat(gb.len());
    zip.start_file(placeholder.as_str(), SimpleFileOptions::default()).expect("entry");
    zip.write_all(&photo(2)).expect("written");
    zip.start_file(format!("{}.jpg", of(3)), SimpleFileOptions::default()).expect("entry");
    for _ in 0..512 {
        zip.write_all(&vec![0; 1 << 20]).expect("written");
    }
    zip.finish().expect("archive");
    let mut bytes = std::fs::read(&path).expect("archive");
    assert!(bytes.len() < 2 << 20, "half a gigabyte of nothing is small");
    while let Some(at) = bytes.windows(gb.len()).position(|part| part == placeholder.as_bytes()) {
        bytes[at..at + gb.len()].copy_from_slice(&gb);
    }
    std::fs::write(&path, &bytes).expect("archive");
    let output = bureau.told(&["photo", "import", &path], "");
    assert_eq!((told(&output), codes(&output)), ([2, 0, 0, 1], vec!["PHOTO_BYTES".into(), "PHOTO_NOT_JPEG".into()]));
    for (content, code) in
        [(&bytes[..bytes.len() / 2], "PHOTO_ARCHIVE_DAMAGED"), (b"PK\x03\x04", "PHOTO_ARCHIVE_DAMAGED")]
    {
        let output = bureau.told(&["photo", "import", &bureau.file("bad.zip", content)], "");
        let error: Value = serde_json::from_slice(&output.stderr).expect("an error object");
        assert_eq!((output.status.code(), error["code"].as_str()), (Some(1), Some(code)));
    }
}

#[test]
fn the_rules_of_the_site_are_configuration_and_a_look_tells_what_they_say() {
    let bureau = bureau();
    let small = encoded(&pixels(236, 295, [255; 3], 0), 236, 295, ColorType::Rgb, false);
    let file = bureau.file("small.jpg", small);
    let look = || bureau.told(&["photo", "check", &file], "");
    let add = || bureau.told(&["photo", "add", "1", &file], "");
    assert_eq!((look().status.code(), codes(&look())), (Some(10), vec!["PHOTO_SIZE".into()]));
    assert_eq!((add().status.code(), told(&add())), (Some(10), [0, 0, 0, 1]));
    let config = bureau.data().join("centre.toml");
    let text = std::fs::read_to_string(&config).expect("config");
    std::fs::write(&config, format!("{text}\n[photo]\nwidth = 236\nheight = 295\nbytes_min = 1000\n")).expect("config");
    let looked = json(&look());
    assert_eq!((looked["good"].as_bool(), looked["white_share"].as_u64()), (Some(true), Some(100)));
    assert!(looked["chip_bytes"].as_u64().is_some_and(|bytes| bytes <= 4_096));
    assert_eq!((add().status.code(), told(&add())), (Some(0), [0, 0, 1, 0]));
    let missing = bureau.told(&["photo", "add", "99", &file], "");
    assert_eq!(missing.status.code(), Some(2));
    std::fs::write(&config, format!("{text}\n[photo]\nwdth = 236\n")).expect("config");
    assert_eq!(add().status.code(), Some(1));
}

#[test]
fn photos_are_not_taken_in_on_a_clock_that_nobody_believes() {
    let bureau = bureau();
    std::fs::create_dir(bureau.path("pic")).expect("folder");
    std::fs::write(bureau.path(&format!("pic/{}.jpg", of(1))), photo(1)).expect("file");
    let (folder, file) = (bureau.path("pic"), bureau.path(&format!("pic/{}.jpg", of(1))));
    let acts: [&[&str]; 2] = [&["photo", "import", &folder], &["photo", "add", "1", &file]];
    // The year 2026 began: days ago; and the year 2100: ahead of now.
    for (mark, code) in [("1767225600", "CLOCK_AHEAD_OF_LOG"), ("4102444800", "CLOCK_BEHIND_LOG")] {
        ask(&bureau.data(), &format!("UPDATE centre SET value = '{mark}' WHERE name = 'clock_mark'")).expect("set");
        for act in acts {
            let refused = bureau.told(act, "");
            let told = String::from_utf8_lossy(&refused.stderr);
            assert_eq!(refused.status.code(), Some(3), "{act:?}: {told}");
            assert!(told.contains(code), "{act:?}: {told}");
        }
        assert_eq!(ask(&bureau.data(), "SELECT COUNT(*) FROM photo").expect("count")[0][0], "0");
    }
}

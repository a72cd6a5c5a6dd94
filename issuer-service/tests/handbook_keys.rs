//! The handbook page on keys: every command of it, in order, in both languages the same.

#[path = "database/fresh.rs"]
mod fresh;

use std::path::Path;
use std::process::Command;

use card_core::crypto;
use card_core::key::Key16;

fn commands(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/handbook").join(page);
    let text = std::fs::read_to_string(path).expect("the page");
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().expect("a block"));
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

fn mother_card(part: u8, mine: [u8; 16], whole: [u8; 16]) -> String {
    let value = |bytes| hex::encode_upper(crypto::check_value(&Key16::new(bytes)));
    format!(
        "[[component]]\nkey = \"TRANSPORT\"\nversion = 1\nlevel = \"nation\"\npart = {part}\nof = 2\nvalue = \"{}\"\n\
         check_value = \"{}\"\nwhole = \"{}\"\n",
        hex::encode_upper(mine),
        value(mine),
        value(whole)
    )
}

#[test]
fn every_command_of_the_page_on_keys_works_as_written() {
    let commands = commands("keys.en.md");
    assert_eq!(commands, self::commands("keys.zh.md"));
    assert!(commands.len() >= 30, "{} commands", commands.len());
    let folder = tempfile::tempdir().expect("folder");
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("file");
    file("vault.passphrase", "an invented passphrase\n");
    for name in ["zhou", "qian", "wu"] {
        file(&format!("{name}.secret"), &format!("invented secret of {name}\n"));
    }
    file("dice.txt", "3 1 6 6 2 5 4 1\n");
    let (first, second): ([u8; 16], [u8; 16]) = (*b"one part, random", *b"another, as well");
    let whole = std::array::from_fn(|index| first[index] ^ second[index]);
    file("mother-zhou.toml", &mother_card(1, first, whole));
    file("mother-qian.toml", &mother_card(2, second, whole));
    std::fs::create_dir(folder.path().join("tokens")).expect("folder");
    let tokens = folder.path().join("tokens");
    file("softhsm2.conf", &format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display()));
    let config = folder.path().join("softhsm2.conf");
    let token = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "centre", "--so-pin", "20061122", "--pin", "478215"])
        .env("SOFTHSM2_CONF", &config)
        .output()
        .expect("softhsm2-util runs");
    assert!(token.status.success(), "{}", String::from_utf8_lossy(&token.stderr));
    let programs = Path::new(env!("CARGO_BIN_EXE_issuer")).parent().expect("folder").to_owned();
    let path = std::env::join_paths(
        [programs].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").expect("PATH"))),
    );
    for command in &commands {
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(folder.path())
            .env("PATH", path.as_ref().expect("a path"))
            .env("SOFTHSM2_CONF", &config)
            .env("TOKEN_PIN", "478215")
            .envs(command.contains(" init").then(fresh::fresh).flatten().map(|url| ("ISSUER_DATABASE", url)))
            .output()
            .expect("a shell");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let page = std::fs::read_to_string(folder.path().join("protocol.html")).expect("protocol");
    assert!(page.contains("zhou") && page.contains("TRANSPORT") && !page.contains("REHEARSAL"), "{page}");
}

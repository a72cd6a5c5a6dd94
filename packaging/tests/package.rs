//! The packages, made from the programs of the tests and installed into an empty root.
//!
//! Source: Debian Policy 9 (where files lie). Never: needs root or a running systemd: its units are read by `systemd-analyze`.

#[path = "package/install.rs"]
mod install;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("starts");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

#[test]
fn both_packages_go_into_an_empty_root_and_their_programs_run_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (packages, root) = (folder.path().join("packages"), folder.path().join("root"));
    let made = Command::new(repository().join("scripts/package"))
        .args(["--profile", "dev", "--out"])
        .arg(&packages)
        .env("PACKAGE_PREBUILT", "1")
        .output()
        .expect("starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let debs: Vec<PathBuf> =
        fs::read_dir(&packages).expect("packages").map(|file| file.expect("a file").path()).collect();
    assert_eq!(debs.len(), 2, "{debs:?}");
    // What dpkg keeps books in; a root that nothing was installed into has none.
    fs::create_dir_all(root.join("var/lib/dpkg/updates")).expect("made");
    fs::create_dir_all(root.join("var/lib/dpkg/info")).expect("made");
    fs::write(root.join("var/lib/dpkg/status"), "").expect("written");
    for deb in &debs {
        let rules = ["--force-depends", "--force-not-root", "--force-script-chrootless", "--no-triggers"];
        run(Command::new("dpkg")
            .arg("--root")
            .arg(&root)
            .args(rules)
            .arg("--log")
            .arg(root.join("log"))
            .arg("-i")
            .arg(deb));
        let control = run(Command::new("dpkg-deb").arg("--info").arg(deb));
        assert!(!control.contains("postinst") && !control.contains("preinst"), "{control}");
    }
    for (program, word) in [("issuer", "issuer "), ("sscard", "sscard "), ("sscard-tear", "")] {
        let said = run(Command::new(root.join("usr/bin").join(program)).arg("--version"));
        assert!(said.starts_with(word) && said.contains(env!("CARGO_PKG_VERSION")), "{said}");
    }
    for page in ["issuer", "issuer-serve", "issuer-batch-create", "sscard", "sscard-card-read"] {
        assert!(root.join(format!("usr/share/man/man1/{page}.1.gz")).is_file(), "{page}");
    }
    let completion = fs::read_to_string(root.join("usr/share/bash-completion/completions/issuer")).expect("there");
    assert!(completion.contains("self-test"));
    assert!(root.join("usr/lib/sysusers.d/sscard.conf").is_file());
    for rules in ["60-issuer.rules", "60-sscard-kiosk.rules"] {
        assert!(root.join("usr/share/polkit-1/rules.d").join(rules).is_file(), "{rules}");
    }
    for package in ["social-security-card-centre", "social-security-card-terminal"] {
        links(&root.join("usr/share/doc").join(package).join("docs"));
    }
    units(&root);
    let page = |name: &str| {
        fs::read_to_string(root.join("usr/share/doc/social-security-card-centre/docs").join(name)).expect("a page")
    };
    install::follow(&root, &page("install.en.md"), &page("install.zh.md"));
    systemd_reads(&root);
}

/// What an administrator reads leads to what is there: pages, pictures. The decisions and the folders of the code are not packed.
fn links(docs: &Path) {
    let pages =
        ["install.en.md", "install.zh.md", "handbook/start.en.md", "handbook/console.zh.md", "handbook/kiosk.en.md"];
    for page in pages {
        let text = fs::read_to_string(docs.join(page)).expect(page);
        let folder = docs.join(page).parent().expect("a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.starts_with("http") && !path.contains("adr/") {
                assert!(folder.join(path).exists(), "{page}: {link}");
            }
        }
    }
}

/// Programs that units start and other packages bring.
const OF_OTHERS: [&str; 3] = ["cage", "systemd-sysusers", "install"];

/// systemd itself finds nothing to say about the units: no key that it does not know, no program or unit that is not there.
fn systemd_reads(root: &Path) {
    let folder = root.join("usr/lib/systemd/system");
    let files = |folder: &Path| fs::read_dir(folder).expect("units").map(|unit| unit.expect("a unit").path()).collect();
    let ours: Vec<PathBuf> = files(&folder);
    assert!(ours.len() >= 8, "{ours:?}");
    // Its own targets, which it brings itself.
    let targets: Vec<PathBuf> = files(Path::new("/usr/lib/systemd/system"));
    for target in targets.iter().filter(|path| path.extension().is_some_and(|end| end == "target")) {
        let there = folder.join(target.file_name().expect("a name"));
        fs::copy(target, there).expect("copied");
    }
    for program in OF_OTHERS {
        fs::copy(root.join("usr/bin/sscard"), root.join("usr/bin").join(program)).expect("copied");
    }
    let verify = |units: &[PathBuf]| {
        let names = units.iter().map(|unit| unit.file_name().expect("a name"));
        let mut command = Command::new("systemd-analyze");
        command.arg(format!("--root={}", root.display())).args(["--man=no", "verify"]).args(names);
        run(&mut command)
    };
    assert_eq!(verify(&ours), "");
    // It would say so.
    let wrong = folder.join("wrong.service");
    fs::write(&wrong, "[Service]\nNoNewPrivilege=yes\nExecStart=/usr/bin/issuer\n").expect("written");
    assert!(verify(&[wrong]).contains("'NoNewPrivilege'"));
}

/// Every program that a unit starts is in the package, with words that it knows.
fn units(root: &Path) {
    let folder = root.join("usr/lib/systemd/system");
    let mut started = 0;
    for unit in fs::read_dir(&folder).expect("units") {
        let unit = unit.expect("a unit").path();
        let text = fs::read_to_string(&unit).expect("a text");
        for line in text.lines().filter_map(|line| line.split_once("=/usr/bin/").map(|(_, line)| line)) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let program = root.join("usr/bin").join(words[0]);
            if words[0] == "cage" {
                // Of another package, which ours asks for; the browser inside it too, and it gets an address that is served.
                let control = fs::read_to_string(repository().join("packaging/debian/sscard.control")).expect("a text");
                assert!(control.contains("cage") && control.contains("chromium") && words.contains(&"chromium"));
                assert!(words.contains(&"${KIOSK_PAGE}") && text.contains("KIOSK_PAGE=http://127.0.0.1:12343/"));
                continue;
            }
            assert!(program.is_file(), "{}: {line}", unit.display());
            let secret = |at: usize| {
                at > 0 && words.get(at - 1).is_some_and(|word| ["--passphrase", "--password"].contains(word))
            };
            let command: Vec<&str> = words
                .iter()
                .enumerate()
                .skip(1)
                .filter(|(at, word)| !secret(*at) && !word.starts_with(['-', '$']))
                .map(|(_, word)| *word)
                .collect();
            let help = run(Command::new(&program).args(&command).arg("--help"));
            assert!(help.contains("Usage"), "{line}: {help}");
            started += 1;
        }
    }
    assert!(started >= 6, "{started} commands in units");
}

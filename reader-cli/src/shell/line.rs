//! A line of the shell: words, and in scripts what is expected.
//!
//! Owns: the grammar of a line and what of it may be kept in the history. Never: carries anything out.

use std::path::PathBuf;

use card_profiles::trace::{Decoder, Guard};

use card_counter::error::ShellError;
use card_counter::language::Words;
use card_counter::secret::SecretSource;

/// What a person can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// List what is here.
    List(Option<String>),
    /// Go to a directory.
    ChangeDirectory(String),
    /// Values of a file, or its bytes.
    Show {
        /// File.
        file: String,
        /// Bytes instead of values.
        hex: bool,
    },
    /// Records of a file one by one.
    Records(String),
    /// Everything that the profile has.
    Tree,
    /// ATR, FCI, profile.
    Info,
    /// VERIFY.
    Verify {
        /// Where the PIN comes from; `None`: the prompt.
        source: Option<SecretSource>,
        /// Spend the last try.
        last_try: bool,
    },
    /// EXTERNAL AUTHENTICATION.
    Authenticate {
        /// Name of the key.
        key: String,
        /// Spend a try although the card refused the key before.
        last_try: bool,
    },
    /// GET CHALLENGE.
    Challenge(u16),
    /// Raw bytes.
    Apdu {
        /// Header, data, Le.
        bytes: Vec<u8>,
        /// Spend the last try, where they spend one.
        last_try: bool,
    },
    /// Write an item.
    Update {
        /// Item.
        place: String,
        /// Its value.
        value: String,
    },
    /// What the last answer or a value read before must be.
    Expect {
        /// Place of a value; `None`: the status word of the last command.
        place: Option<String>,
        /// Value, or status word with `x` for any digit.
        value: String,
    },
    /// Reset the card.
    Reset,
    /// The commands.
    Help,
    /// Leave.
    Exit,
}

/// The commands with what they take, in the order of the help.
pub const COMMANDS: [(&str, &str, &str, &str); 16] = [
    ("ls", "[DF]", "列出目录或文件", "directories, or the files of one"),
    ("cd", "DF | ..", "进入目录", "goes to a directory and selects it"),
    ("cat", "[DF.]EF [--hex]", "文件的内容", "values of a file, or its bytes"),
    ("records", "[DF.]EF", "逐条列出记录", "records of a file one by one"),
    ("tree", "", "全部目录和文件", "every directory and file of the profile"),
    ("info", "", "复位应答、FCI、卡片描述", "ATR, FCI, profile"),
    ("verify", "[env:NAME | file:PATH] [--last-try]", "校验口令", "VERIFY; tells the tries left before"),
    ("auth", "KEY [--last-try]", "外部认证", "EXTERNAL AUTHENTICATION with a key from the PSAM"),
    ("challenge", "[4 | 8 | 16]", "取随机数", "GET CHALLENGE"),
    ("apdu", "HEX [--last-try]", "发送原始命令", "sends bytes and explains the answer"),
    (
        "update",
        "PLACE VALUE",
        "修改数据项,金额以分计(需 --allow-update)",
        "writes an item, amounts in fen (with --allow-update)",
    ),
    ("expect", "SW | PLACE VALUE", "检查上一条的结果", "checks what came last"),
    ("reset", "", "复位", "resets the card"),
    ("help", "", "命令一览", "this list"),
    ("exit", "", "退出", "leaves"),
    ("quit", "", "退出", "leaves"),
];

/// What `apdu` takes.
pub const APDU: Words = Words::new(
    "apdu 十六进制 [--last-try]:CLA INS P1 P2,然后是 Le,或 Lc、数据和 Le",
    "apdu HEX [--last-try]: CLA INS P1 P2, then Le, or Lc, data and Le",
);

/// Bytes of a raw command: header, Lc, 255 bytes of data, Le.
const APDU_BYTES_MAX: usize = 261;

/// Splits `LINE => EXPECTED`.
#[must_use]
pub fn split(line: &str) -> (&str, Option<&str>) {
    match line.split_once("=>") {
        Some((line, expected)) => (line.trim(), Some(expected.trim())),
        None => (line.trim(), None),
    }
}

/// Whether a line is empty or a comment.
#[must_use]
pub fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

impl Act {
    /// Reads a line without its expectation.
    ///
    /// # Errors
    /// [`ShellError::Usage`] with what the command takes. Nothing of the line is repeated: it may hold a secret.
    pub fn parse(line: &str) -> Result<Self, ShellError> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let owned = |word: &str| word.to_owned();
        match words.as_slice() {
            ["ls"] => Ok(Self::List(None)),
            ["ls", directory] => Ok(Self::List(Some(owned(directory)))),
            ["cd"] => Ok(Self::ChangeDirectory("/".to_owned())),
            ["cd", directory] => Ok(Self::ChangeDirectory(owned(directory))),
            ["cat", file] => Ok(Self::Show { file: owned(file), hex: false }),
            ["cat", "--hex", file] | ["cat", file, "--hex"] => Ok(Self::Show { file: owned(file), hex: true }),
            ["records", file] => Ok(Self::Records(owned(file))),
            ["tree"] => Ok(Self::Tree),
            ["info"] => Ok(Self::Info),
            ["verify", rest @ ..] => verify(rest),
            ["auth", key] => Ok(Self::Authenticate { key: owned(key), last_try: false }),
            ["auth", key, "--last-try"] => Ok(Self::Authenticate { key: owned(key), last_try: true }),
            ["challenge"] => Ok(Self::Challenge(8)),
            ["challenge", length] => match length.parse() {
                Ok(length @ (4 | 8 | 16)) => Ok(Self::Challenge(length)),
                _ => Err(ShellError::Usage(Words::new("challenge [4 | 8 | 16]", "challenge [4 | 8 | 16]"))),
            },
            ["apdu", hex @ .., "--last-try"] => apdu(hex, true),
            ["apdu", hex @ ..] => apdu(hex, false),
            ["update", place, value @ ..] if !value.is_empty() => {
                Ok(Self::Update { place: owned(place), value: value.join(" ") })
            }
            ["expect", status] => Ok(Self::Expect { place: None, value: owned(status) }),
            ["expect", place, value @ ..] => Ok(Self::Expect { place: Some(owned(place)), value: value.join(" ") }),
            ["reset"] => Ok(Self::Reset),
            ["help" | "?"] => Ok(Self::Help),
            ["exit" | "quit"] => Ok(Self::Exit),
            _ => Err(ShellError::Usage(Words::new(
                "没有这个命令,或写法不对;用 help 查看",
                "no such command, or other words than it takes; help lists them",
            ))),
        }
    }

    /// Whether the line may be kept: no PIN, key or personal value can be in it.
    #[must_use]
    pub fn is_kept(&self, decoder: &Decoder) -> bool {
        match self {
            Self::Apdu { bytes, .. } => {
                let explained = decoder.clone().exchange(bytes, None);
                explained.parts.iter().all(|part| part.guard == Guard::Open)
            }
            Self::Update { .. } | Self::Expect { .. } => false,
            Self::Verify { source, .. } => *source != Some(SecretSource::Unknown),
            _ => true,
        }
    }
}

fn apdu(hex: &[&str], last_try: bool) -> Result<Act, ShellError> {
    match hex::decode(hex.concat()) {
        Ok(bytes) if (4..=APDU_BYTES_MAX).contains(&bytes.len()) => Ok(Act::Apdu { bytes, last_try }),
        _ => Err(ShellError::Usage(APDU)),
    }
}

fn verify(words: &[&str]) -> Result<Act, ShellError> {
    let last_try = words.contains(&"--last-try");
    let sources: Vec<&&str> = words.iter().filter(|word| **word != "--last-try").collect();
    let source = match sources.as_slice() {
        [] => None,
        [one] => match one.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Some(SecretSource::Variable(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Some(SecretSource::File(PathBuf::from(path))),
            _ if **one == "prompt" => Some(SecretSource::Prompt),
            _ => Some(SecretSource::Unknown),
        },
        _ => {
            return Err(ShellError::Usage(Words::new(
                "verify [env:名称 | file:路径] [--last-try]",
                "verify [env:NAME | file:PATH] [--last-try]",
            )));
        }
    };
    Ok(Act::Verify { source, last_try })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_meant() {
        assert_eq!(Act::parse("cat DF03.EF05 --hex"), Ok(Act::Show { file: "DF03.EF05".to_owned(), hex: true }));
        let challenge = |last_try| Ok(Act::Apdu { bytes: vec![0, 0x84, 0, 0, 8], last_try });
        assert_eq!(Act::parse("apdu 00 84 00 00 08"), challenge(false));
        assert_eq!(Act::parse("apdu 0084000008 --last-try"), challenge(true));
        assert_eq!(split("apdu 0084000008 => xx 9000"), ("apdu 0084000008", Some("xx 9000")));
        assert_eq!(Act::parse("challenge 4"), Ok(Act::Challenge(4)));
        let update = Act::Update { place: "SSSE.EF06.name".to_owned(), value: "张 三".to_owned() };
        assert_eq!(Act::parse("update SSSE.EF06.name 张 三"), Ok(update));
        for wrong in
            ["", "dance", "apdu", "apdu 00", "apdu zz", "challenge 5", "cat", "update SSSE.EF06.name", "verify a b"]
        {
            assert!(matches!(Act::parse(wrong), Err(ShellError::Usage(_))), "{wrong}");
        }
        assert!(is_blank("  # note") && is_blank("") && !is_blank("ls"));
    }

    #[test]
    fn every_command_of_the_help_is_one() {
        for (name, takes, zh, en) in COMMANDS {
            assert!(!zh.is_empty() && en.is_ascii(), "{name}");
            let sample = match name {
                "apdu" => "apdu 0084000008".to_owned(),
                "challenge" => "challenge 8".to_owned(),
                "verify" => "verify env:PIN --last-try".to_owned(),
                name if takes.is_empty() => name.to_owned(),
                name => format!(
                    "{name} {}",
                    takes.split(" | ").last().unwrap_or_default().replace(['[', ']'], "").replace(" --hex", "")
                ),
            };
            assert!(Act::parse(&sample).is_ok(), "{sample}");
        }
    }

    #[test]
    fn lines_with_secrets_are_not_kept() {
        let kept = |line: &str| Act::parse(line).expect(line).is_kept(&Decoder::new());
        for line in
            ["ls", "cat EF05", "apdu 00A4000002EF05", "apdu 0084000008", "verify", "verify env:PIN", "auth RK1DF03"]
        {
            assert!(kept(line), "{line}");
        }
        for line in [
            "verify 123456",
            "apdu 0020000003123456",
            "apdu 805E010007123456FF654321",
            "apdu 80AA0000021234",
            "apdu 00DC0204130A",
            "apdu 84D4000004AABBCCDD",
            "update SSSE.EF06.name 张三",
            "expect SSSE.EF06.name 张三",
        ] {
            assert!(!kept(line), "{line}");
        }
    }
}

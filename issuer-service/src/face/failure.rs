//! Why no face was printed, in words for who asked.
//!
//! Owns: these errors. Never: says what stands on the card.

use std::io;
use std::path::PathBuf;

use card_face::{Fault, FontsError};

use crate::error::{Explain, Missing};
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::store::StoreError;

/// Why nothing was printed.
#[derive(Debug, thiserror::Error)]
pub enum FaceError {
    /// The template breaks a rule.
    #[error("the template: {}", first(.0).map(Fault::en).unwrap_or_default())]
    Template(Vec<Fault>),
    /// What is to be printed does not go onto this side.
    #[error("{}", first(.0).map(Fault::en).unwrap_or_default())]
    Content(Vec<Fault>),
    /// No Chinese font.
    #[error(transparent)]
    Fonts(#[from] FontsError),
    /// A template's file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A template's file is larger than any template.
    #[error("{} has more than {most} bytes", path.display())]
    Large {
        /// The file.
        path: PathBuf,
        /// Most.
        most: u64,
    },
    /// A file whose ending is no form.
    #[error("the file's ending is neither .png nor .pdf")]
    Ending,
    /// A file whose name says whose card it is.
    #[error("the name of the file holds the holder's name or a number")]
    Tells,
    /// The card is not made, or is out of use.
    #[error("a card in state {state} is not printed")]
    State {
        /// State as stored.
        state: String,
    },
    /// The face cannot be written there.
    #[error("{}: {source}", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No such card.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// Who asks.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn first(faults: &[Fault]) -> Option<&Fault> {
    faults.first()
}

impl FaceError {
    /// Faults of a card's side.
    #[must_use]
    pub fn of(faults: Vec<Fault>) -> Self {
        if faults.iter().any(Fault::is_of_template) { Self::Template(faults) } else { Self::Content(faults) }
    }
}

impl Explain for FaceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Template(faults) | Self::Content(faults) => first(faults).map_or("FACE_NOT_DRAWN", Fault::code),
            Self::Fonts(FontsError::Missing) => "FACE_FONT_MISSING",
            Self::Fonts(FontsError::Unreadable { .. }) => "FACE_FONTS_UNREADABLE",
            Self::Unreadable { .. } => "FACE_TEMPLATE_UNREADABLE",
            Self::Large { .. } => "FACE_TEMPLATE_LARGE",
            Self::Ending => "FACE_FORM_UNKNOWN",
            Self::Tells => "FACE_FILE_TELLS",
            Self::State { .. } => "FACE_CARD_STATE",
            Self::NotWritten { .. } => "FACE_NOT_WRITTEN",
            Self::Missing(error) => error.code(),
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::Template(faults) | Self::Content(faults) => {
                let told: Vec<String> = faults.iter().map(|fault| lang.pick(fault.zh(), fault.en())).collect();
                told.join(lang.pick("；", "; "))
            }
            Self::Fonts(FontsError::Missing) => lang.pick(
                "本机没有中文字体，未印刷".to_owned(),
                "this machine has no Chinese font; nothing was printed".to_owned(),
            ),
            Self::Fonts(FontsError::Unreadable { path, source }) | Self::Unreadable { path, source } => lang.pick(
                format!("{} 无法读取: {source}", path.display()),
                format!("{} cannot be read: {source}", path.display()),
            ),
            Self::Large { path, most } => lang.pick(
                format!("{} 超过 {most} 字节", path.display()),
                format!("{} has more than {most} bytes", path.display()),
            ),
            Self::Ending => lang.pick(
                "输出文件的扩展名不是 .png 或 .pdf".to_owned(),
                "the name of the file ends neither in .png nor in .pdf".to_owned(),
            ),
            Self::Tells => lang.pick(
                "文件名含有持卡人的姓名或号码，未印刷".to_owned(),
                "the name of the file holds the holder's name or a number; nothing was printed".to_owned(),
            ),
            Self::State { state } => {
                lang.pick(format!("状态为 {state} 的卡不印刷"), format!("a card in state {state} is not printed"))
            }
            Self::NotWritten { path, source } => lang.pick(
                format!("无法写入 {}: {source}", path.display()),
                format!("{} cannot be written: {source}", path.display()),
            ),
            Self::Missing(error) => error.what(lang),
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Template(faults) | Self::Content(faults) => {
                let fallback =
                    lang.pick("用 issuer face template check 查看模板", "look at it with `issuer face template check`");
                first(faults).map_or(fallback, |fault| lang.pick(fault.next_zh(), fault.next_en()))
            }
            Self::Fonts(FontsError::Missing) => {
                lang.pick("安装软件包 fonts-wqy-microhei", "install the package fonts-wqy-microhei")
            }
            Self::Fonts(FontsError::Unreadable { .. }) | Self::Unreadable { .. } => {
                lang.pick("核对文件是否存在、可读", "look whether it is there and may be read")
            }
            Self::Large { .. } => lang.pick(
                "缩小底图，例如减少路径的点或降低内嵌图像的分辨率",
                "make the artwork smaller: fewer points of its paths, or images of a lower resolution",
            ),
            Self::Ending => lang.pick("例如 --out front.png", "for instance --out front.png"),
            Self::Tells => lang.pick("换一个文件名，例如任务号", "take another name, the job's number for instance"),
            Self::State { .. } => lang.pick(
                "只印刷封存或正常的卡；issuer card show 显示状态",
                "cards sealed or in use are printed; `issuer card show` says the state",
            ),
            Self::NotWritten { .. } => {
                lang.pick("换一个可写且尚不存在的文件", "name a file that can be written and does not exist yet")
            }
            Self::Missing(error) => error.next(lang),
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Template(_) | Self::Content(_) | Self::State { .. } => Exit::Refused,
            Self::Ending | Self::Tells | Self::Large { .. } => Exit::Usage,
            Self::Fonts(_) | Self::Unreadable { .. } => Exit::NotFound,
            Self::NotWritten { .. } => Exit::Storage,
            Self::Missing(error) => error.exit(),
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Template(_)
            | Self::Content(_)
            | Self::Fonts(_)
            | Self::Unreadable { .. }
            | Self::Large { .. }
            | Self::Ending
            | Self::Tells
            | Self::State { .. }
            | Self::NotWritten { .. }
            | Self::Missing(_)
            | Self::Operator(_) => false,
        }
    }
}

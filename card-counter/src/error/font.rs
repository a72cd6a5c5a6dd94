//! Why there is no font for a receipt that is drawn.
//!
//! Owns: these errors, and where a font is looked for. Never: reads one; texts (`error::wording`).

use std::path::PathBuf;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    /// None of the known places has one.
    #[error("no Chinese font in {}", Self::PLACES.join(", "))]
    Missing,
    /// The one named cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// As given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The one named is no font, or lacks Chinese.
    #[error("{}: no outline font with Chinese characters", path.display())]
    Unusable {
        /// As given.
        path: PathBuf,
    },
}

impl FontError {
    /// Where packages of distributions put Chinese fonts: `fonts-wqy-microhei`, `fonts-wqy-zenhei`, `fonts-noto-cjk`.
    pub const PLACES: [&str; 5] = [
        "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
        "/usr/share/fonts/wqy-microhei/wqy-microhei.ttc",
        "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    ];
}

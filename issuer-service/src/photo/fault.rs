//! What can be wrong with a photo, in words for those who took it.
//!
//! Owns: codes, messages, remedies. Never: names a person.

use crate::lang::Lang;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoFault {
    /// The name of the file is no number of a citizen, or a number and a name.
    FileName,
    /// Nobody is registered with this number.
    PersonUnknown,
    /// The person with this number bears another name.
    NameDiffers,
    /// Another file of this run is of the same person.
    Twice {
        /// Place of that file, from 1.
        first: u64,
    },
    /// The file cannot be read.
    Unreadable,
    /// No JPEG.
    NotJpeg,
    /// Cut off or contradicting itself.
    Damaged,
    /// Something follows the end of the picture.
    Trailing {
        /// Bytes behind it.
        bytes: u64,
    },
    /// A link to another file.
    Link,
    /// A pipe, a socket, a device.
    NotPlain,
    /// Arithmetic or lossless coding.
    Coding,
    /// Other dimensions.
    Size {
        /// Pixels across.
        width: u16,
        /// Pixels down.
        height: u16,
        /// Both as they must be.
        expected: (u16, u16),
    },
    /// Coded in passes that refine it.
    Progressive,
    /// Four colours of print.
    Cmyk,
    /// Its head says that it is to be turned.
    Rotated,
    /// Not three parts of 8 bits.
    Colour,
    /// Too few or too many bytes.
    Bytes {
        /// Bytes found.
        found: u64,
        /// Fewest.
        least: u64,
        /// Most.
        most: u64,
    },
    /// The background is not white.
    Background {
        /// Share of white pixels, in hundredths.
        share: u8,
        /// Least.
        least: u8,
    },
    /// Even the smallest likeness is too large for the chip.
    ChipTooSmall,
}

impl PhotoFault {
    /// Stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::FileName => "PHOTO_FILE_NAME",
            Self::PersonUnknown => "PHOTO_PERSON_UNKNOWN",
            Self::NameDiffers => "PHOTO_NAME_DIFFERS",
            Self::Twice { .. } => "PHOTO_TWICE",
            Self::Unreadable => "PHOTO_UNREADABLE",
            Self::NotJpeg => "PHOTO_NOT_JPEG",
            Self::Damaged => "PHOTO_DAMAGED",
            Self::Trailing { .. } => "PHOTO_TRAILING",
            Self::Link => "PHOTO_LINK",
            Self::NotPlain => "PHOTO_NOT_PLAIN",
            Self::Coding => "PHOTO_CODING",
            Self::Size { .. } => "PHOTO_SIZE",
            Self::Progressive => "PHOTO_PROGRESSIVE",
            Self::Cmyk => "PHOTO_CMYK",
            Self::Rotated => "PHOTO_ROTATED",
            Self::Colour => "PHOTO_COLOUR",
            Self::Bytes { .. } => "PHOTO_BYTES",
            Self::Background { .. } => "PHOTO_BACKGROUND",
            Self::ChipTooSmall => "PHOTO_CHIP",
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn message(self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::Size { width, height, expected: (w, h) } => {
                return lang.pick(
                    format!("照片为 {width} x {height} 像素，应为 {w} x {h}"),
                    format!("{width} x {height} pixels instead of {w} x {h}"),
                );
            }
            // How many more they are is not known: no more is read.
            Self::Bytes { found, least, most } if found > most => {
                return lang.pick(
                    format!("文件超过 {most} 字节，应为 {least} 至 {most} 字节"),
                    format!("more than {most} bytes; the site takes {least} to {most}"),
                );
            }
            Self::Bytes { found, least, most } => {
                return lang.pick(
                    format!("文件 {found} 字节，应为 {least} 至 {most} 字节"),
                    format!("{found} bytes; the site takes {least} to {most}"),
                );
            }
            Self::Background { share, least } => {
                return lang.pick(
                    format!("背景只有 {share}% 是白色，应不少于 {least}%"),
                    format!("only {share} % of the background is white, at least {least} % must be"),
                );
            }
            Self::Trailing { bytes } => {
                return lang.pick(
                    format!("照片结束之后还有 {bytes} 字节别的内容"),
                    format!("{bytes} bytes of something else follow the end of the picture"),
                );
            }
            Self::Twice { first } => {
                return lang.pick(
                    format!("第 {first} 个文件是同一人的照片"),
                    format!("file {first} is a photo of the same person"),
                );
            }
            Self::FileName => {
                ("文件名不是“号码.jpg”或“号码+姓名.jpg”", "the file is not named NUMBER.jpg or NUMBER+NAME.jpg")
            }
            Self::PersonUnknown => ("此号码未登记", "nobody is registered with this number"),
            Self::NameDiffers => ("文件名中的姓名与登记的不同", "the name of the file is not the registered one"),
            Self::Unreadable => ("文件读不出来", "the file cannot be read"),
            Self::NotJpeg => ("不是 JPEG 文件", "not a JPEG file"),
            Self::Link => ("这是链接，不是照片文件；不跟随链接", "a link and no photo: links are not followed"),
            Self::NotPlain => {
                ("不是普通文件（是管道、设备等），没有打开", "no plain file but a pipe or a device; it was not opened")
            }
            Self::Damaged => ("JPEG 文件已损坏", "the JPEG is damaged"),
            Self::Coding => ("无损或算术编码的 JPEG", "a JPEG coded lossless or arithmetic"),
            Self::Progressive => ("渐进式 JPEG", "a progressive JPEG"),
            Self::Cmyk => ("四色（CMYK）印刷用 JPEG", "a JPEG in the four colours of print (CMYK)"),
            Self::Rotated => {
                ("文件头注明照片需旋转或翻转", "its head says that the picture is to be turned or mirrored")
            }
            Self::Colour => ("不是 24 位彩色", "not 24-bit colour"),
            Self::ChipTooSmall => {
                ("缩小后仍放不进芯片的照片文件", "even reduced it does not fit the chip's photo file")
            }
        };
        lang.pick(zh, en).to_owned()
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::FileName => ("改文件名", "rename the file"),
            Self::PersonUnknown => ("先登记此人", "register the person first"),
            Self::NameDiffers => ("核实照片是谁的", "find out whose photo it is"),
            Self::Twice { .. } => ("每人只留一张", "leave one photo for each person"),
            Self::Unreadable => ("检查文件和权限", "check the file and its permissions"),
            Self::Link | Self::NotPlain => ("把照片本身放进文件夹", "put the photo itself into the folder"),
            Self::NotJpeg | Self::Damaged | Self::Trailing { .. } => ("重新导出为 JPEG", "export it again as a JPEG"),
            Self::Coding | Self::Progressive => {
                ("用“基线”（非渐进）方式重新导出", "export it again as a baseline JPEG, not a progressive one")
            }
            Self::Cmyk | Self::Colour => ("重新导出为 24 位 RGB", "export it again in 24-bit RGB"),
            Self::Rotated => ("在看图软件中转正后另存", "turn it upright in a picture program and save it again"),
            Self::Size { .. } => ("按规定尺寸重新裁剪或重拍", "crop it again, or take it again, in the size asked for"),
            Self::Bytes { .. } => ("换一个压缩质量重新导出", "export it again with another quality"),
            Self::Background { .. } => {
                ("用白色背景重拍，不加边框", "take it again before a white background, without a frame")
            }
            Self::ChipTooSmall => ("换背景更干净的照片", "use a photo with a plainer background"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

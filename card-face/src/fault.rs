//! What is wrong with a template, or with what is to be printed by it.
//!
//! Owns: the codes, both texts of each, what to do next. Never: holds a name, a number, or a character of either.

use crate::fonts::Script;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.en())]
pub enum Fault {
    /// More text than a template may have.
    Large {
        /// Most bytes.
        most: usize,
    },
    /// No XML, or XML with a document type.
    Xml {
        /// What the parser said.
        said: String,
    },
    /// Not `width="85.6mm" height="53.98mm" viewBox="0 0 85.6 53.98"`.
    Size,
    /// `data-bleed` is no number of millimetres from 0 to 5.
    Bleed,
    /// An element that templates do not have.
    Element {
        /// Line, from 1.
        line: u32,
        /// Its name.
        name: String,
    },
    /// An attribute that templates do not have.
    Attribute {
        /// Line, from 1.
        line: u32,
        /// Its name.
        name: String,
    },
    /// A file or an address outside the template.
    Outside {
        /// Line, from 1.
        line: u32,
    },
    /// An image inside the template that is none, or too large.
    Image {
        /// Line, from 1.
        line: u32,
    },
    /// More elements, or deeper ones, than are drawn.
    Many {
        /// What there is too much of: `elements`, `depth`, `uses`, `layers`, `images`.
        what: &'static str,
        /// Most.
        most: usize,
    },
    /// A `use` of something that has a `use` or an image inside, or of nothing.
    Use {
        /// Line, from 1.
        line: u32,
    },
    /// A name of a field that nobody knows.
    Field {
        /// Line, from 1.
        line: u32,
        /// What stands there.
        name: String,
    },
    /// A field without font-size, data-width, data-size-min or sample text, or on the wrong element.
    FieldShape {
        /// Line, from 1.
        line: u32,
        /// The field.
        field: &'static str,
        /// What is missing or wrong: an attribute, or `text`.
        what: &'static str,
    },
    /// A side lacks what has to be on it.
    Lacks {
        /// The field, or the legend.
        what: &'static str,
    },
    /// A text does not fit, even at its smallest size.
    Long {
        /// The field.
        field: &'static str,
    },
    /// Ink of a field lies outside of the card.
    OffCard {
        /// The field.
        field: &'static str,
    },
    /// Two fields lie on each other.
    Overlap {
        /// One.
        field: &'static str,
        /// The other.
        other: &'static str,
    },
    /// Paper shows at an edge, or in the bleed that the template promises.
    Bare,
    /// No font here has a character.
    Glyph {
        /// The field; `template` for its own text.
        field: &'static str,
        /// Script of the character.
        script: Script,
    },
    /// A field is printed on this side and there is nothing to print.
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A number beyond every drawing.
    Far {
        /// Line, from 1.
        line: u32,
        /// The attribute.
        name: String,
    },
    /// It takes too long to draw.
    Slow,
    /// The photo is no JPEG that can be drawn.
    Photo,
    /// The template cannot be drawn.
    Drawing,
}

impl Fault {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Large { .. } => "FACE_TEMPLATE_LARGE",
            Self::Xml { .. } => "FACE_TEMPLATE_XML",
            Self::Size => "FACE_SIZE",
            Self::Bleed => "FACE_BLEED",
            Self::Element { .. } => "FACE_ELEMENT",
            Self::Attribute { .. } => "FACE_ATTRIBUTE",
            Self::Outside { .. } => "FACE_OUTSIDE",
            Self::Image { .. } => "FACE_IMAGE",
            Self::Many { .. } => "FACE_TOO_MUCH",
            Self::Use { .. } => "FACE_USE",
            Self::Field { .. } => "FACE_FIELD_UNKNOWN",
            Self::FieldShape { .. } => "FACE_FIELD_SHAPE",
            Self::Lacks { .. } => "FACE_LACKS",
            Self::Long { .. } => "FACE_TEXT_LONG",
            Self::OffCard { .. } => "FACE_OFF_CARD",
            Self::Overlap { .. } => "FACE_OVERLAP",
            Self::Bare => "FACE_BARE_EDGE",
            Self::Glyph { .. } => "FACE_GLYPH_MISSING",
            Self::Missing { .. } => "FACE_VALUE_MISSING",
            Self::Far { .. } => "FACE_NUMBER",
            Self::Slow => "FACE_SLOW",
            Self::Photo => "FACE_PHOTO",
            Self::Drawing => "FACE_NOT_DRAWN",
        }
    }

    /// Whether the template has to be mended; else a person's data, or the machine's fonts.
    #[must_use]
    pub const fn is_of_template(&self) -> bool {
        !matches!(self, Self::Long { .. } | Self::Glyph { .. } | Self::Missing { .. } | Self::Photo)
    }

    /// What is wrong, in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Large { most } => format!("模板超过 {most} 字节"),
            Self::Xml { said } => format!("模板不是可读的 SVG（XML）文本: {said}"),
            Self::Size => "模板的 width、height、viewBox 与卡片尺寸 85.60 × 53.98 毫米不符".to_owned(),
            Self::Bleed => "data-bleed 应为 0 至 5 之间的毫米数".to_owned(),
            Self::Element { line, name } => format!("第 {line} 行: 模板不得使用元素 {name}"),
            Self::Attribute { line, name } => format!("第 {line} 行: 模板不得使用属性 {name}"),
            Self::Outside { line } => format!("第 {line} 行: 引用了模板以外的文件或地址"),
            Self::Image { line } => format!("第 {line} 行: 内嵌图像不可读或过大"),
            Self::Many { what, most } => format!("模板的{}过多，至多 {most}", amount_zh(what)),
            Self::Use { line } => format!("第 {line} 行: use 引用的对象不存在，或其中还有 use 或图像"),
            Self::Field { line, name } => format!("第 {line} 行: 没有名为 {name} 的字段"),
            Self::FieldShape { line, field, what } => format!("第 {line} 行: 字段 {field} 的 {what} 缺失或不对"),
            Self::Lacks { what } => format!("此面缺少 {what}"),
            Self::Long { field } => format!("{} 用最小字号仍放不下", words_zh(field)),
            Self::OffCard { field } => format!("{} 印到了卡片之外", words_zh(field)),
            Self::Overlap { field, other } => format!("{} 与 {} 重叠", words_zh(field), words_zh(other)),
            Self::Bare => "底图没有铺满卡边或 data-bleed 所写的出血".to_owned(),
            Self::Glyph { field, script } => {
                format!("{} 中有本机字体没有的字（{}）", words_zh(field), script.zh())
            }
            Self::Missing { field } => format!("此面要印 {}，但没有这一项", words_zh(field)),
            Self::Far { line, name } => format!("第 {line} 行: {name} 中的数值过大，不是这张卡上的尺寸"),
            Self::Slow => "模板绘制时间过长".to_owned(),
            Self::Photo => "照片不是可以印刷的 JPEG".to_owned(),
            Self::Drawing => "模板无法绘制".to_owned(),
        }
    }

    /// What is wrong, in English.
    #[must_use]
    pub fn en(&self) -> String {
        match self {
            Self::Large { most } => format!("the template has more than {most} bytes"),
            Self::Xml { said } => format!("the template is no SVG text (XML) that can be read: {said}"),
            Self::Size => {
                "width, height and viewBox of the template are not those of a card, 85.60 x 53.98 mm".to_owned()
            }
            Self::Bleed => "data-bleed is no number of millimetres from 0 to 5".to_owned(),
            Self::Element { line, name } => format!("line {line}: templates do not have the element {name}"),
            Self::Attribute { line, name } => format!("line {line}: templates do not have the attribute {name}"),
            Self::Outside { line } => format!("line {line} names a file or an address outside of the template"),
            Self::Image { line } => {
                format!("line {line}: the image inside the template cannot be read, or is too large")
            }
            Self::Many { what, most } => format!("the template has too many {}, at most {most}", amount_en(what)),
            Self::Use { line } => format!("line {line}: what is used is not there, or has a use or an image inside"),
            Self::Field { line, name } => format!("line {line}: there is no field {name}"),
            Self::FieldShape { line, field, what } => {
                format!("line {line}: {what} of the field {field} is missing or wrong")
            }
            Self::Lacks { what } => format!("this side lacks {what}"),
            Self::Long { field } => format!("{field} does not fit, even at its smallest size"),
            Self::OffCard { field } => format!("{field} is printed beyond the card"),
            Self::Overlap { field, other } => format!("{field} and {other} lie on each other"),
            Self::Bare => {
                "the artwork does not reach the card's edges, or the bleed that data-bleed promises".to_owned()
            }
            Self::Glyph { field, script } => {
                format!("{field} has a character that no font of this machine has ({})", script.en())
            }
            Self::Missing { field } => format!("this side prints {field}, and there is none"),
            Self::Far { line, name } => format!("line {line}: a number of {name} is too large for anything on a card"),
            Self::Slow => "the template takes too long to draw".to_owned(),
            Self::Photo => "the photo is no JPEG that can be printed".to_owned(),
            Self::Drawing => "the template cannot be drawn".to_owned(),
        }
    }

    /// What to do next, in Chinese.
    #[must_use]
    pub const fn next_zh(&self) -> &'static str {
        match self {
            Self::Large { .. } => "缩小底图，例如减少路径的点或降低内嵌图像的分辨率",
            Self::Xml { .. } => "用 SVG 编辑器另存为“纯 SVG”，不带 DOCTYPE",
            Self::Size => "根元素写 width=\"85.6mm\" height=\"53.98mm\" viewBox=\"0 0 85.6 53.98\"",
            Self::Bleed => "底图四边向外延伸多少毫米就写多少，没有就不写",
            Self::Element { .. } | Self::Attribute { .. } => "删去它，或改用路径、渐变、文字、内嵌图像",
            Self::Outside { .. } => "把图像以 data:image/png;base64 或 data:image/jpeg;base64 嵌入模板",
            Self::Image { .. } => "用边长不超过 4096 像素的 PNG 或 JPEG",
            Self::Many { .. } => "合并路径，减少图层",
            Self::Use { .. } => "直接画出该图形",
            Self::Field { .. } => "可用字段: name, name_script, number, card_number, issue_date, valid_until, photo",
            Self::FieldShape { .. } => {
                "文字字段用 text 元素，写 font-size、data-width、data-size-min 和示例文字；photo 用 image 元素，写 x、y、width、height"
            }
            Self::Lacks { .. } => "加上它；issuer face template show 印出自带模板以作对照",
            Self::Long { .. } => "按主管部门的规则采用较短的写法，或在模板中放宽该字段",
            Self::OffCard { .. } | Self::Overlap { .. } => "移动字段或缩小其宽度",
            Self::Bare => "把底图延伸到四边之外",
            Self::Glyph { script, .. } => script.package_zh(),
            Self::Missing { .. } => "补上这一项；照片可缺时在模板的 image 上写 data-optional=\"true\"",
            Self::Far { .. } => "数值不超过 10000；以毫米绘制，或用较小的缩放",
            Self::Slow => "简化底图：减少路径、渐变和透明图层",
            Self::Photo => "重新收取该照片",
            Self::Drawing => "用 issuer face template check 查看模板",
        }
    }

    /// What to do next, in English.
    #[must_use]
    pub const fn next_en(&self) -> &'static str {
        match self {
            Self::Large { .. } => {
                "make the artwork smaller: fewer points of its paths, or images of a lower resolution"
            }
            Self::Xml { .. } => "save it as plain SVG, without a document type",
            Self::Size => "write width=\"85.6mm\" height=\"53.98mm\" viewBox=\"0 0 85.6 53.98\" on the root element",
            Self::Bleed => "write by how many millimetres the artwork goes on beyond each edge, or leave it out",
            Self::Element { .. } | Self::Attribute { .. } => "take it out; use paths, gradients, text, images inside",
            Self::Outside { .. } => {
                "put the image into the template, as data:image/png;base64 or data:image/jpeg;base64"
            }
            Self::Image { .. } => "use a PNG or JPEG of at most 4096 pixels across and down",
            Self::Many { .. } => "join paths, use fewer layers",
            Self::Use { .. } => "draw the shape itself",
            Self::Field { .. } => "use name, name_script, number, card_number, issue_date, valid_until or photo",
            Self::FieldShape { .. } => {
                "a field of text is a text element with font-size, data-width, data-size-min and sample text; \
                 photo is an image element with x, y, width, height"
            }
            Self::Lacks { .. } => "add it; `issuer face template show` prints the built-in one to compare with",
            Self::Long { .. } => "take the shorter form that the authority's rule gives, or give the field more width",
            Self::OffCard { .. } | Self::Overlap { .. } => "move the field, or give it less width",
            Self::Bare => "draw the artwork beyond all four edges",
            Self::Glyph { script, .. } => script.package_en(),
            Self::Missing { .. } => "add it; where the photo may be absent write data-optional=\"true\" on its image",
            Self::Far { .. } => "draw in millimetres, or scale by less: no number is above 10000",
            Self::Slow => "make the artwork simpler: fewer paths, gradients and layers",
            Self::Photo => "take the photo in anew",
            Self::Drawing => "look at the template with `issuer face template check`",
        }
    }
}

/// A field, as people call it.
fn words_zh(field: &'static str) -> &'static str {
    match field {
        "name" => "姓名",
        "name_script" => "本民族文字姓名",
        "number" => "社会保障号码",
        "card_number" => "卡号",
        "issue_date" => "发卡日期",
        "valid_until" => "有效期",
        "photo" => "照片",
        "template" => "模板文字",
        other => other,
    }
}

fn amount_zh(what: &'static str) -> &'static str {
    match what {
        "elements" => "元素",
        "depth" => "嵌套层数",
        "uses" => " use ",
        "layers" => "透明图层与剪切",
        "images" => "图像",
        "dashes" => "虚线段",
        other => other,
    }
}

fn amount_en(what: &'static str) -> &'static str {
    match what {
        "depth" => "elements inside each other",
        "layers" => "layers with opacity or clipping",
        other => other,
    }
}

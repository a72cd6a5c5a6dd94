//! 1301 to 1319: lists downloaded as files by version, or page by page; and the answer that names a file.
//!
//! Source: two adapters for `fileinfo` and the file name that stands for "the list just asked for"; paging is general knowledge.
//! Owns: their rows. Never: what a row of a list means; it is handed on as it came.

use crate::date::{BusinessDate, DateTime};
use crate::national::field::{FieldFault, Mark, Reading, Table, Text, Unit, body, record};
use crate::national::json::{Json, Members, Node, Shape};
use crate::national::message::{Body, NodeRow};
use crate::national::number::Decimal;

record! {
    /// `data` of a download by version.
    VersionQuery {
        ver: Text<50>, M G, "版本号";
    }
}

record! {
    /// `fileinfo`: where a file waits.
    FileInfo {
        file_qury_no: Text<200>, H M, "文件查询号";
        filename: Text<200>, H H, "文件名称";
        dld_endtime: Option<DateTime>, H M, "下载截止时间";
        data_cnt: Option<Decimal<10, 0>>, G G, "数据量";
    }
}

record! {
    /// `data` of a download by pages.
    PageQuery {
        updt_time: BusinessDate, G G, "更新时间";
        page_num: Decimal<4, 0>, M G, "当前页数";
        page_size: Decimal<4, 0>, M G, "本页数据量";
    }
}

body! {
    /// `input` of a download by version.
    VersionRequest { data = "data": VersionQuery, M, "版本"; }
}

body! {
    /// `output` that names a file: 1301 to 1315, 3202.
    FileAnswer { fileinfo = "fileinfo": FileInfo, H, "文件信息"; }
}

body! {
    /// `input` of a download by pages.
    PageRequest { data = "data": PageQuery, M, "分页"; }
}

/// `output` of a download by pages: rows as they came, each a list of names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageAnswer {
    /// 总页数.
    pub pages: Option<u32>,
    /// Rows.
    pub data: Vec<Vec<(String, String)>>,
}

impl Body for PageAnswer {
    const NODES: &'static [NodeRow] = &[NodeRow {
        name: "data",
        label: "数据",
        named: Mark::G,
        table: Table { title: "PageAnswer", fields: &[] },
        is_list: true,
    }];

    fn write(&self, _: Unit) -> Result<Json, FieldFault> {
        let row = |row: &Vec<(String, String)>| {
            Json::Object(row.iter().map(|(name, value)| (name.clone(), Json::text(&**value))).collect())
        };
        let mut members = vec![("data".to_owned(), Json::List(self.data.iter().map(row).collect()))];
        members.extend(self.pages.map(|pages| ("pages".to_owned(), Json::Number(pages.to_string()))));
        Ok(Json::Object(members))
    }

    fn read(members: &Members, _: Reading) -> Result<Self, FieldFault> {
        let word = |node: &Node| match node.shape() {
            Ok(Shape::Text(text) | Shape::Number(text)) => text,
            Ok(Shape::Flag(flag)) => flag.to_string(),
            _ => String::new(),
        };
        let row = |node: &Node| {
            let members = node.members()?;
            Some(members.names().filter_map(|name| Some((name.to_owned(), word(members.get(name)?)))).collect())
        };
        let rows = match members.get("data").map(Node::shape) {
            Some(Ok(Shape::List(nodes))) => nodes.iter().filter_map(row).collect(),
            _ => Vec::new(),
        };
        Ok(Self { pages: members.word("pages").and_then(|pages| pages.parse().ok()), data: rows })
    }
}

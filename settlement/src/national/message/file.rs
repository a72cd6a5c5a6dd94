//! 9101 and 9102: files given and fetched.
//!
//! Source: two adapters: the file is a list of byte values in the request, and the whole body of the answer.
//! Owns: their rows. Never: what is in a file.

use crate::national::field::{
    Fault, Field, FieldFault, Item, Kind, Mark, Reading, Record, Table, Text, Unit, body, record,
};
use crate::national::field::{check_names, take};
use crate::national::json::{Json, Members, Shape};
use crate::national::message::{Body, NodeRow};

/// `fsUploadIn` of 9101.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadFile {
    /// `in`: 文件数据.
    pub bytes: Vec<u8>,
    /// 文件名.
    pub filename: Text<200>,
    /// 医药机构编号.
    pub fixmedins_code: Text<12>,
}

const BYTES: &str = "in";

impl Record for UploadFile {
    const TABLE: Table = Table {
        title: "UploadFile",
        fields: &[
            Field {
                name: BYTES, label: "文件数据", kind: Kind::Bytes, needed: true, named: Mark::H, sized: Mark::H
            },
            Field {
                name: "filename",
                label: "文件名",
                kind: <Text<200> as Item>::KIND,
                needed: true,
                named: Mark::H,
                sized: Mark::H,
            },
            Field {
                name: "fixmedins_code",
                label: "医药机构编号",
                kind: <Text<12> as Item>::KIND,
                needed: true,
                named: Mark::H,
                sized: Mark::H,
            },
        ],
    };

    fn write(&self, unit: Unit) -> Result<Json, FieldFault> {
        let bytes = self.bytes.iter().map(|byte| Json::Number(byte.to_string())).collect();
        let mut members = vec![(BYTES.to_owned(), Json::List(bytes))];
        for (name, written) in
            [("filename", self.filename.write(unit)), ("fixmedins_code", self.fixmedins_code.write(unit))]
        {
            let value = written.map_err(|fault| FieldFault::at(name, fault))?;
            members.extend(value.map(|value| (name.to_owned(), value)));
        }
        Ok(Json::Object(members))
    }

    fn read(members: &Members, how: Reading) -> Result<Self, FieldFault> {
        check_names(members, &[BYTES, "filename", "fixmedins_code"], how)?;
        let fail = |fault| FieldFault::at(BYTES, fault);
        let node = members.get(BYTES).ok_or_else(|| fail(Fault::Missing))?;
        let Ok(Shape::List(nodes)) = node.shape() else { return Err(fail(Fault::NotNumber)) };
        let byte = |node: &crate::national::json::Node| match node.shape() {
            Ok(Shape::Number(digits)) => digits.parse::<u8>().map_err(|_| fail(Fault::NotNumber)),
            _ => Err(fail(Fault::NotNumber)),
        };
        Ok(Self {
            bytes: nodes.iter().map(byte).collect::<Result<_, _>>()?,
            filename: take(members, "filename", how)?,
            fixmedins_code: take(members, "fixmedins_code", how)?,
        })
    }
}

record! {
    /// `fsDownloadIn` of 9102.
    FileReference {
        file_qury_no: Text<200>, H M, "文件查询号";
        filename: Text<200>, H H, "文件名";
        fixmedins_code: Text<12>, H H, "医药机构编号";
    }
}

body! {
    /// `input` of 9101.
    Upload { file = "fsUploadIn": UploadFile, H, "上传文件"; }
}

body! {
    /// `input` of 9102.
    FileRequest { file = "fsDownloadIn": FileReference, H, "下载文件"; }
}

/// `output` of 9101: the name under which the file waits, at the top or in the one node that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadInfo {
    /// 文件查询号.
    pub file_qury_no: Text<200>,
}

impl Body for UploadInfo {
    const NODES: &'static [NodeRow] = &[NodeRow {
        name: "",
        label: "文件查询号 file_qury_no",
        named: Mark::G,
        table: Table { title: "UploadInfo", fields: &[] },
        is_list: false,
    }];

    fn write(&self, unit: Unit) -> Result<Json, FieldFault> {
        let value = self.file_qury_no.write(unit).map_err(|fault| FieldFault::at("file_qury_no", fault))?;
        Ok(Json::Object(value.map(|value| ("file_qury_no".to_owned(), value)).into_iter().collect()))
    }

    fn read(members: &Members, _: Reading) -> Result<Self, FieldFault> {
        let below = || members.names().find_map(|name| members.get(name)?.members()?.word("file_qury_no"));
        let found = members.word("file_qury_no").or_else(below).filter(|name| !name.is_empty());
        let file_qury_no = found.map(Text::new).ok_or_else(|| FieldFault::at("file_qury_no", Fault::Missing))?;
        Ok(Self { file_qury_no })
    }
}

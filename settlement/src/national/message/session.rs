//! 9001 and 9002: the clerk's session; 2601: a message that was not answered is undone.
//!
//! Source: four adapters (9001, 9002, 2601). Owns: their rows. Never: which message may be undone (`state`).

use crate::date::DateTime;
use crate::national::field::{FieldFault, Reading, Text, Unit, body, record};
use crate::national::json::{Json, Members};
use crate::national::message::{Body, NodeRow};

record! {
    /// `signIn` of 9001.
    SignIn {
        opter_no: Text<20>, H G, "操作员编号";
        mac: Text<20>, H G, "签到MAC地址";
        ip: Text<20>, H G, "签到IP地址";
    }
}

record! {
    /// `signinoutb` of 9001.
    SignInInfo {
        sign_no: Text<30>, H H, "签到编号";
        sign_time: Option<DateTime>, H M, "签到时间";
    }
}

record! {
    /// `signOut` of 9002.
    SignOut {
        sign_no: Text<30>, H H, "签到编号";
        opter_no: Text<20>, H G, "操作员编号";
    }
}

record! {
    /// `signoutoutb` of 9002.
    SignOutInfo {
        sign_time: Option<DateTime>, G G, "签退时间";
    }
}

record! {
    /// `data` of 2601.
    Reversal {
        psn_no: Text<30>, H H, "人员编号";
        omsgid: Text<30>, H H, "原发送方报文ID";
        oinfno: Text<4>, H H, "原交易编号";
    }
}

body! {
    /// `input` of 9001.
    SignInRequest { sign_in = "signIn": SignIn, M, "签到信息"; }
}

body! {
    /// `output` of 9001.
    SignInAnswer { signinoutb = "signinoutb": SignInInfo, M, "签到结果"; }
}

body! {
    /// `input` of 9002.
    SignOutRequest { sign_out = "signOut": SignOut, M, "签退信息"; }
}

body! {
    /// `output` of 9002.
    SignOutAnswer { signoutoutb = "signoutoutb": SignOutInfo, G, "签退结果"; }
}

body! {
    /// `input` of 2601.
    ReversalRequest { data = "data": Reversal, M, "冲正信息"; }
}

/// An answer without output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nothing;

impl Body for Nothing {
    const NODES: &'static [NodeRow] = &[];

    fn write(&self, _: Unit) -> Result<Json, FieldFault> {
        Ok(Json::Object(Vec::new()))
    }

    fn read(_: &Members, _: Reading) -> Result<Self, FieldFault> {
        Ok(Self)
    }
}

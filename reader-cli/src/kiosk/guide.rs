//! Public texts: what anyone may read without a card.
//!
//! Owns: those that come with the product. Never: asks for a card.

use card_counter::language::Words;

/// A public text.
#[derive(Clone, Debug)]
pub struct Guide {
    /// Title.
    pub title: Words,
    /// Paragraphs.
    pub text: Vec<Words>,
}

/// The texts that every kiosk has.
#[must_use]
pub fn built_in() -> Vec<Guide> {
    vec![
        Guide {
            title: Words::new("自助机能办什么", "What this machine does"),
            text: vec![
                Words::new(
                    "插卡并输入密码后，可查询卡内余额、交易明细和卡内个人信息，可修改密码。",
                    "With your card and PIN you see the balance and the transactions on the card and what it says of you, and change the PIN.",
                ),
                Words::new(
                    "用完后请取走卡片。取卡后，屏幕上的内容立即清除。",
                    "Take your card when you are done. What stood on the screen is gone at once.",
                ),
            ],
        },
        Guide {
            title: Words::new("密码与解锁", "PIN and unblocking"),
            text: vec![
                Words::new(
                    "新卡带有初始密码，初始密码不能付款，请先修改。初始密码见领卡时的说明。",
                    "A new card has an initial PIN, told when you got the card. It cannot pay: change it first.",
                ),
                Words::new(
                    "连续输错会锁定密码。忘记密码或密码被锁，请持本人身份证到服务窗口办理重置。",
                    "Wrong PINs in a row block it. If you forgot it, or it is blocked, bring your identity card to a service counter.",
                ),
            ],
        },
        Guide {
            title: Words::new("卡片丢失怎么办", "If you lose your card"),
            text: vec![
                Words::new(
                    "请立即拨打 12333 或到服务窗口办理临时挂失；找到后可解除，找不到请办理正式挂失和补卡。",
                    "Call 12333 or go to a service counter at once for a temporary loss report. It is released when you find the card; \
                     else report it lost for good and ask for another.",
                ),
                Words::new("挂失后他人不能用此卡付款。", "After the report nobody can pay with the card."),
            ],
        },
    ]
}

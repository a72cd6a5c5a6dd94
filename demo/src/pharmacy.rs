//! A pharmacy's files: the drug catalogue, the city's policy, the bills of a day, and what each bill must come to.
//!
//! Source: classes 甲 乙 丙 and who pays what, as the national interface names the parts; prices are invented.
//! Owns: the files, and the split worked out a second time, apart from the product.
//! Units: fen; ratios in ten-thousandths.

/// A drug of the catalogue.
#[derive(Debug, Clone, Copy)]
struct Drug {
    code: &'static str,
    name: &'static str,
    class: char,
    list_type: &'static str,
    ceiling_fen: Option<i64>,
    first_self_pay: i64,
    prescription: bool,
}

/// A line of a bill.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    code: &'static str,
    quantity: i64,
    price_fen: i64,
    prescription: Option<&'static str>,
}

/// A bill that a card holder brings to the till.
#[derive(Debug, Clone)]
pub struct Bill {
    /// Number of the bill, and the name of its file.
    pub id: &'static str,
    lines: Vec<Line>,
}

/// Who pays what of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// All of it.
    pub total_fen: i64,
    /// From the account on the card (个人账户).
    pub personal_fen: i64,
    /// In cash (个人自付).
    pub self_paid_fen: i64,
    /// From the pooled fund (统筹基金).
    pub pooled_fen: i64,
}

const fn drug(
    code: &'static str,
    name: &'static str,
    class: char,
    list_type: &'static str,
    ceiling_fen: Option<i64>,
    first_self_pay: i64,
    prescription: bool,
) -> Drug {
    Drug { code, name, class, list_type, ceiling_fen, first_self_pay, prescription }
}

const DRUGS: [Drug; 21] = [
    drug("XA01", "阿莫西林胶囊", '甲', "101", Some(1250), 0, true),
    drug("XA02", "布洛芬片", '甲', "101", Some(820), 0, false),
    drug("XA03", "盐酸二甲双胍片", '甲', "101", Some(1560), 0, true),
    drug("XA04", "硝苯地平片", '甲', "101", Some(980), 0, true),
    drug("XA05", "维生素B1片", '甲', "101", Some(350), 0, false),
    drug("XA06", "红霉素软膏", '甲', "101", Some(290), 0, false),
    drug("XA07", "口服补液盐散", '甲', "101", Some(640), 0, false),
    drug("XA08", "地塞米松片", '甲', "101", Some(410), 0, true),
    drug("XB01", "复方丹参滴丸", '乙', "101", Some(3000), 1000, false),
    drug("XB02", "阿托伐他汀钙片", '乙', "101", Some(5680), 1500, true),
    drug("XB03", "氨溴索口服液", '乙', "101", Some(2475), 1000, false),
    drug("XB04", "蒙脱石散", '乙', "101", Some(1895), 500, false),
    drug("XB05", "藿香正气口服液", '乙', "101", Some(1680), 1000, false),
    drug("XB06", "头孢克肟胶囊", '乙', "101", Some(4230), 2000, true),
    drug("ZY01", "当归", '乙', "102", Some(80), 500, false),
    drug("ZY02", "黄芪", '乙', "102", Some(65), 500, false),
    drug("MZ01", "二十五味珍珠丸", '乙', "104", Some(9800), 1000, false),
    drug("MZ02", "七十味珍珠丸", '乙', "104", Some(12600), 1500, true),
    drug("XC01", "维生素礼盒", '丙', "101", None, 10_000, false),
    drug("XC02", "进口鱼油", '丙', "101", None, 10_000, false),
    drug("HC01", "电子血压计", '丙', "301", None, 10_000, false),
];

/// Share of the in-scope part that the pooled fund pays on a circulated prescription, in ten-thousandths.
const POOL_SHARE: i64 = 5000;

/// The catalogue as the insurance sends it to its pharmacies: CSV with Chinese headers.
#[must_use]
pub fn catalogue() -> String {
    let mut text = String::from("药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药\r\n");
    for drug in &DRUGS {
        let ceiling = drug.ceiling_fen.map(crate::summary::yuan).unwrap_or_default();
        let ratio = format!("{}.{:04}", drug.first_self_pay / 10_000, drug.first_self_pay % 10_000);
        let prescription = if drug.prescription { "是" } else { "否" };
        text.push_str(&format!(
            "{},{},{},{},{ceiling},{ratio},2020-01-01,,{prescription}\r\n",
            drug.code, drug.name, drug.class, drug.list_type
        ));
    }
    text
}

/// The city's policy: the pooled fund takes half of what a circulated prescription has in scope; no cash for a short account.
#[must_use]
pub fn policy() -> &'static str {
    r#"# Policy of the demo's city: invented.
format = 1
name = "demo-513300"
ceiling = "before-ratio"
account-pays = ["in-scope", "first-self-pay"]
shortfall = "refuse"
pool-share = "0.5"
pool-needs-prescription = true
rounding = "half-up"
pool-rounds = "bill"
over-quantity = "refuse"
assumed = ["all rows: an invented city"]
"#
}

/// The bills of the day, in the order in which their holders come.
#[must_use]
pub fn bills() -> Vec<Bill> {
    let line = |code, quantity, price_fen| Line { code, quantity, price_fen, prescription: None };
    let with = |code, quantity, price_fen, number| Line { code, quantity, price_fen, prescription: Some(number) };
    let bill = |id, lines: &[Line]| Bill { id, lines: lines.to_vec() };
    vec![
        // Class 甲 alone: everything from the account.
        bill("B01", &[line("XA02", 2, 820), line("XA05", 1, 350)]),
        // Class 乙 at a price above its ceiling: first self-payment from the account, the excess in cash.
        bill("B02", &[line("XB01", 2, 3250), line("XA06", 1, 290)]),
        // A prescription: half of what is in scope is the pooled fund's; the half fen goes up.
        bill("B03", &[with("XA01", 3, 1250, "CF-0001"), with("XB02", 1, 5680, "CF-0001")]),
        // Class 丙: cash, besides the rest.
        bill("B04", &[line("XC01", 1, 12_800), line("XB04", 2, 1895), line("XA07", 1, 640)]),
        bill("B05", &[line("ZY01", 15, 80), line("ZY02", 12, 65), line("XB05", 1, 1680)]),
        // The one whose answer the power cut takes.
        bill("B06", &[line("MZ01", 1, 9800), line("XA02", 1, 820)]),
        bill("B07", &[line("XB03", 1, 2475), line("XA02", 1, 799)]),
        bill("B08", &[with("XA03", 4, 1560, "CF-0002"), with("XA04", 2, 980, "CF-0002")]),
        bill("B09", &[line("MZ01", 1, 9900), line("XC02", 1, 26_800)]),
        bill("B10", &[with("XB06", 1, 4230, "CF-0003"), with("XA08", 1, 410, "CF-0003"), line("HC01", 1, 19_900)]),
        bill("B11", &[line("XA05", 3, 349)]),
        // More than the account holds.
        bill("B90", &[line("MZ01", 6, 9800)]),
        // For the card on the blacklist.
        bill("B91", &[line("XA02", 1, 820)]),
    ]
}

impl Bill {
    /// The bill's file.
    #[must_use]
    pub fn to_json(&self) -> String {
        let items: Vec<serde_json::Value> = self
            .lines
            .iter()
            .map(|line| {
                let mut item = serde_json::json!({
                    "code": line.code,
                    "quantity": line.quantity,
                    "unit_price": crate::summary::yuan(line.price_fen),
                });
                if let (Some(number), Some(item)) = (line.prescription, item.as_object_mut()) {
                    item.insert(String::from("rx"), serde_json::Value::from(number));
                }
                item
            })
            .collect();
        format!("{:#}\n", serde_json::json!({ "bill_id": self.id, "items": items }))
    }

    /// Who must pay what.
    #[must_use]
    pub fn split(&self) -> Split {
        let mut split = Split { total_fen: 0, personal_fen: 0, self_paid_fen: 0, pooled_fen: 0 };
        for line in &self.lines {
            let drug = DRUGS.iter().find(|drug| drug.code == line.code).expect("bills name drugs of the catalogue");
            let amount = line.quantity * line.price_fen;
            split.total_fen += amount;
            if drug.class == '丙' {
                split.self_paid_fen += amount;
                continue;
            }
            let over = drug.ceiling_fen.map_or(0, |ceiling| (line.price_fen - ceiling).max(0) * line.quantity);
            let first = part(amount - over, drug.first_self_pay);
            let in_scope = amount - over - first;
            let pooled = if line.prescription.is_some() { part(in_scope, POOL_SHARE) } else { 0 };
            split.self_paid_fen += over;
            split.pooled_fen += pooled;
            split.personal_fen += in_scope - pooled + first;
        }
        split
    }
}

/// A share of an amount in ten-thousandths, half a fen up.
const fn part(amount_fen: i64, share: i64) -> i64 {
    (amount_fen * share + 5000) / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bill_adds_up() {
        for bill in bills() {
            let split = bill.split();
            assert_eq!(split.total_fen, split.personal_fen + split.self_paid_fen + split.pooled_fen, "{}", bill.id);
        }
    }

    /// Worked out on paper from the three price tags of each bill.
    #[test]
    fn some_bills_come_to_what_paper_says() {
        let split = |id| bills().iter().find(|bill| bill.id == id).expect("a bill of the day").split();
        let parts = |id| (split(id).personal_fen, split(id).self_paid_fen, split(id).pooled_fen);
        assert_eq!(parts("B01"), (1990, 0, 0));
        assert_eq!(parts("B02"), (6290, 500, 0));
        // 37.50 / 2 = 18.75; 56.80 - 8.52 = 48.28, / 2 = 24.14; account 18.75 + 24.14 + 8.52.
        assert_eq!(parts("B03"), (5141, 0, 4289));
        assert_eq!(parts("B04"), (4430, 12_800, 0));
        assert!(split("B90").personal_fen > 50_000, "more than one load");
    }

    #[test]
    fn the_three_classes_are_all_there() {
        for class in ['甲', '乙', '丙'] {
            assert!(catalogue().contains(&format!(",{class},")));
        }
        assert_eq!(catalogue().lines().count(), 22);
    }
}

//! Every question that the sources leave open about a card is answered in its profile, and marked assumed.
//!
//! Source: the list of unknowns of the published developer reference; those of driver functions and online forms are no
//! matter of a profile.

use card_profiles::assumption::assumptions;
use card_profiles::builtin;

/// Question, profiles, place, and words of the answer.
const QUESTIONS: &[(&str, &[&str], &str, &str)] = &[
    ("wording of the standard", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "profile", "no official text of the standard"),
    ("names of items", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "DF03.EF05.tag_98", ""),
    ("code lists", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "profile", "the raw value is passed through"),
    ("DF03 EF05 tag 60", &["ssc-2.0", "ssc-3.0"], "option item_60", "without item 60 (37 bytes)"),
    ("DF04 EF05 read condition", &["ssc-2.0", "ssc-3.0"], "option medical_read", "one driver says PIN or RK1DF04"),
    ("SSSE EF07 size", &["ssc-2.0", "ssc-3.0"], "SSSE.EF07", "size 0x300; one program says 0x400"),
    ("DF01 EF18 read condition", &["ssc-2.0", "ssc-3.0"], "DF01.EF18", "free to read as in two programs"),
    ("V1 DF03 EF06 size", &["ssc-1.0"], "DF03.EF06", "214 bytes, the sum of the items; the published table lists 212"),
    ("DF05 EF05 size", &["ssc-2.0-health-relief"], "DF05.EF05", "the published table lists 502, its items 506"),
    ("Shandong EF0C size", &["ssc-2.0-shandong"], "SSSE.EF0C", "listed 126 bytes are the values"),
    ("MAC of the card identifier", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "profile", "starts from 00×8"),
    ("diversification, DES", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "profile", "3DES(K, F) ‖ 3DES(K, ~F)"),
    ("diversification, SM4", &["ssc-3.0-sm4"], "profile", "SM4(K, F ‖ ~F)"),
    ("sub-index of HSM addresses", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "profile", "the first address is sent"),
    ("IRK address", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "key IRK", "0172"),
    ("DSK address", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "key DSK", "00B0"),
    ("user key ids not published", &["ssc-1.0", "ssc-3.0"], "key BK", "not published"),
    ("placeholder keys", &["ssc-1.0", "ssc-3.0"], "key LKSSSE", "placeholders"),
    ("places of DPK", &["ssc-1.0", "ssc-3.0"], "key DPK", "no source lists"),
    ("levels of DPK in the PSAM", &["psam", "psam-sx3"], "psam", "purchase_levels: 2"),
    ("PSAM usage of BK, DSK, DLK, DTK", &["ssc-1.0", "ssc-3.0"], "key DTK", "nor the usage byte"),
    ("VERIFY with other digits", &["ssc-1.0", "ssc-3.0"], "pin", "other_digits"),
    ("Lc of authentication with SM4", &["ssc-3.0-sm4"], "algorithm_rules", "Lc 11 in one program, Lc 10 in two others"),
    ("folding in SM4 authentication", &["ssc-3.0-sm4"], "algorithm_rules", "cryptogram: folded"),
    ("SM4 MAC inside SSSE", &["ssc-3.0-sm4"], "algorithm_rules", "message_mac: leftmost"),
    ("初始化机构编号", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "profile", "12 raw bytes"),
    ("what the environments of a PSAM share", &["psam", "psam-sx3"], "psam", "shared_files: a PSAM with two"),
    ("PSAM files 0017, 0018", &["psam", "psam-sx3"], "profile", "0018"),
    ("CREDIT FOR LOAD and proof", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "account", "credit_load and prove"),
    ("INS of blocking", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "blocking", "of PBOC"),
    ("answer of INITIALIZE FOR PURCHASE", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "account", "22 bytes"),
    ("input of the TAC", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "account", "purchase_tac"),
    ("key index of the account", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "account", "key_index"),
    ("type of a load", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "account", "load_type"),
    ("algorithm byte", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "account", "algorithm_byte"),
    ("algorithm byte with SM4", &["ssc-3.0-sm4", "pboc-purse-sm4"], "algorithm_rules", "algorithm_byte"),
    ("key index of a purse", &["pboc-purse", "pboc-purse-sm4"], "purse", "key_index"),
    ("AID of DF07", &["ssc-2.0", "ssc-3.0"], "DF07", "select by FID"),
    ("AIDs of DF05 and DF06", &["ssc-2.0-health-relief"], "profile", "select by FID"),
    ("where SSSE stands", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "profile", "DDF1"),
    ("directory file", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "option directory_file", "SFI 1E"),
    ("Mongolian name", &["ssc-2.0", "ssc-3.0"], "profile", "姓名蒙文标识"),
    ("internal purse file", &["ssc-1.0", "ssc-2.0", "ssc-3.0"], "profile", "internal purse file"),
    ("V1 amounts or digits", &["ssc-1.0"], "profile", "61, 65, 66, 6D, 71, 72"),
    ("access to Hebei's DF03 EF12", &["ssc-1.0-hebei"], "option province_pension", "not published"),
    ("Zhejiang's UK1MF", &["ssc-1.0-zhejiang"], "SSSE.EF0C", "UK1MF"),
    ("PSAM of Zhejiang", &["ssc-1.0-zhejiang"], "profile", "no PSAM of the province is known"),
    ("access to EF0D", &["ssc-2.0-ef0d"], "SSSE.EF0D", "read condition"),
    ("PSAM usage of DF06 keys", &["ssc-2.0-health-relief"], "key RK1DF06", "not stated"),
];

#[test]
fn every_open_question_of_the_sources_is_listed_with_its_default() {
    for (question, profiles, place, words) in QUESTIONS {
        for name in *profiles {
            let listed = assumptions(&builtin(name).expect("built in"));
            assert!(
                listed.iter().any(|row| row.place == *place && row.doubt.text().contains(words)),
                "{name}: {question}: no row at {place} says {words:?}"
            );
        }
    }
}

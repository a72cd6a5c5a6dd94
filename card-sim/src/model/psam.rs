//! Where a PSAM keeps its terminal number and counter.
//!
//! Owns: finding both among the items of its files. Never: lays out memory of its own.
//! Units: addresses in bytes.

use card_profiles::profile::Profile;
use card_profiles::psam::PsamRules;

use super::{DfModel, ModelError, Structure};

#[derive(Debug)]
pub(crate) struct PsamModel {
    /// Address of the terminal number.
    pub(crate) terminal: usize,
    /// Address of the terminal sequence, and the DF that holds it.
    pub(crate) sequence: usize,
    pub(crate) df: usize,
    /// Addresses of the start and the expiry date, where the profile has them.
    pub(crate) start: Option<usize>,
    pub(crate) expiry: Option<usize>,
    pub(crate) rules: PsamRules,
}

/// Finds them.
pub(super) fn model(profile: &Profile, dfs: &[DfModel]) -> Result<PsamModel, ModelError> {
    let find = |element: &str, length: u8| {
        for (df, row) in dfs.iter().zip(&profile.df).map(|(df, row)| (df, &row.ef)) {
            for (ef, row) in df.efs.iter().zip(row) {
                let mut offset = 0;
                for item in &row.elements {
                    if *item.id == *element && item.format.length == length {
                        // A transparent file may be stated smaller than its items.
                        let fits =
                            matches!(ef.structure, Structure::Transparent) && offset + usize::from(length) <= ef.size;
                        return if fits { Ok(ef.address + offset) } else { Err(ModelError::Size(element.to_owned())) };
                    }
                    offset += usize::from(item.format.length);
                }
            }
        }
        Err(ModelError::NoSuchFile(element.to_owned()))
    };
    let (terminal, sequence) = (find("terminal_number", 6)?, find("terminal_sequence", 4)?);
    let holds = |df: &DfModel| df.efs.iter().any(|ef| (ef.address..ef.address + ef.size).contains(&sequence));
    let df = dfs.iter().position(holds).ok_or_else(|| ModelError::NoSuchFile("terminal_sequence".to_owned()))?;
    let (start, expiry) = (find("start_date", 4).ok(), find("expiry_date", 4).ok());
    let rules = PsamRules { assumed: Vec::new(), ..profile.psam.clone() };
    Ok(PsamModel { terminal, sequence, df, start, expiry, rules })
}

#[cfg(test)]
mod tests {
    use super::super::Model;
    use super::*;
    use card_profiles::builtin_text;

    #[test]
    fn a_psam_whose_counter_lies_outside_its_file_is_not_made() {
        let text = builtin_text("psam").expect("built in");
        for (from, to) in [("size = 6\n", "size = 5\n"), ("size = 4\n", "size = 3\n")] {
            assert!(text.contains(from), "{from:?}");
            let profile = Profile::parse(&text.replacen(from, to, 1)).expect("follows the grammar");
            assert!(matches!(Model::of(&profile), Err(ModelError::Size(_))), "{to:?}");
        }
    }
}

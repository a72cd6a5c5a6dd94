//! What may follow the words typed so far.
//!
//! Owns: the candidates. Never: talks to the card, edits the line (the program's editor does).

use card_profiles::Profile;

use super::line::COMMANDS;

/// Where the word under the cursor starts, and what it may become.
#[must_use]
pub fn complete(profile: &Profile, directory: Option<usize>, typed: &str) -> (usize, Vec<String>) {
    let start = typed.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = typed.get(start..).unwrap_or_default().to_uppercase();
    let command = typed.get(..start).unwrap_or_default().split_whitespace().next();
    let directories = || profile.df.iter().map(|df| df.id.clone());
    let here = directory.and_then(|index| profile.df.get(index));
    let candidates: Vec<String> = match command {
        None => COMMANDS.iter().map(|(name, ..)| (*name).to_owned()).collect(),
        Some("cd" | "ls") => directories().chain(["..".to_owned()]).collect(),
        Some("cat" | "records") => {
            let everywhere =
                profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| format!("{}.{}", df.id, ef.id)));
            here.into_iter().flat_map(|df| df.ef.iter().map(|ef| ef.id.clone())).chain(everywhere).collect()
        }
        Some("auth") => {
            let keys = profile.key.iter().filter(|row| profile.proves(row));
            keys.map(|row| row.name.to_string()).collect()
        }
        Some("update" | "expect") => profile
            .df
            .iter()
            .flat_map(|df| df.ef.iter().map(move |ef| (df, ef)))
            .flat_map(|(df, ef)| ef.elements.iter().map(move |row| format!("{}.{}.{}", df.id, ef.id, row.id)))
            .collect(),
        Some("verify") => ["env:", "file:", "--last-try"].map(str::to_owned).into(),
        Some(_) => Vec::new(),
    };
    (start, candidates.into_iter().filter(|candidate| candidate.to_uppercase().starts_with(&word)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_profiles::builtin;

    #[test]
    fn words_are_completed_by_what_stands_before_them() {
        let profile = builtin("ssc-3.0").expect("built in");
        let of = |directory, typed| complete(&profile, directory, typed);
        assert_eq!(of(None, "c"), (0, vec!["cd".to_owned(), "cat".to_owned(), "challenge".to_owned()]));
        assert_eq!(of(None, "cd df0").1.len(), 5);
        assert_eq!(of(Some(0), "cat EF0").1, ["EF05", "EF06", "EF07", "EF08"]);
        assert_eq!(of(None, "cat ssse.EF05").1, ["SSSE.EF05"]);
        assert_eq!(of(None, "auth rk1df03"), (5, vec!["RK1DF03".to_owned()]));
        assert!(of(None, "auth I").1.is_empty(), "IRK proves nothing to the card");
        assert_eq!(of(None, "expect SSSE.EF06.na").1, ["SSSE.EF06.name", "SSSE.EF06.name_extension"]);
        assert_eq!(of(None, "dance ").1, [""; 0]);
    }
}

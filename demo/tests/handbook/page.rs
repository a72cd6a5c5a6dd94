//! What a page of the handbook says: commands, what they print, how they end.
//!
//! In a block `console` a line that begins with `$ ` is a command and goes on in lines that begin with `> `; what follows is
//! its output, where `…` stands for anything, and `# exit N` its exit code when that is not 0.

/// A command of a page.
pub(crate) struct Step {
    /// Line of the page, from 1.
    pub(crate) line: usize,
    /// What is typed.
    pub(crate) command: String,
    /// What it prints.
    pub(crate) output: Vec<String>,
    /// How it ends.
    pub(crate) exit: i32,
}

/// All commands of a page, in order.
pub(crate) fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (line, text) in (1..).zip(page.lines()) {
        if text.starts_with("```") {
            inside = text == "```console";
        } else if !inside {
        } else if let Some(command) = text.strip_prefix("$ ") {
            steps.push(Step { line, command: command.to_owned(), output: Vec::new(), exit: 0 });
        } else if let Some(step) = steps.last_mut() {
            if let Some(more) = text.strip_prefix("> ") {
                step.command = format!("{}\n{more}", step.command);
            } else if let Some(code) = text.strip_prefix("# exit ") {
                step.exit = code.parse().expect("a number");
            } else {
                step.output.push(text.to_owned());
            }
        }
    }
    steps
}

/// Whether a line is what the page says.
pub(crate) fn agrees(expected: &str, found: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = found.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    let mut open = false;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        open = true;
    }
    !open && rest.is_empty()
}

#[test]
fn an_output_that_differs_from_its_page_is_noticed() {
    for (expected, found) in [("a … c", "a b c"), ("a…", "abc"), ("x", "x"), ("… a … b", "1 a a b"), ("", "")] {
        assert!(agrees(expected, found), "{expected} {found}");
    }
    for (expected, found) in [("a … c", "a b d"), ("a", "ab"), ("a … c", "a b c d"), ("a", ""), ("…a", "b")] {
        assert!(!agrees(expected, found), "{expected} {found}");
    }
}

#[test]
fn a_page_is_read_with_texts_outputs_and_exit_codes() {
    let page = "# T\n```sh\n$ no\n```\n```console\n$ cat <<'END'\n> a\n> END\na\n$ false\n# exit 1\n```\n";
    let found: Vec<_> = steps(page).into_iter().map(|step| (step.line, step.command, step.output, step.exit)).collect();
    let expected =
        [(6, "cat <<'END'\na\nEND".to_owned(), vec!["a".to_owned()], 0), (10, "false".to_owned(), Vec::new(), 1)];
    assert_eq!(found, expected);
}

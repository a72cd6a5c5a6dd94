//! The few words of our schemas that PostgreSQL writes in another way.
//!
//! Source: SQLite "CREATE TRIGGER"; PostgreSQL "CREATE TRIGGER", "PL/pgSQL".
//! Owns: the list of words, the one form of trigger that schemas use (`BEGIN SELECT RAISE(ABORT, '…'); END;`), and how a
//! table that is made anew keeps the references to it (SQLite's go by name, the server's by table).
//! Never: translates a query; what it does not know, the server refuses.

/// SQLite's word and the server's.
const WORDS: [(&str, &str); 8] = [
    ("INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY"),
    (" AS BLOB)", " AS BYTEA)"),
    ("char(31)", "chr(31)"),
    ("typeof(amount_fen) = 'integer'", "amount_fen IS NOT NULL"),
    ("IS NOT '", "IS DISTINCT FROM '"),
    ("IS NOT OLD.", "IS DISTINCT FROM OLD."),
    ("DROP TRIGGER load_is_decided_once;", "DROP TRIGGER load_is_decided_once ON load;"),
    ("DROP TRIGGER load_is_final;", "DROP TRIGGER load_is_final ON load;"),
];

const DROP: &str = "DROP TABLE ";
const TRIGGER: &str = "CREATE TRIGGER ";
const BODY: &str = "BEGIN SELECT RAISE(ABORT, '";
const END: &str = "'); END;";

/// A schema as the server takes it.
pub(super) fn of_server(sql: &str) -> String {
    let mut rest = WORDS.iter().fold(sql.to_owned(), |text, (ours, theirs)| text.replace(ours, theirs));
    let mut out = String::with_capacity(rest.len() * 2);
    while let Some((before, trigger)) = rest.split_once(TRIGGER) {
        let Some((translated, after)) = trigger_of_server(trigger) else { break };
        out.push_str(before);
        out.push_str(&translated);
        rest = after.to_owned();
    }
    out.push_str(&rest);
    remade(&out)
}

/// References to a table that is made anew are taken off and put back.
fn remade(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, dropped)) = rest.split_once(DROP) {
        out.push_str(before);
        let swap = dropped.split_once(';').and_then(|(table, after)| {
            let (new, after) =
                after.trim_start().strip_prefix("ALTER TABLE ")?.split_once(&format!(" RENAME TO {table};"))?;
            Some((table, new, after))
        });
        rest = if let Some((table, new, after)) = swap {
            out.push_str(&SWAP.replace("{table}", table).replace("{new}", new));
            after
        } else {
            out.push_str(DROP);
            dropped
        };
    }
    out.push_str(rest);
    out
}

const SWAP: &str = "DO $$ DECLARE held record; again text[] := '{}'; one text; BEGIN
    FOR held IN SELECT conrelid::regclass AS place, conname, pg_get_constraintdef(oid) AS rule FROM pg_constraint
        WHERE contype = 'f' AND confrelid = '{table}'::regclass AND conrelid <> confrelid LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', held.place, held.conname);
        again := again || format('ALTER TABLE %s ADD CONSTRAINT %I %s', held.place, held.conname, held.rule);
    END LOOP;
    DROP TABLE {table};
    ALTER TABLE {new} RENAME TO {table};
    FOREACH one IN ARRAY again LOOP EXECUTE one; END LOOP;
    END $$;";

/// A trigger behind its first words, and what follows it.
fn trigger_of_server(trigger: &str) -> Option<(String, &str)> {
    let (head, rest) = trigger.split_once(BODY)?;
    let (message, after) = rest.split_once(END)?;
    let (name, head) = head.split_once(char::is_whitespace)?;
    let (event, condition) = head.split_once("WHEN").unwrap_or((head, "TRUE"));
    let (event, condition) = (event.trim(), condition.trim());
    let row = if event.contains("DELETE") { "OLD" } else { "NEW" };
    let message = message.replace('%', "%%");
    let text = format!(
        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN\n\
         RAISE EXCEPTION '{message}'; END IF; RETURN {row}; END $$;\n\
         CREATE TRIGGER {name} {event} FOR EACH ROW EXECUTE FUNCTION {name}();"
    );
    Some((text, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_with_a_condition_becomes_a_function_and_a_trigger() {
        let ours = "CREATE TABLE a (b BIGINT);\nCREATE TRIGGER a_stays BEFORE UPDATE OF b ON a\nWHEN OLD.b <> 1\n\
                    BEGIN SELECT RAISE(ABORT, 'no'); END;\nCREATE TABLE c (d TEXT);";
        let theirs = of_server(ours);
        assert_eq!(
            theirs,
            "CREATE TABLE a (b BIGINT);\n\
             CREATE FUNCTION a_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.b <> 1 THEN\n\
             RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$;\n\
             CREATE TRIGGER a_stays BEFORE UPDATE OF b ON a FOR EACH ROW EXECUTE FUNCTION a_stays();\n\
             CREATE TABLE c (d TEXT);"
        );
    }

    #[test]
    fn a_trigger_without_one_refuses_always_and_a_deletion_keeps_the_old_row() {
        let theirs = of_server("CREATE TRIGGER x BEFORE DELETE ON a BEGIN SELECT RAISE(ABORT, 'n'); END;");
        assert!(theirs.contains("IF TRUE THEN") && theirs.contains("RETURN OLD"), "{theirs}");
    }

    #[test]
    fn a_table_made_anew_is_swapped_with_the_references_to_it_and_a_dropped_one_is_dropped() {
        let theirs = of_server(
            "DROP TABLE x;\nDROP TABLE card;\nALTER TABLE card_new RENAME TO card;\nCREATE INDEX i ON card (a);",
        );
        assert!(theirs.starts_with("DROP TABLE x;\nDO $$"), "{theirs}");
        assert!(
            theirs.contains("confrelid = 'card'::regclass") && theirs.contains("ALTER TABLE card_new RENAME TO card;")
        );
        assert!(theirs.ends_with("END $$;\nCREATE INDEX i ON card (a);"), "{theirs}");
    }

    #[test]
    fn what_is_no_such_trigger_stays_for_the_server_to_refuse() {
        let text = "CREATE TRIGGER x AFTER INSERT ON a BEGIN UPDATE a SET b = 1; END;";
        assert_eq!(of_server(text), text);
    }
}

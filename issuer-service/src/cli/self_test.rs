//! `issuer self-test`.

use super::Common;
use crate::centre::Centre;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::self_test::{self, Run, Seen};
use crate::vault::authority::Authority;
use crate::vault::data_keys::DataKeys;
use crate::vault::{KeyCheck, passphrase};

pub(super) fn run(common: &Common, output: &Output) -> Result<Exit, Error> {
    let path = common.folder()?.to_owned();
    let mut run = Run::new(output.lang());
    let opened = run.look(("配置与数据库", "configuration and database"), || {
        let centre = Centre::open_to_look(&path)?;
        Ok((centre, Seen::good("可以打开", "can be opened")))
    });
    let Some(mut centre) = opened else { return ended(run, output) };
    run.look(("数据目录", "data folder"), || Ok(((), self_test::folder(&path))));
    run.look(("数据库", "database"), || {
        centre.store.read(|tx| -> Result<_, Error> { Ok(((), self_test::database(tx)?)) })
    });
    run.look(("审计日志", "audit log"), || {
        centre.store.read(|tx| -> Result<_, Error> { Ok(((), self_test::audit(tx)?)) })
    });
    run.look(("黑名单", "blacklist"), || {
        centre.store.read(|tx| -> Result<_, Error> { Ok(((), self_test::blacklist(tx)?)) })
    });
    let (made, site) = (centre.config.card_keys(), centre.config.site_keys());
    run.look(("卡片类型的密钥", "keys of the card types"), || {
        centre.store.read(|tx| -> Result<_, Error> { Ok(((), self_test::card_keys(tx, &made, &site)?)) })
    });
    centre.store.set_clock_rules(centre.config.clock_rules());
    run.look(("时钟", "clock"), || {
        centre.store.read(|tx| -> Result<_, Error> {
            tx.clock_holds()?;
            Ok(((), Seen::good("与日志相符", "agrees with the log")))
        })
    });
    let secret = run.look(("口令", "passphrase"), || {
        let secret = passphrase::to_open(&path, common.passphrase.as_ref(), output)?;
        Ok((secret, Seen::good("已给出", "given")))
    });
    let Some(secret) = secret else { return ended(run, output) };
    // Opening a vault tries its cryptography against known answers.
    let vault = run.look(("密钥库", "key vault"), || {
        let vault = common.vault_with(&centre, &secret, output)?;
        Ok((vault, Seen::good("可以打开，已知答案测试通过", "opens, known answers are right")))
    });
    if let Some(vault) = vault {
        run.look(("密钥校验值", "check values of keys"), || {
            let found = vault.check_values(centre.config.city)?.keys;
            let (recorded, left) =
                centre.store.read(|tx| -> Result<_, Error> { Ok((tx.recorded_check_values()?, tx.keys_left()?)) })?;
            let check = KeyCheck::compare(recorded, found, &left);
            let agreed = check.agreed;
            let seen = if check.agrees() {
                Seen::good(format!("{agreed} 个与记录一致"), format!("{agreed} are as recorded"))
            } else {
                Seen::failed(
                    "KEYS_NOT_AS_RECORDED",
                    "与记录不符；issuer key check 列出哪些",
                    "not as recorded; issuer key check lists which",
                )
            };
            Ok(((), seen))
        });
    }
    run.look(("数据密钥", "data keys"), || {
        DataKeys::open(&centre.data_keys_path(), &secret)?;
        Ok(((), Seen::good("可以打开", "can be opened")))
    });
    let authority = centre.authority_path();
    if authority.exists() {
        run.look(("证书机构", "certificate authority"), || {
            Authority::open(&authority, &secret)?;
            Ok(((), Seen::good("可以打开", "can be opened")))
        });
    }
    ended(run, output)
}

fn ended(run: Run, output: &Output) -> Result<Exit, Error> {
    let test = run.finish();
    output.show(&test);
    Ok(test.exit())
}

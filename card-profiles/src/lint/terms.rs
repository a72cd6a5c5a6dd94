//! Words of the linter in both languages.
//!
//! Owns: what may be stated, counted or used twice. Never: a sentence (`problem`).

use super::problem::Term;

pub(super) const HISTORICAL_BYTES: Term = Term::new("历史字节数", "historical bytes");
pub(super) const DIRECTORY_ID: Term = Term::new("目录代号", "directory id");
pub(super) const FID: Term = Term::new("文件标识符", "FID");
pub(super) const SFI: Term = Term::new("短文件标识符", "SFI");
pub(super) const DF_NAME: Term = Term::new("DF 名称", "DF name");
pub(super) const FILE_ID: Term = Term::new("文件代号", "file id");
pub(super) const ELEMENT_ID: Term = Term::new("数据项代号", "element id");
pub(super) const RECORDS: Term = Term::new("记录数", "records");
pub(super) const SIZE: Term = Term::new("文件大小", "size");
pub(super) const LENGTH: Term = Term::new("长度", "length");
pub(super) const TAG: Term = Term::new("记录标识", "tag");
pub(super) const KEY_NAME: Term = Term::new("密钥名", "name");
pub(super) const KEY_BYTES: Term = Term::new("密钥的字节数", "bytes of a key");
pub(super) const KEY_SLOT: Term = Term::new("密钥位置", "slot");
pub(super) const AUTHENTICATION_ID: Term = Term::new("外部认证密钥标识", "authentication id");
pub(super) const TRANSACTION_TYPE: Term = Term::new("交易类型", "transaction type");
pub(super) const COMMAND: Term = Term::new("命令", "command");
pub(super) const PIN_ID: Term = Term::new("口令标识", "PIN id");
pub(super) const PIN_BYTES: Term = Term::new("口令的字节数", "bytes of a PIN");
pub(super) const TRIES: Term = Term::new("可试次数", "tries");
pub(super) const VERSION: Term = Term::new("密钥版本", "version");
pub(super) const PURCHASE_LEVELS: Term = Term::new("purchase_levels", "purchase_levels");
pub(super) const KEY_INDEX: Term = Term::new("密钥索引", "key_index");
pub(super) const FACTORS: Term = Term::new("分散因子个数", "factors");
pub(super) const RECORD_BYTES: Term = Term::new("记录字节数", "bytes of a record");
pub(super) const LOG_RECORD_BYTES: Term = Term::new("交易明细记录的字节数", "bytes of a log record");
pub(super) const HEADER_BYTES: Term = Term::new("命令头字节数", "bytes of the command header");
pub(super) const A_HEADER_BYTES: Term = Term::new("命令头字节数", "bytes of a command header");
pub(super) const CHALLENGE_BYTES: Term = Term::new("随机数字节数", "bytes of the challenge");
pub(super) const CODE_BYTES: Term = Term::new("authentication_code 的字节数", "bytes of authentication_code");
pub(super) const INITIAL_DIGITS: Term = Term::new("初始口令的位数", "digits of the initial PIN");
pub(super) const NAME_BYTES: Term = Term::new("DF 名称的字节数", "bytes of a DF name");
pub(super) const THE_NAME_BYTES: Term = Term::new("DF 名称的字节数", "bytes of the DF name");
pub(super) const USER_ID_BYTES: Term = Term::new("user_id 的字节数", "bytes of user_id");
pub(super) const DIGIT_BYTES: Term = Term::new("口令数字的字节数", "bytes of the digits");
pub(super) const PREFIX_BYTES: Term = Term::new("前缀的字节数", "bytes of the prefix");
pub(super) const FIRST_PREFIX_BYTE: Term = Term::new("前缀的首字节", "first byte of the prefix");

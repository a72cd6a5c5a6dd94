//! The address of a database on a PostgreSQL server, and how the server is known.
//!
//! Source: PostgreSQL documentation, "Connection URIs".
//! Owns: reading an address, connecting, and that nothing leaves this machine unencrypted.
//! Never: takes a password in an address, or shows one.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{Host, SslMode, TargetSessionAttrs};
use postgres::{Client, Config, NoTls};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;
use zeroize::Zeroizing;

use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;

/// How long a connection may take, and after how long a silent line counts as broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// The address of a database and how it is trusted.
#[derive(Clone)]
pub struct Server {
    config: Config,
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("database", &self.config.get_dbname()).finish_non_exhaustive()
    }
}

/// Why an address is refused. None of them repeats it: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not `postgres://USER@HOST/DATABASE`.
    #[error("the address of the database cannot be understood")]
    Unreadable,
    /// It holds a password.
    #[error("the address of the database holds a password")]
    Password,
    /// Another machine, and no certificate to know it by.
    #[error("the database is on another machine and no certificate was named")]
    NoCertificate,
    /// The certificate file holds none.
    #[error("the certificate file cannot be read")]
    CertificateUnreadable,
}

impl Server {
    /// An address without password; `ca` is the PEM file of the certificates that vouch for the server.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn new(url: &str, password: Option<&Zeroizing<String>>, ca: Option<&Path>) -> Result<Self, AddressError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(AddressError::Unreadable);
        }
        let mut config: Config = url.parse().map_err(|_| AddressError::Unreadable)?;
        if config.get_password().is_some() {
            return Err(AddressError::Password);
        }
        if config.get_dbname().is_none() {
            return Err(AddressError::Unreadable);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("/var/run/postgresql");
        }
        let tls = match ca {
            Some(path) => Some(Arc::new(trusting(path)?)),
            None if on_this_machine(&config) => None,
            None => return Err(AddressError::NoCertificate),
        };
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.application_name("issuer").connect_timeout(PATIENCE).tcp_user_timeout(PATIENCE);
        config.keepalives_idle(PATIENCE).keepalives_interval(Duration::from_secs(5)).keepalives_retries(3);
        if let Some(password) = password {
            config.password(password.as_bytes());
        }
        Ok(Self { config, tls })
    }

    /// A new connection.
    pub(super) fn connect(&self) -> Result<Client, postgres::Error> {
        match &self.tls {
            None => self.config.connect(NoTls),
            Some(tls) => self.config.connect(MakeRustlsConnect::new((**tls).clone())),
        }
    }
}

fn trusting(path: &Path) -> Result<rustls::ClientConfig, AddressError> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|_| AddressError::CertificateUnreadable)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let added = certificate.ok().and_then(|certificate| roots.add(certificate).ok());
        added.ok_or(AddressError::CertificateUnreadable)?;
    }
    if roots.is_empty() {
        return Err(AddressError::CertificateUnreadable);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|_| AddressError::CertificateUnreadable)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Nothing leaves the machine on a Unix socket or the loopback interface.
fn on_this_machine(config: &Config) -> bool {
    let by_name = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    });
    by_name && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

impl Explain for AddressError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "DATABASE_ADDRESS_INVALID",
            Self::Password => "DATABASE_ADDRESS_HOLDS_PASSWORD",
            Self::NoCertificate => "DATABASE_CERTIFICATE_MISSING",
            Self::CertificateUnreadable => "DATABASE_CERTIFICATE_UNREADABLE",
        }
    }

    fn what(&self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::Unreadable => ("数据库地址看不懂", "the address of the database cannot be understood"),
            Self::Password => (
                "数据库地址里写了口令；命令行和配置文件都不是放口令的地方",
                "the address of the database holds a password, which belongs neither in a command nor in the configuration",
            ),
            Self::NoCertificate => (
                "数据库在另一台机器上，但没有指定辨认它的证书",
                "the database is on another machine and no certificate was named to know it by",
            ),
            Self::CertificateUnreadable => {
                ("数据库证书文件里没有可用的证书", "the certificate file of the database holds no usable certificate")
            }
        };
        lang.pick(zh, en).to_owned()
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Unreadable => lang.pick(
                "写成 postgres://用户@主机:端口/数据库，本机套接字用 postgres:///数据库?host=/var/run/postgresql",
                "write postgres://USER@HOST:PORT/DATABASE, or postgres:///DATABASE?host=/var/run/postgresql for the socket",
            ),
            Self::Password => lang.pick(
                "从地址中删去口令并更换它，用 --database-password env:名称 或 file:路径 指定来源",
                "take it out, change it, and name its source with --database-password env:NAME or file:PATH",
            ),
            Self::NoCertificate => lang.pick(
                "用 --database-ca 指定 PEM 证书文件（centre.toml 中为 ca）",
                "name the PEM file with --database-ca (`ca` in centre.toml)",
            ),
            Self::CertificateUnreadable => {
                lang.pick("检查文件路径和内容 (PEM)", "check the path and the content of the file (PEM)")
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> Option<AddressError> {
        Server::new(url, None, None).err()
    }

    #[test]
    fn a_password_in_an_address_is_refused_wherever_it_stands() {
        for url in ["postgres://a:geheim@localhost/b", "postgres://a@localhost/b?password=geheim"] {
            assert_eq!(refused(url), Some(AddressError::Password), "{url}");
        }
    }

    #[test]
    fn another_machine_needs_a_certificate_and_this_one_does_not() {
        for url in
            ["postgres://a@localhost/b", "postgres://a@127.3.0.1:5433/b", "postgres://a@[::1]/b", "postgres:///b"]
        {
            assert_eq!(refused(url), None, "{url}");
        }
        for url in [
            "postgres://a@10.0.0.1/b",
            "postgres://a@db.example/b?sslmode=disable",
            "postgres://a@localhost,db.example/b",
            "postgres://a@localhost/b?hostaddr=10.0.0.1",
        ] {
            assert_eq!(refused(url), Some(AddressError::NoCertificate), "{url}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_database_is_refused() {
        for url in
            ["", "mysql://a/b", "host=localhost dbname=b", "postgres://a@localhost", "postgres://a@localhost:x/b"]
        {
            assert_eq!(refused(url), Some(AddressError::Unreadable), "{url}");
        }
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), "no certificate").expect("written");
        let error = Server::new("postgres://a@db.example/b", None, Some(file.path())).expect_err("refused");
        assert_eq!(error, AddressError::CertificateUnreadable);
    }

    #[test]
    fn a_password_is_not_shown() {
        let password = Zeroizing::new("Geheim-77".to_owned());
        let server = Server::new("postgres://a@localhost/b", Some(&password), None).expect("an address");
        assert!(!format!("{server:?}").contains("Geheim"));
    }
}

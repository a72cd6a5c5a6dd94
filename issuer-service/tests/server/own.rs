//! A PostgreSQL server of one test: own folder, own port of the loopback interface, TLS with an authority of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// The server; ended when dropped.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
    pub(crate) port: u16,
}

/// An authority that vouches for a server.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Certificate and key of a machine of this name.
    fn certify(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        (params.signed_by(&key, &self.0).expect("a certificate").pem(), key.serialize_pem())
    }
}

impl Server {
    /// With a user `issuer` who has a password, and an empty database `centre`.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .expect("PostgreSQL's programs: scripts/setup")
            .map(|entry| entry.expect("an entry").path().join("bin"))
            .collect();
        found.sort();
        let server = Self { folder, programs: found.pop().expect("a version"), port };
        server.own();
        let data = server.data();
        let data = data.to_str().expect("a path");
        server.run(
            "initdb",
            &["-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        );
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\n",
            server.folder.path().display()
        );
        server.write("data/postgresql.auto.conf", &settings);
        server.write("data/pg_hba.conf", "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
        server.up();
        server.ask(
            "postgres",
            "CREATE USER issuer PASSWORD 'invented'; \
             CREATE DATABASE centre OWNER issuer ENCODING UTF8 LOCALE 'C.UTF-8' TEMPLATE template0",
        );
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Address of a database, without password.
    pub(crate) fn address(&self, host: &str, database: &str) -> String {
        format!("postgres://issuer@{host}:{}/{database}", self.port)
    }

    /// Address of a database for its keeper, who is known by the socket.
    pub(crate) fn address_of_keeper(&self, database: &str) -> String {
        format!("postgres://postgres@/{database}?host={}&port={}", self.folder.path().display(), self.port)
    }

    /// Shows a certificate for `name`, and takes nobody in without TLS.
    pub(crate) fn show(&self, authority: &Authority, name: &str) {
        let (certificate, key) = authority.certify(name);
        self.write("data/server.crt", &certificate);
        self.write("data/server.key", &key);
        self.write("data/pg_hba.conf", "local all postgres trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n");
        self.ask("postgres", "ALTER SYSTEM SET ssl = on");
        self.ask("postgres", "SELECT pg_reload_conf()");
    }

    /// As its keeper.
    pub(crate) fn ask(&self, database: &str, sql: &str) -> Vec<String> {
        let host = self.folder.path().display();
        let address = format!("host={host} port={} user=postgres dbname={database}", self.port);
        let mut client = postgres::Client::connect(&address, postgres::NoTls).expect("the keeper comes in");
        let mut rows = Vec::new();
        // One at a time: some are not for transactions.
        for one in sql.split("; ") {
            for message in client.simple_query(one).expect(one) {
                if let postgres::SimpleQueryMessage::Row(row) = message {
                    rows.push(row.get(0).unwrap_or_default().to_owned());
                }
            }
        }
        rows
    }

    pub(crate) fn up(&self) {
        let (data, log) = (self.data(), self.folder.path().join("log"));
        let (data, log) = (data.to_str().expect("a path"), log.to_str().expect("a path"));
        self.run("pg_ctl", &["-D", data, "-w", "-s", "-l", log, "start"]);
    }

    /// Without a word to anybody, as when the power goes.
    pub(crate) fn kill(&self) {
        let data = self.data();
        self.run("pg_ctl", &["-D", data.to_str().expect("a path"), "-m", "immediate", "-w", "-s", "stop"]);
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, text).expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, mode).expect("private");
        self.own();
    }

    /// The server does not run as root; its package brings a user for it.
    fn own(&self) {
        if is_root() {
            let owned = Command::new("chown").args(["-R", "postgres:postgres"]).arg(self.folder.path()).status();
            assert!(owned.expect("chown runs").success());
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let home: &Path = self.folder.path();
        let run = command.args(arguments).current_dir("/").env("HOME", home).stdin(Stdio::null()).stdout(Stdio::null());
        assert!(run.status().expect("PostgreSQL's programs run").success(), "{arguments:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            self.kill();
        }
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

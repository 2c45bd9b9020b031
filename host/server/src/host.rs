//! A host assembled from its configuration: database, key file, sandbox.

use crate::{
    app::{App, Parts},
    clock::Clock,
    config::Config,
    entropy::Entropy,
    seal::{KEY_FILE, MasterKey, Sealer},
};
use anyhow::Context as _;
use db::Db;
use engine::{Compiler, Engine, Limits};

/// The hidden command under which the binary compiles one policy in a process of its own.
pub const COMPILE_COMMAND: &str = "__compile";

/// What every command that touches data opens first.
pub struct Opened {
    /// The configuration it was opened with.
    pub config: Config,
    /// The database, migrated.
    pub db: Db,
    /// Secrets at rest.
    pub sealer: Sealer,
    /// The sandbox.
    pub engine: Engine,
}

impl Opened {
    /// Opens the data directory (made if absent), the key file (made if absent) and the database, and migrates it.
    ///
    /// # Errors
    /// What cannot be opened, and what to do about it.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("cannot make the data directory {}", config.data_dir.display()))?;
        let key = MasterKey::read_or_make(&config.data_dir.join(KEY_FILE), Entropy)?;
        let sealer = Sealer::new(&key, Entropy);
        let db = Db::open(&database_url(&config)).await.context("cannot open the database")?;
        db.migrate().await.context("cannot migrate the database")?;
        check_key(&db, &sealer).await?;
        let engine = engine(&sealer)?;
        Ok(Self { config, db, sealer, engine })
    }

    /// Starts the host on what was opened.
    pub fn start(self, clock: Clock, stream: String) -> App {
        let Self { config, db, sealer, engine } = self;
        App::start(Parts { config, db, engine, clock, sealer, stream })
    }
}

/// The address of the configured database.
pub fn database_url(config: &Config) -> String {
    let file = config.data_dir.join("punchcard.db");
    config.database.clone().unwrap_or_else(|| format!("sqlite:{}", file.display()))
}

/// Where uploads are compiled: in a child process of this program, but for unit tests, whose program is no host.
///
/// # Errors
/// The program cannot be found.
pub(crate) fn compiler() -> anyhow::Result<Compiler> {
    if cfg!(test) {
        return Ok(Compiler::InProcess);
    }
    let program = std::env::current_exe().context("cannot find the punchcard binary for compiling policies")?;
    Ok(Compiler::Process { program, args: vec![COMPILE_COMMAND.into()] })
}

fn engine(sealer: &Sealer) -> anyhow::Result<Engine> {
    Engine::new(Limits::default(), sealer.artifact_key(), compiler()?).context("cannot start the sandbox")
}

/// The database remembers which key file it was made with.
async fn check_key(db: &Db, sealer: &Sealer) -> anyhow::Result<()> {
    let stored = db::platform::key_check(db, sealer.check_value()).await?;
    sealer.expect_check_value(&stored)?;
    Ok(())
}

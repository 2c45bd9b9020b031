//! `punchcard serve`.

use super::{Listening, Where};
use crate::{clock::Clock, edge, http, jobs, telemetry};
use anyhow::Context as _;
use clap::Args;
use std::process::ExitCode;

/// Run the host until it is told to stop.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    listening: Listening,
    /// Show the string that was signed in answers to bad signatures. For trying things out only.
    #[arg(long)]
    test_mode: bool,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut config = self.place.config()?;
        config.listen = self.listening.listen.unwrap_or(config.listen);
        config.test_mode |= self.test_mode;
        telemetry::start_logs(config.log_format, &config.log).context("the log filter")?;
        telemetry::start_metrics();
        let opened = crate::host::Opened::open(config).await?;
        let app = opened.start(Clock::System, self.listening.stream);
        let listener = tokio::net::TcpListener::bind(app.config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", app.config.listen))?;
        let stop = edge::stop_signal();
        announce(&listener)?;
        let jobs = jobs::start(app.clone());
        edge::serve(listener, http::router(app.clone()), &app.config.edge, stop).await?;
        jobs.stop().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// One line on standard output when the host is ready, for whoever started it.
#[expect(clippy::print_stdout, reason = "the line whoever started the host waits for")]
fn announce(listener: &tokio::net::TcpListener) -> anyhow::Result<()> {
    println!("{}", serde_json::json!({"ready": format!("http://{}", listener.local_addr()?)}));
    Ok(())
}

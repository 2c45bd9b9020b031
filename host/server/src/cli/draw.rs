//! `punchcard draw`: open with a commitment, close with the secret, verify every ticket.

use super::Where;
use crate::{clock::Clock, draws, host::Opened, tenants::Tenants};
use clap::{Args, Subcommand};
use ledger::TenantId;
use std::{process::ExitCode, sync::Arc};

/// Open, close and verify draws.
#[derive(Debug, Subcommand)]
pub enum DrawCommand {
    /// Publish the odds and the hash of the secret; from now on members can draw.
    Open(Which),
    /// End the draw and reveal the secret.
    Close(Which),
    /// Recompute every ticket of a closed draw.
    Verify(Which),
}

/// Which draw.
#[derive(Debug, Args)]
pub struct Which {
    #[command(flatten)]
    place: Where,
    /// Whose.
    tenant: String,
    /// Which campaign.
    campaign: String,
}

#[expect(clippy::print_stdout, reason = "what the command was asked for")]
fn say(line: &str) {
    println!("{line}");
}

impl DrawCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (Self::Open(which) | Self::Close(which) | Self::Verify(which)) = &self;
        let tenant = TenantId::new(which.tenant.clone())?;
        let Opened { db, engine, sealer, .. } = which.place.open().await?;
        let sealer = Arc::new(sealer);
        let now = Clock::System.now();
        match &self {
            Self::Open(_) => {
                let mut tenants = Tenants::new(Arc::clone(&sealer));
                let published = draws::open(&db, &engine, &mut tenants, &sealer, &tenant, &which.campaign, now).await?;
                say(&serde_json::to_string_pretty(&published)?);
            }
            Self::Close(_) => {
                let secret = draws::close(&db, &sealer, &tenant, &which.campaign, now).await?;
                say(&format!("closed; the secret was {secret}"));
            }
            Self::Verify(_) => {
                let verified = draws::verify(&db, &tenant, &which.campaign).await?;
                say(&serde_json::to_string_pretty(&verified)?);
                return Ok(if verified.differs.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

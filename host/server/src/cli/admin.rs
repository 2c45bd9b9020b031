//! Commands that set things up: tenants, stores, tills, staff, members.

use super::Where;
use crate::{
    app::App,
    apply::{Asked, apply_event},
    clock::Clock,
    entropy::Entropy,
    host::Opened,
    passwords::Passwords,
    seal::{IdentityKind, Phone, SecretText},
    setup::{ADMIN, Desk, OPERATOR, PLATFORM},
};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use ledger::{Act, Event, Join, MemberId, Settings, StoreId, TenantId, TillId, sha256_hex};
use std::process::ExitCode;

/// Who commands act as in the records.
const BY: &str = "command line";

/// Set things up.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Make a tenant.
    #[command(name = "add-tenant")]
    Tenant(TenantAdd),
    /// Make a store.
    #[command(name = "add-store")]
    Store(StoreAdd),
    /// Set up a till and show its key once.
    #[command(name = "add-till")]
    Till(TillAdd),
    /// Add somebody who can sign in to the admin API; the password is read from standard input.
    #[command(name = "add-staff")]
    Staff(StaffAdd),
    /// Register a member.
    #[command(name = "add-member")]
    Member(MemberAdd),
}

/// Make a tenant.
#[derive(Debug, Args)]
pub struct TenantAdd {
    #[command(flatten)]
    place: Where,
    /// Its id.
    tenant: String,
    /// What people call it.
    name: String,
    /// IANA time zone its days begin in.
    #[arg(long, default_value = "Asia/Shanghai")]
    zone: String,
}

/// Make a store.
#[derive(Debug, Args)]
pub struct StoreAdd {
    #[command(flatten)]
    place: Where,
    /// Whose.
    tenant: String,
    /// Its id: the code the tills use.
    store: String,
    /// What people call it.
    name: String,
}

/// Set up a till and show its key once.
#[derive(Debug, Args)]
pub struct TillAdd {
    #[command(flatten)]
    place: Where,
    /// Whose.
    tenant: String,
    /// In which store.
    store: String,
    /// Its id.
    till: String,
    /// What people call it.
    #[arg(long, default_value = "till")]
    name: String,
}

/// Add somebody who can sign in.
#[derive(Debug, Args)]
pub struct StaffAdd {
    #[command(flatten)]
    place: Where,
    /// The tenant they run; the platform if left out.
    #[arg(long)]
    tenant: Option<String>,
    /// The name they sign in with.
    user: String,
}

/// Register a member.
#[derive(Debug, Args)]
pub struct MemberAdd {
    #[command(flatten)]
    place: Where,
    /// Whose.
    tenant: String,
    /// Phone number in mainland China.
    #[arg(long)]
    phone: Option<String>,
    /// Card number.
    #[arg(long)]
    card: Option<String>,
}

#[expect(clippy::print_stdout, reason = "what the command was asked for")]
fn say(line: &str) {
    println!("{line}");
}

impl AdminCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Tenant(add) => add.run().await?,
            Self::Store(add) => add.run().await?,
            Self::Till(add) => add.run().await?,
            Self::Staff(add) => add.run().await?,
            Self::Member(add) => add.run().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn desk(opened: &Opened) -> Desk<'_> {
    Desk { db: &opened.db, sealer: &opened.sealer, entropy: Entropy, now: Clock::System.now(), by: BY }
}

impl TenantAdd {
    async fn run(self) -> anyhow::Result<()> {
        let opened = self.place.open().await?;
        let settings = Settings { zone: self.zone.try_into()?, ..Settings::default() };
        desk(&opened).tenant(&TenantId::new(self.tenant.clone())?, &self.name, &settings).await?;
        say(&format!("tenant {} is there; publish a policy next: punchcard policy publish", self.tenant));
        Ok(())
    }
}

impl StoreAdd {
    async fn run(self) -> anyhow::Result<()> {
        let opened = self.place.open().await?;
        let (tenant, store) = (TenantId::new(self.tenant)?, StoreId::new(self.store)?);
        desk(&opened).store(&tenant, store, &self.name, "{}").await?;
        say("the store is there");
        Ok(())
    }
}

impl TillAdd {
    async fn run(self) -> anyhow::Result<()> {
        let opened = self.place.open().await?;
        let (tenant, store, till) = (TenantId::new(self.tenant)?, StoreId::new(self.store)?, TillId::new(self.till)?);
        let desk = desk(&opened);
        desk.till(&tenant, store.clone(), till.clone(), &self.name).await?;
        let key = desk.key(&tenant, &store, &till, "first key").await?;
        say(&serde_json::to_string(&key)?);
        Ok(())
    }
}

impl StaffAdd {
    async fn run(self) -> anyhow::Result<()> {
        let opened = self.place.open().await?;
        let mut password = String::new();
        std::io::stdin().read_line(&mut password).context("cannot read the password")?;
        let password = SecretText::new(password.trim_end_matches(['\r', '\n']).to_owned());
        let hash = Passwords::new(1, Entropy).hash(password).await?;
        let (tenant, role) = match self.tenant {
            Some(tenant) => (TenantId::new(tenant)?, ADMIN),
            None => (TenantId::new(PLATFORM)?, OPERATOR),
        };
        desk(&opened).staff(&tenant, &self.user, &self.user, role, hash).await?;
        say(&format!("{} can sign in as {role}", self.user));
        Ok(())
    }
}

impl MemberAdd {
    async fn run(self) -> anyhow::Result<()> {
        let opened = self.place.open().await?;
        let tenant = TenantId::new(self.tenant)?;
        let app = opened.start(Clock::System, "cli".to_owned());
        let mut identities = Vec::new();
        if let Some(phone) = &self.phone {
            let phone = Phone::parse(phone)?;
            identities.push(("phone", app.sealer.index(&tenant, IdentityKind::Phone, phone.as_str())));
        }
        if let Some(card) = &self.card {
            identities.push(("card", app.sealer.index(&tenant, IdentityKind::Card, card)));
        }
        anyhow::ensure!(!identities.is_empty(), "give --phone or --card: something the member is known by");
        let member = register(&app, &tenant, identities).await?;
        say(&format!("member {member}"));
        Ok(())
    }
}

/// Registers a member who is known by these blind indexes.
async fn register(app: &App, tenant: &TenantId, identities: Vec<(&'static str, String)>) -> anyhow::Result<MemberId> {
    let member = MemberId::new(format!("m_{}", app.entropy.hex::<10>()?))?;
    let first = identities.first().cloned();
    let join = Join { member: member.clone(), event: Event::Register, birthday: None, referrer: None };
    let asked = Asked {
        tenant: tenant.clone(),
        principal: "staff:command-line".to_owned(),
        idempotency_key: format!("register/{member}"),
        input_hash: sha256_hex(member.as_str().as_bytes()),
        natural_key: None,
        store: None,
        till: None,
        business_at: app.clock.now(),
        member: first.map(|(kind, index)| db::snapshot::MemberRef::Identity { kind, index }),
        sale: None,
        identities,
        profile_sealed: None,
        act: Act::Join(join),
    };
    let replied = apply_event(app, asked).await?;
    let reply: ledger::Reply = serde_json::from_slice(&replied.body)?;
    Ok(reply.member.map_or(member, |member| member.id))
}

//! `punchcard policy`: everything a rule's author needs, from an empty folder to a published version.

mod book;
mod check;
mod eval;
mod inspect;
mod new;
mod place;
mod publish;
mod remote;
mod settings;
mod subject;
mod table;
mod test;
mod trial;
mod wasm_names;

use clap::Subcommand;
use std::{
    io::{self, Write as _},
    process::ExitCode,
};

/// Write, check, test and publish policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Make a folder with a working rule, its cases and its page.
    New(new::New),
    /// Admit a policy as a host would, and show what it says about itself.
    Check(check::Check),
    /// Run a policy's cases on the engine that will run it.
    Test(test::Test),
    /// Show what a policy imports and exports, its size, its cost and its parameters.
    Inspect(inspect::Inspect),
    /// Ask a policy about one event, or about every receipt of a file of baskets.
    Eval(eval::Eval),
    /// Check, test and publish a policy in a tenant's rulebook.
    Publish(publish::Publish),
    /// Show a tenant's rulebook and its versions.
    List(publish::List),
    /// Publish the policies of an earlier rulebook again.
    Rollback(publish::Rollback),
    /// Take a policy out of the rulebook.
    Unpublish(publish::Unpublish),
}

impl PolicyCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// What is wrong, in words for the rule's author.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let said = match self {
            Self::New(new) => new.run(),
            Self::Check(check) => check.run(),
            Self::Test(test) => test.run(),
            Self::Inspect(inspect) => inspect.run().await,
            Self::Eval(eval) => eval.run(),
            Self::Publish(publish) => publish.run().await,
            Self::List(list) => list.run().await,
            Self::Rollback(rollback) => rollback.run().await,
            Self::Unpublish(unpublish) => unpublish.run().await,
        }?;
        said.print()
    }
}

/// What a command says on standard output, and whether all is well.
#[derive(Debug, Clone)]
struct Said {
    text: String,
    well: bool,
}

impl Said {
    /// Everything is as it should be.
    fn well(text: impl Into<String>) -> Self {
        Self { text: text.into(), well: true }
    }

    /// Adds something the author should know, below the rest.
    fn warning(mut self, warning: Option<&str>) -> Self {
        if let Some(warning) = warning {
            self.text += &format!("note: {warning}\n");
        }
        self
    }

    fn print(&self) -> anyhow::Result<ExitCode> {
        match io::stdout().lock().write_all(self.text.as_bytes()) {
            // Whoever reads may have seen enough, as `head` does.
            Err(why) if why.kind() != io::ErrorKind::BrokenPipe => return Err(why.into()),
            _ => {}
        }
        Ok(if self.well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

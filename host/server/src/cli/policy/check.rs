//! `punchcard policy check`.

use super::{
    Said,
    place::MANIFEST,
    subject::{Compiling, Subject},
};
use clap::Args;
use std::path::PathBuf;

/// Admit a policy as a host would, and show what it says about itself.
#[derive(Debug, Args)]
pub struct Check {
    /// A folder, a .rhai file or a .wasm file.
    path: PathBuf,
    #[command(flatten)]
    compiling: Compiling,
}

impl Check {
    pub(super) fn run(&self) -> anyhow::Result<Said> {
        let subject = Subject::at(&self.path, self.compiling)?;
        let cases = match &subject.found.cases {
            Some(path) => format!("accepted; `punchcard policy test {}` runs {}", self.path.display(), path.display()),
            None => "accepted, but it has no cases yet: a policy without cases is not published".to_owned(),
        };
        let told = &subject.policy.description().name;
        let other = subject.found.name.as_ref().filter(|name| *name != told);
        let other = other
            .map(|name| format!("{MANIFEST} calls it {name:?}, the policy itself says {told:?}; the second counts"));
        let said = Said::well(format!("{}\n{cases}\n", subject.page()));
        Ok(said.warning(other.as_deref()).warning(subject.found.warning.as_deref()))
    }
}

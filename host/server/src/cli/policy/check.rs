//! `punchcard policy check`.

use super::{
    Said,
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
            None => format!("accepted, but it has no cases yet: a policy without cases is not published"),
        };
        Ok(Said::well(format!("{}\n{cases}\n", subject.page())).warning(subject.found.warning.as_deref()))
    }
}

//! A policy on disk: a folder, a script or a component, with its cases.

use anyhow::{Context as _, bail};
use engine::Source;
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The policy's own page in its folder.
pub(super) const MANIFEST: &str = "policy.toml";
/// Its cases.
pub(super) const CASES: &str = "cases.json";
/// A script, unless the manifest says otherwise.
pub(super) const SCRIPT: &str = "policy.rhai";
/// A component, unless the manifest says otherwise.
pub(super) const COMPONENT: &str = "policy.wasm";
/// What builds the component of a folder that `punchcard policy new --rust` made.
pub(super) const BUILD: &str = "build";

/// A policy on disk.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The file that is run.
    pub file: PathBuf,
    /// What it holds.
    pub source: Source,
    /// Where its cases stand, if there are any.
    pub cases: Option<PathBuf>,
    /// The name its manifest gives it, which should be the one it gives itself.
    pub name: Option<String>,
    /// Something the author should know.
    pub warning: Option<String>,
}

/// What `policy.toml` says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// The name the policy gives itself.
    name: String,
    /// What merchants read in a list.
    #[serde(default, rename = "title")]
    _title: Option<String>,
    /// One sentence.
    #[serde(default, rename = "summary")]
    _summary: Option<String>,
    language: Language,
    /// The script, or what the component is built from.
    source: Option<PathBuf>,
    /// The built component.
    component: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Language {
    Rhai,
    Wasm,
}

impl Found {
    /// Finds the policy at a path: a folder, a `.rhai` or a `.wasm` file.
    ///
    /// # Errors
    /// What is missing, and what to do about it.
    pub(crate) fn at(path: &Path) -> anyhow::Result<Self> {
        let (file, name) = if path.is_dir() { in_folder(path)? } else { (path.to_owned(), None) };
        let folder = file.parent().unwrap_or(Path::new(""));
        let source = read(&file)?;
        let cases = cases_of(&file, folder);
        Ok(Self { source, cases, name, warning: stale(&file, folder), file })
    }

    /// The cases as text.
    ///
    /// # Errors
    /// If there are none or they cannot be read.
    pub(crate) fn cases(&self) -> anyhow::Result<String> {
        let Some(path) = &self.cases else {
            bail!(
                "{} has no {CASES} beside it; a policy without cases is not published. docs/RULES.md shows one",
                self.file.display()
            );
        };
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// `wasm` or `rhai`, as the database has it.
    pub(crate) fn language(&self) -> &'static str {
        match self.source {
            Source::Wasm(_) => "wasm",
            Source::Rhai(_) => "rhai",
        }
    }
}

/// The file in a folder that is run, and the name its manifest gives it.
fn in_folder(folder: &Path) -> anyhow::Result<(PathBuf, Option<String>)> {
    let manifest = manifest(folder)?;
    let name = manifest.as_ref().map(|manifest| manifest.name.clone());
    let file = match manifest {
        Some(Manifest { language: Language::Rhai, source, .. }) => source.unwrap_or_else(|| SCRIPT.into()),
        Some(Manifest { language: Language::Wasm, component, .. }) => component.unwrap_or_else(|| COMPONENT.into()),
        None if folder.join(SCRIPT).exists() => SCRIPT.into(),
        None if folder.join(COMPONENT).exists() || folder.join("Cargo.toml").exists() => COMPONENT.into(),
        None => bail!(
            "{} holds no policy: neither {MANIFEST} nor {SCRIPT} nor {COMPONENT}; `punchcard policy new` makes one",
            folder.display()
        ),
    };
    let file = folder.join(file);
    if !file.exists() {
        bail!("{} is not there{}", file.display(), how_to_build(folder));
    }
    Ok((file, name))
}

fn how_to_build(folder: &Path) -> String {
    let build = folder.join(BUILD);
    if build.exists() {
        return format!("; build it with {}", build.display());
    }
    match folder.join("Cargo.toml").exists() {
        true => "; build the crate for wasm32-unknown-unknown as a component (docs/RULES.md says how)".to_owned(),
        false => String::new(),
    }
}

fn manifest(folder: &Path) -> anyhow::Result<Option<Manifest>> {
    let path = folder.join(MANIFEST);
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).map(Some).with_context(|| path.display().to_string())
}

fn read(file: &Path) -> anyhow::Result<Source> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("wasm") => Ok(Source::Wasm(bytes)),
        Some("rhai") => match String::from_utf8(bytes) {
            Ok(text) => Ok(Source::Rhai(text)),
            Err(_) => bail!("{} is not UTF-8 text", file.display()),
        },
        _ => bail!("{} is neither a .rhai nor a .wasm file, nor a folder that holds one", file.display()),
    }
}

/// `NAME.cases.json` or `NAME.json` beside a script that shares its folder with others, else `cases.json`.
fn cases_of(file: &Path, folder: &Path) -> Option<PathBuf> {
    let own = [file.with_extension("cases.json"), folder.join(CASES)];
    own.into_iter().find(|path| path.exists())
}

/// A component older than its source, in a folder whose `build` makes it.
fn stale(file: &Path, folder: &Path) -> Option<String> {
    let build = folder.join(BUILD);
    if !build.exists() || file.extension().is_none_or(|extension| extension != "wasm") {
        return None;
    }
    let built = changed(file)?;
    let sources = fs::read_dir(folder.join("src")).ok()?;
    let newer =
        sources.filter_map(Result::ok).map(|entry| entry.path()).find(|source| changed(source) > Some(built))?;
    Some(format!("{} is newer than {}: build it again with {}", newer.display(), file.display(), build.display()))
}

fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|about| about.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("written");
        }
        folder
    }

    #[test]
    fn a_folder_is_read_as_its_manifest_says() {
        let manifest = "name = \"x\"\nlanguage = \"rhai\"\nsource = \"rule.rhai\"\n";
        let folder = folder(&[(MANIFEST, manifest), ("rule.rhai", "a"), (SCRIPT, "b"), (CASES, "{}")]);
        let found = Found::at(folder.path()).expect("a policy");
        assert_eq!((found.source, found.cases), (Source::Rhai("a".into()), Some(folder.path().join(CASES))));
    }

    #[test]
    fn a_script_may_have_cases_of_its_own_name() {
        let folder = folder(&[("a.rhai", "a"), ("a.cases.json", "1"), (CASES, "2"), ("b.rhai", "b")]);
        let cases = |name| Found::at(&folder.path().join(name)).and_then(|found| found.cases()).expect("cases");
        assert_eq!((cases("a.rhai"), cases("b.rhai")), ("1".into(), "2".into()));
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_do() {
        let unbuilt = folder(&[(MANIFEST, "name = \"x\"\nlanguage = \"wasm\"\n"), (BUILD, "")]);
        let wrong = folder(&[(MANIFEST, "name = \"x\"\nlanguage = \"wasm\"\nsorce = \"a\"\n")]);
        let (empty, text) = (folder(&[]), folder(&[("x.txt", "")]));
        for (path, wanted) in [
            (unbuilt.path().to_owned(), "build it with"),
            (wrong.path().to_owned(), "unknown field `sorce`"),
            (empty.path().to_owned(), "holds no policy"),
            (text.path().join("x.txt"), "neither a .rhai nor a .wasm file"),
            (text.path().join("y.rhai"), "cannot read"),
        ] {
            let why = format!("{:#}", Found::at(&path).expect_err("refused"));
            assert!(why.contains(wanted), "{why}");
        }
    }
}

//! docs/STYLE.md, as far as a machine can judge. Each rule has a planted text that it must report.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Lines of a file without its tests.
const FILE_LINES_MAX: usize = 600;
/// Lines of a function.
const FUNCTION_LINES_MAX: usize = 70;
/// Folders whose name says nothing of what is in them.
const VAGUE: [&str; 5] = ["common", "utils", "core", "models", "scripts"];
/// The shipped scripts: there the word says what is in it.
const SHIPPED_SCRIPTS: &str = "rules/scripts/";
/// Where SQL may stand: the database's room, and judges that read the tables on purpose without sharing its code.
const SQL_ROOMS: [&str; 3] = ["host/db/", "migrations/", "tests/"];
/// Written in two halves, so that this file does not report itself.
const UNDONE: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("unimple", "mented!")];
const IGNORE: &str = concat!("#[ig", "nore");
const MACHINE_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

type Rule = fn(&str, &str) -> Vec<String>;
const RULES: [Rule; 7] =
    [short_files, short_functions, no_mod_rs, clear_folders, sql_at_home, no_machine, nothing_undone];

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

fn short_files(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count();
    let is_long = is_rust(path) && lines > FILE_LINES_MAX;
    is_long.then(|| format!("has {lines} lines without its tests")).into_iter().collect()
}

/// Relies on rustfmt: a function ends at the first line that closes at its own indentation.
fn short_functions(path: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let starts = lines.iter().enumerate().filter(|(_, line)| is_rust(path) && names_function(line));
    let long = starts.filter_map(|(at, line)| {
        let rest = lines.get(at..)?;
        let head = rest.iter().position(|line| line.ends_with(['{', '}', ';']))?;
        if !rest.get(head)?.ends_with('{') {
            return None;
        }
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let length = rest.iter().position(|line| line.strip_prefix(&indent) == Some("}"))? + 1;
        (length > FUNCTION_LINES_MAX).then(|| format!("line {}: a function of {length} lines", at + 1))
    });
    long.collect()
}

fn names_function(line: &str) -> bool {
    let before = line.split_once("fn ").map(|(before, _)| before.trim_start());
    let is_qualifier = |word: &str| {
        matches!(word, "pub" | "const" | "async" | "unsafe" | "extern" | "\"C\"")
            || word.starts_with("pub(")
            || word.ends_with(')')
    };
    before.is_some_and(|before| before.split_whitespace().all(is_qualifier))
}

fn no_mod_rs(path: &str, _: &str) -> Vec<String> {
    let is_old = Path::new(path).file_name().is_some_and(|name| name == "mod.rs");
    is_old.then(|| "name the file after its module".to_owned()).into_iter().collect()
}

fn clear_folders(path: &str, _: &str) -> Vec<String> {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let vague = folders.split('/').filter(|folder| VAGUE.contains(folder) && !path.starts_with(SHIPPED_SCRIPTS));
    vague.map(|folder| format!("the folder {folder} says nothing of what is in it")).collect()
}

fn sql_at_home(path: &str, text: &str) -> Vec<String> {
    if !is_rust(path) || SQL_ROOMS.iter().any(|room| path.starts_with(room)) {
        return Vec::new();
    }
    let found = literals(text).into_iter().filter(|literal| is_sql(literal));
    found.map(|literal| format!("SQL outside host/db: {:?}", literal.chars().take(60).collect::<String>())).collect()
}

fn is_sql(literal: &str) -> bool {
    let words = literal.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    let table = [
        ("select ", " from "),
        ("insert into ", ""),
        ("update ", " set "),
        ("delete from ", ""),
        ("create table ", ""),
        ("with ", " as ("),
        ("alter table ", ""),
        ("drop table ", ""),
    ];
    table.iter().any(|(first, then)| words.starts_with(first) && words.contains(then))
}

/// The string literals of Rust code, without their quotes; comments and characters are passed over.
fn literals(code: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), code);
    while let Some(c) = rest.chars().next() {
        let hashes = rest.strip_prefix('r').map(|raw| raw.len() - raw.trim_start_matches('#').len());
        if rest.starts_with("//") {
            rest = rest.find('\n').and_then(|end| rest.get(end..)).unwrap_or_default();
        } else if let Some(raw) = hashes.and_then(|hashes| rest.get(hashes + 1..)?.strip_prefix('"')) {
            let end = format!("\"{}", "#".repeat(hashes.unwrap_or_default()));
            let (literal, behind) = raw.split_once(&end).unwrap_or((raw, ""));
            found.push(literal.to_owned());
            rest = behind;
        } else if let Some((literal, behind)) = plain(rest) {
            found.push(literal.to_owned());
            rest = behind;
        } else if let Some(behind) = ["'\"'", "'\\\"'", "'\\\\'"].iter().find_map(|quoted| rest.strip_prefix(quoted)) {
            rest = behind;
        } else {
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    found
}

/// The plain literal that begins here, and what is behind it.
fn plain(code: &str) -> Option<(&str, &str)> {
    let inside = code.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            '"' if !escaped => return Some((inside.get(..at)?, inside.get(at + 1..)?)),
            '\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
    }
    Some((inside, ""))
}

fn no_machine(_: &str, text: &str) -> Vec<String> {
    let found = text.lines().enumerate().filter(|(_, line)| MACHINE_PATHS.iter().any(|path| line.contains(path)));
    found.map(|(at, _)| format!("line {}: a path of one machine", at + 1)).collect()
}

fn nothing_undone(path: &str, text: &str) -> Vec<String> {
    let is_code = ["rs", "sql", "rhai", "wit", "py", "sh"].iter().any(|kind| path.ends_with(&format!(".{kind}")));
    let is_undone = |line: &str| is_code && (line.contains(IGNORE) || UNDONE.iter().any(|word| line.contains(word)));
    let found = text.lines().enumerate().filter(|(_, line)| is_undone(line));
    found.map(|(at, line)| format!("line {}: {}", at + 1, line.trim())).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// The project's files: what git knows and would add, or whatever lies there without git.
fn files() -> Vec<String> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").args(list).current_dir(root()).output();
    match listed {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).split_terminator('\0').map(str::to_owned).collect()
        }
        _ => walked(&root(), ""),
    }
}

fn walked(folder: &Path, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let path = if name.is_empty() { file.clone() } else { format!("{name}/{file}") };
        if entry.path().is_dir() && file != "target" && !file.starts_with('.') {
            found.extend(walked(&entry.path(), &path));
        } else if entry.path().is_file() {
            found.push(path);
        }
    }
    found
}

fn findings(path: &str, text: &str) -> Vec<String> {
    RULES.iter().flat_map(|rule| rule(path, text)).map(|finding| format!("{path}: {finding}")).collect()
}

#[test]
fn the_house_is_tidy() {
    let files = files();
    assert!(files.len() > 200, "only {} files", files.len());
    // What is no text has no lines to judge.
    let texts = files.iter().filter_map(|path| Some((path, fs::read_to_string(root().join(path)).ok()?)));
    let found: Vec<String> = texts.flat_map(|(path, text)| findings(path, &text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_rule_reports_what_is_planted() {
    let long_file = "//\n".repeat(FILE_LINES_MAX + 1);
    let long_function =
        format!("    pub(crate) async fn f(\n        a: u8,\n    ) {{\n{}    }}\n", "        g();\n".repeat(67));
    let ignored = format!("{IGNORE} = \"slow\"]\n");
    for (path, text, says) in [
        ("a.rs", long_file.as_str(), "has 601 lines"),
        ("a.rs", &long_function, "line 1: a function of 71 lines"),
        ("a/mod.rs", "", "name the file"),
        ("host/utils/a.rs", "", "the folder utils"),
        ("scripts/a.py", "", "the folder scripts"),
        ("host/server/a.rs", "let x = \"select a\n   from b\";", "SQL outside"),
        ("host/server/a.rs", "let c = '\"'; let x = r#\"Update a SET b = \"c\"\"#;", "SQL outside"),
        ("docs/a.md", &format!("see {}home", MACHINE_PATHS[0]), "a path of one machine"),
        ("a.rs", &ignored, "line 1: "),
        ("a.sql", &format!("-- {}: later", UNDONE[0]), "line 1: "),
        ("a.rs", &format!("fn f() {{ {}() }}", UNDONE[2]), "line 1: "),
    ] {
        let found = findings(path, text);
        assert!(found.len() == 1 && found.iter().all(|finding| finding.contains(says)), "{path} {says}: {found:?}");
    }
}

#[test]
fn no_rule_reports_what_is_fine() {
    let tested = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{}}\n{}", "//\n".repeat(700));
    let function = format!("fn f() {{\n{}}}\n", "    g();\n".repeat(68));
    for (path, text) in [
        ("a.rs", tested.as_str()),
        ("a.rs", &function),
        ("a.rs", "    fn f(&self) -> u8;\n\n    fn g() {}\n"),
        ("rules/scripts/a/policy.rhai", ""),
        ("host/db/src/a.rs", "\"select a from b\""),
        ("host/server/a.rs", "// \"select a from b\"\nlet x = \"choose \\\"select a from b\\\"\";"),
        ("host/server/a.rs", "let x = \"choose from a\";"),
    ] {
        assert_eq!(findings(path, text), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn without_git_the_same_sources_are_found() {
    let found = walked(&root(), "");
    let hidden = |path: &&String| path.starts_with('.') || path.contains("/.");
    let listed = files().into_iter().filter(|path| root().join(path).is_file());
    let missed: Vec<String> = listed.filter(|path| !hidden(&path) && !found.contains(path)).collect();
    assert_eq!(missed, Vec::<String>::new());
}

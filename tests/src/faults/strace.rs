//! What a process asked of its disk, and when it answered its callers: read from a trace of its system calls.

use super::disk::{Inode, Op, What};
use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::OsString,
    fs::File,
    io::{BufRead as _, BufReader},
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};
use tokio::process::Command;

/// Calls that change a disk or answer a caller. Those behind `fallocate` are not understood: they must not occur.
const CALLS: &str = "trace=pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync,ftruncate,unlink,unlinkat,rename,\
                     renameat,renameat2,link,linkat,openat,fallocate,pwritev,pwritev2,truncate,copy_file_range,sendfile";
/// The longest data of one call that is traced; longer is an error, never a shorter write.
const BYTES_MAX: &str = "70000";
/// A file with this name takes one acknowledgement a line: key, blank, SHA-256 of the answer.
const ACKS: &str = "acks";

/// The command, with its system calls written to a file. The traced process stays our own child.
pub fn traced(command: &Command, to: &Path) -> Command {
    let command = command.as_std();
    let mut strace = Command::new("strace");
    strace.args(["-D", "-f", "--seccomp-bpf", "-q", "-xx", "-s", BYTES_MAX, "-y", "-e", CALLS, "-o"]).arg(to);
    strace.arg(command.get_program()).args(command.get_args());
    strace
}

/// The command, whose n-th sync fails as if the disk were broken. It stays our own child.
pub fn with_failing_sync(command: &Command, n: u64) -> Command {
    let command = command.as_std();
    let mut strace = Command::new("strace");
    strace.args(["-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e"]);
    strace.arg(format!("inject=fsync:error=EIO:when={n}"));
    strace.arg(command.get_program()).args(command.get_args());
    strace
}

/// A caller was told that something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// When the answer was handed to the system.
    pub at: usize,
    /// What was done.
    pub key: String,
    /// SHA-256 of the answer's bytes.
    pub reply: String,
}

/// Everything a process did to one folder, and every answer it gave. Times are line numbers.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Changes in the order they were asked for.
    pub ops: Vec<Op>,
    /// Answers in the order they were given.
    pub acks: Vec<Ack>,
    /// Syncs that were answered.
    pub syncs: usize,
    names: BTreeMap<PathBuf, Inode>,
    inodes: Inode,
    answers: HashMap<PathBuf, Vec<u8>>,
}

/// A call with its answer; when it was asked and when it was answered.
struct Call<'a> {
    name: &'a str,
    args: &'a str,
    answer: Option<&'a str>,
    asked: usize,
    answered: Option<usize>,
}

impl Trace {
    /// Reads a trace; only what happened in `folder` counts.
    ///
    /// # Errors
    /// If a line cannot be understood, or a call changes the folder in a way that is not understood.
    pub fn read(file: &Path, folder: &Path) -> anyhow::Result<Self> {
        let mut trace = Self::default();
        let mut waiting: BTreeMap<String, (usize, String)> = BTreeMap::new();
        let lines = BufReader::new(File::open(file)?).lines();
        for (at, line) in lines.enumerate() {
            let line = line?;
            let (process, text) = line.split_once(' ').with_context(|| format!("line {at} has no process"))?;
            let text = text.trim_start();
            if let Some(begun) = text.strip_suffix("<unfinished ...>") {
                waiting.insert(process.to_owned(), (at, begun.trim_end().to_owned()));
            } else if let Some((_, rest)) = text.strip_prefix("<... ").and_then(|text| text.split_once(" resumed>")) {
                let (asked, begun) = waiting.remove(process).with_context(|| format!("line {at} ends nothing"))?;
                trace.line(&format!("{begun}{rest}"), asked, Some(at), folder)?;
            } else if !text.starts_with(['+', '-']) {
                trace.line(text, at, Some(at), folder)?;
            }
        }
        for (asked, begun) in waiting.into_values() {
            trace.line(&begun, asked, None, folder)?;
        }
        trace.ops.sort_by_key(|op| op.issued);
        trace.acks.sort_by_key(|ack| ack.at);
        Ok(trace)
    }

    fn line(&mut self, text: &str, asked: usize, answered: Option<usize>, folder: &Path) -> anyhow::Result<()> {
        let (name, rest) = text.split_once('(').with_context(|| format!("line {asked} is no call: {text}"))?;
        let (args, answer) = match rest.rsplit_once(" = ") {
            Some((args, answer)) if answered.is_some() => (args.trim_end().trim_end_matches(')'), Some(answer)),
            _ => (rest, None),
        };
        if answer.is_some_and(|answer| answer.starts_with('-')) {
            return Ok(());
        }
        // The process ended in the call: it may have been carried out.
        let (answer, answered) = if answer == Some("?") { (None, None) } else { (answer, answered) };
        self.call(&Call { name, args, answer, asked, answered }, folder)
            .with_context(|| format!("line {asked}: {name}"))
    }

    fn call(&mut self, call: &Call<'_>, folder: &Path) -> anyhow::Result<()> {
        match call.name {
            "openat" => self.open(call, folder),
            "write" | "sendto" | "writev" | "sendmsg" => self.told(call, folder),
            "pwrite64" => self.written(call, folder),
            "ftruncate" => self.truncated(call, folder),
            "fsync" | "fdatasync" => self.synced(call, folder),
            "unlink" | "unlinkat" => self.unlinked(call, folder),
            "rename" | "renameat" | "renameat2" | "link" | "linkat" => self.renamed(call, folder),
            _ if paths(call.args)?.iter().any(|path| is_ours(path, folder)) => bail!("is not understood"),
            _ => Ok(()),
        }
    }

    fn op(&mut self, call: &Call<'_>, what: What) {
        self.ops.push(Op { issued: call.asked, done: call.answered, durable: None, what });
    }

    fn open(&mut self, call: &Call<'_>, folder: &Path) -> anyhow::Result<()> {
        let Some(path) = strings(call.args)?.into_iter().next().map(path_of) else { return Ok(()) };
        if !is_ours(&path, folder) || !call.args.contains("O_CREAT") {
            ensure!(
                !is_ours(&path, folder) || !call.args.contains("O_TRUNC"),
                "an open that truncates is not understood"
            );
            return Ok(());
        }
        match self.names.get(&path) {
            Some(inode) if call.args.contains("O_TRUNC") => self.op(call, What::Truncate(*inode, 0)),
            Some(_) => {}
            None => {
                self.inodes += 1;
                self.names.insert(path.clone(), self.inodes);
                self.op(call, What::Name(path, self.inodes));
            }
        }
        Ok(())
    }

    /// The file a call is about, if it is ours: a file that has lost its name can be lost.
    fn file(&self, call: &Call<'_>, folder: &Path) -> anyhow::Result<Option<Inode>> {
        if call.args.contains("(deleted)") {
            return Ok(None);
        }
        let path = paths(call.args)?.into_iter().next().unwrap_or_default();
        if !is_ours(&path, folder) {
            return Ok(None);
        }
        Ok(Some(*self.names.get(&path).with_context(|| format!("{} was never made", path.display()))?))
    }

    fn written(&mut self, call: &Call<'_>, folder: &Path) -> anyhow::Result<()> {
        let Some(inode) = self.file(call, folder)? else { return Ok(()) };
        let bytes = strings(call.args)?.into_iter().next().context("no data")?;
        let mut numbers = call.args.rsplit(", ");
        let offset: usize = numbers.next().context("no offset")?.trim().parse()?;
        let length: usize = numbers.next().context("no length")?.trim().parse()?;
        ensure!(bytes.len() == length, "only {} of {length} bytes are in the trace", bytes.len());
        if let Some(answer) = call.answer {
            ensure!(answer.trim() == length.to_string(), "a short write is not understood");
        }
        self.op(call, What::Write(inode, offset, bytes));
        Ok(())
    }

    fn truncated(&mut self, call: &Call<'_>, folder: &Path) -> anyhow::Result<()> {
        let Some(inode) = self.file(call, folder)? else { return Ok(()) };
        let length = call.args.rsplit(", ").next().context("no length")?.trim().parse()?;
        self.op(call, What::Truncate(inode, length));
        Ok(())
    }

    /// A sync covers what was answered before it was asked for: a file's bytes, or a folder's names.
    fn synced(&mut self, call: &Call<'_>, folder: &Path) -> anyhow::Result<()> {
        let Some(answered) = call.answered else { return Ok(()) };
        let path = paths(call.args)?.into_iter().next().unwrap_or_default();
        let of_folder = path == folder;
        let inode = if of_folder { None } else { self.file(call, folder)? };
        if !of_folder && inode.is_none() {
            return Ok(());
        }
        self.syncs += 1;
        for op in self.ops.iter_mut().filter(|op| op.durable.is_none() && op.done.is_some_and(|done| done < call.asked))
        {
            let covered = match &op.what {
                What::Write(of, ..) | What::Truncate(of, _) => inode == Some(*of),
                What::Name(..) | What::Unname(_) | What::Rename(..) => of_folder,
            };
            op.durable = covered.then_some(answered);
        }
        Ok(())
    }

    fn unlinked(&mut self, call: &Call<'_>, folder: &Path) -> anyhow::Result<()> {
        let Some(path) = strings(call.args)?.into_iter().next().map(path_of) else { return Ok(()) };
        if is_ours(&path, folder) && self.names.remove(&path).is_some() {
            self.op(call, What::Unname(path));
        }
        Ok(())
    }

    fn renamed(&mut self, call: &Call<'_>, folder: &Path) -> anyhow::Result<()> {
        let paths: Vec<PathBuf> = strings(call.args)?.into_iter().map(path_of).collect();
        let [from, to] = paths.as_slice() else { bail!("has {} paths", paths.len()) };
        if !is_ours(from, folder) && !is_ours(to, folder) {
            return Ok(());
        }
        let inode = *self.names.get(from).with_context(|| format!("{} was never made", from.display()))?;
        self.names.insert(to.clone(), inode);
        if call.name.starts_with("link") {
            self.op(call, What::Name(to.clone(), inode));
        } else {
            self.names.remove(from);
            self.op(call, What::Rename(from.clone(), to.clone(), inode));
        }
        Ok(())
    }

    /// Bytes handed to a caller, to a file that counts acknowledgements, or appended to a file of ours.
    fn told(&mut self, call: &Call<'_>, folder: &Path) -> anyhow::Result<()> {
        let Some(path) = paths(call.args)?.into_iter().next() else { return Ok(()) };
        let bytes: Vec<u8> = strings(call.args)?.concat();
        if path.file_name().is_some_and(|name| name == ACKS) {
            for line in String::from_utf8_lossy(&bytes).lines() {
                let (key, reply) = line.split_once(' ').context("an acknowledgement is a key and a hash")?;
                self.acks.push(Ack { at: call.asked, key: key.to_owned(), reply: reply.to_owned() });
            }
        } else if path.to_string_lossy().starts_with("socket:") {
            let answers = self.answers.entry(path).or_default();
            answers.extend(bytes);
            self.acks.extend(answered(answers, call.asked)?);
        } else if let Some(inode) = self.file(call, folder)? {
            self.append(call, inode, bytes);
        }
        Ok(())
    }

    /// Plain writes go behind everything written before: they are used for small files that are made once.
    fn append(&mut self, call: &Call<'_>, inode: Inode, bytes: Vec<u8>) {
        let written = self.ops.iter().filter_map(|op| match &op.what {
            What::Write(of, offset, bytes) if *of == inode => Some(offset + bytes.len()),
            _ => None,
        });
        let offset = written.max().unwrap_or(0);
        self.op(call, What::Write(inode, offset, bytes));
    }

    /// Pages copied from the log into the database's file after the first answer.
    pub fn checkpointed(&self) -> usize {
        let first = self.acks.first().map_or(usize::MAX, |ack| ack.at);
        let file = self.names.iter().find(|(path, _)| path.extension().is_some_and(|extension| extension == "db"));
        let is_copy = |op: &&Op| match (&op.what, file) {
            (What::Write(inode, ..), Some((_, of))) => inode == of && op.issued > first,
            _ => false,
        };
        self.ops.iter().filter(is_copy).count()
    }

    /// The moments at which the disk or a caller learned something.
    pub fn moments(&self) -> BTreeSet<usize> {
        let ops = self.ops.iter().flat_map(|op| [Some(op.issued), op.durable].into_iter().flatten());
        ops.chain(self.acks.iter().map(|ack| ack.at)).collect()
    }
}

/// The database's index of its log lives in memory, and locks hold nothing.
fn is_ours(path: &Path, folder: &Path) -> bool {
    let name = path.to_string_lossy();
    path.parent() == Some(folder) && !name.ends_with("-shm") && !name.ends_with(".lock") && !name.ends_with(".log")
}

/// Takes every whole HTTP answer off a connection's bytes; those about a receipt are acknowledgements.
fn answered(bytes: &mut Vec<u8>, at: usize) -> anyhow::Result<Vec<Ack>> {
    let mut acks = Vec::new();
    while bytes.starts_with(b"HTTP/1.1 ") {
        let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4) else { break };
        let text = String::from_utf8_lossy(bytes.get(..head).unwrap_or_default()).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("an answer without a length")?.trim().parse()?;
        let Some(body) = bytes.get(head..head + length) else { break };
        let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let number = answer.get("receipt").and_then(|receipt| receipt.as_str()).and_then(|r| r.strip_prefix("R-"));
        if let Some(number) = number.filter(|_| text.starts_with("http/1.1 200 ")) {
            acks.push(Ack { at, key: format!("k-{number}"), reply: hex::encode(Sha256::digest(body)) });
        }
        bytes.drain(..head + length);
    }
    Ok(acks)
}

/// The quoted strings of a call.
fn strings(args: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    args.split('"').skip(1).step_by(2).map(unescape).collect()
}

/// The paths behind file numbers.
fn paths(args: &str) -> anyhow::Result<Vec<PathBuf>> {
    let marked = args.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    marked.map(|(path, _)| unescape(path).map(path_of)).collect()
}

fn path_of(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

/// `\x68\x69` as bytes.
fn unescape(text: &str) -> anyhow::Result<Vec<u8>> {
    let digits = text.replace("\\x", "");
    hex::decode(digits).with_context(|| format!("{text:.60} is not all hexadecimal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two threads; the first sync was asked for before the write was answered, so it covers nothing of it.
    const TRACE: &str = r#"7 openat(AT_FDCWD<\x2f>, "\x2f\x64\x2f\x61", O_RDWR|O_CREAT, 0600) = 3<\x2f\x64\x2f\x61>
7 pwrite64(3<\x2f\x64\x2f\x61>, "\x68\x69", 2, 10 <unfinished ...>
8 fsync(3<\x2f\x64\x2f\x61>)        = 0
7 <... pwrite64 resumed>)           = 2
8 fsync(3<\x2f\x64\x2f\x61>)        = 0
7 write(4<\x2f\x61\x63\x6b\x73>, "\x6b\x2d\x31\x20\x61\x62\x0a", 7) = 7
7 unlink("\x2f\x64\x2f\x61")        = -1 EPERM (Operation not permitted)
7 pwrite64(5<\x2f\x65\x2f\x61>, "\x68\x69", 2, 0) = 2
7 fsync(6<\x2f\x64>)                = 0
7 ftruncate(3<\x2f\x64\x2f\x61>, 0 <unfinished ...>
8 +++ killed by SIGKILL +++
7 +++ killed by SIGKILL +++
"#;

    fn read(text: &str) -> anyhow::Result<Trace> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("trace");
        std::fs::write(&file, text)?;
        Trace::read(&file, Path::new("/d"))
    }

    #[test]
    fn a_sync_covers_what_was_written_before_it_was_asked_for() -> anyhow::Result<()> {
        let trace = read(TRACE)?;
        let op = |issued, done, durable, what| Op { issued, done, durable, what };
        let wanted = [
            op(0, Some(0), Some(8), What::Name("/d/a".into(), 1)),
            op(1, Some(3), Some(4), What::Write(1, 10, b"hi".to_vec())),
            op(9, None, None, What::Truncate(1, 0)),
        ];
        assert_eq!(trace.ops, wanted);
        assert_eq!(trace.acks, [Ack { at: 5, key: "k-1".into(), reply: "ab".into() }]);
        assert_eq!(trace.syncs, 3);
        Ok(())
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_not_a_guess() {
        let cut_off = r#"7 pwrite64(3<\x2f\x64\x2f\x61>, "\x68"..., 2, 0) = 2"#;
        let made = TRACE.lines().next().unwrap_or_default();
        assert!(read(&format!("{made}\n{cut_off}\n")).is_err());
        assert!(read(&format!("{made}\n7 fallocate(3<\\x2f\\x64\\x2f\\x61>, 0, 0, 4096) = 0\n")).is_err());
        assert!(read(cut_off).is_err(), "a file that was never made");
    }

    #[test]
    fn an_answer_over_http_is_an_acknowledgement_when_its_last_byte_is_sent() -> anyhow::Result<()> {
        let body = br#"{"receipt":"R-4"}"#;
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut bytes = [text.as_bytes(), &body[..5]].concat();
        assert_eq!(answered(&mut bytes, 1)?, []);
        bytes.extend(&body[5..]);
        bytes.extend(b"HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\n{}");
        let acks = answered(&mut bytes, 2)?;
        assert_eq!(acks.iter().map(|ack| (ack.at, ack.key.as_str())).collect::<Vec<_>>(), [(2, "k-4")]);
        assert!(bytes.is_empty());
        Ok(())
    }
}

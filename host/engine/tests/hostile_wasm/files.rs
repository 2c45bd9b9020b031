//! Uploads that are no policy at all: damaged, disguised, or asking for what there is not.

use super::{Case, End};
use crate::components::{Core, component_of, contract, with_module};
use crate::kit::{engine as in_process, rulebook};
use engine::{Engine, Limits, LoadError, Source};
use ledger::{Event, Facts};

/// Bit flips tried on a valid component.
const FLIPS: usize = 400;

/// Uploads refused for what they are.
pub fn cases() -> Vec<Case> {
    let mut cases = disguised();
    cases.extend(imports());
    cases.extend(contracts());
    cases.extend(features());
    cases.extend(exports());
    cases
}

fn disguised() -> Vec<Case> {
    let case = |name: &str, bytes: &[u8]| Case::new(name, bytes.to_vec(), End::Refused(&["format", "malformed"]));
    let honest = Core::evaluating("(i32.const 56)").component();
    let core = wat::parse_str(Core::evaluating("(i32.const 56)").text()).unwrap();
    vec![
        case("H27 nothing", b""),
        case("H27 one byte", b"\0"),
        case("H27 an ELF file", b"\x7fELF\x02\x01\x01\0"),
        case("H27 a zip archive", b"PK\x03\x04rest"),
        case("H27 a gzip archive", b"\x1f\x8b\x08rest"),
        case("H27 a header alone", b"\0asm"),
        case("H27 another version", b"\0asm\x02\0\0\0"),
        case("H27 a section longer than the file", b"\0asm\x0d\0\x01\0\x07\xff\xff\xff\x7f"),
        case("H27 a length in six bytes", b"\0asm\x0d\0\x01\0\x07\x80\x80\x80\x80\x80\x01"),
        case("H27 text", b"(component)"),
        case("H27 a script", b"fn describe() {}"),
        case("H31 a core module", &core),
        Case::new("H27 2 MiB", [honest.clone(), vec![0; 2 << 20]].concat(), End::Refused(&["size"])),
        Case::new("H31 our own artifact", sealed(&honest), End::Refused(&["format"])),
        Case::new("H31 the machine code in it", machine_code(&honest), End::Refused(&["format"])),
    ]
}

fn sealed(component: &[u8]) -> Vec<u8> {
    in_process(Limits::default()).admit(&Source::Wasm(component.to_vec())).unwrap().artifact
}

fn machine_code(component: &[u8]) -> Vec<u8> {
    let artifact = sealed(component);
    let at = artifact.windows(4).position(|bytes| bytes == b"\x7fELF").unwrap();
    artifact[at..].to_vec()
}

fn text(name: &str, wat: &str, codes: &'static [&'static str]) -> Case {
    Case::new(name, wat::parse_str(wat).unwrap(), End::Refused(codes))
}

fn imports() -> Vec<Case> {
    let ask = |name: &str, import: &str| {
        text(name, &format!("(component (import \"{import}\" (instance (export \"f\" (func)))))"), &["import"])
    };
    vec![
        ask("H11 asks for the network", "wasi:http/outgoing-handler@0.2.0"),
        ask("H11 asks for files", "wasi:filesystem/types@0.2.0"),
        ask("H11 asks for a name of its own", "evil:host/escape"),
        ask("H11 asks for another major version", "punchcard:policy/host@2.0.0"),
        ask("H37 asks for a clock", "wasi:clocks/monotonic-clock@0.2.0"),
        ask("H37 asks for randomness", "wasi:random/random@0.2.0"),
        text("H11 asks for a function of its own", "(component (import \"escape\" (func)))", &["import"]),
        text("H11 asks for a core module", "(component (import \"escape\" (core module)))", &["import"]),
    ]
}

/// A policy of a contract that differs in one place.
fn other_contract(from: &str, to: &str, core: &str) -> Vec<u8> {
    let contract = contract();
    assert!(contract.contains(from), "{from}");
    component_of(&contract.replace(from, to), wat::parse_str(core).unwrap())
}

/// Policies of a contract that is almost ours.
fn contracts() -> Vec<Case> {
    let body = "(call $log (i32.const 1024) (i32.const 7)) (i32.const 56)";
    let core = Core::evaluating(body).text();
    let short = core.replace("$log (param i32 i32)", "$log (param i32)").replace("1024) (i32.const 7)", "1024)");
    let case = |name: &str, from: &str, to: &str, core: &str, codes| {
        Case::new(name, other_contract(from, to, core), End::Refused(codes))
    };
    vec![
        case("H12 log of another type", "log: func(text: string)", "log: func(text: u32)", &short, &["import"]),
        case(
            "H33 a decision with a field more",
            "reasons: list<reason> }",
            "reasons: list<reason>, more: u8 }",
            &core,
            &["exports"],
        ),
        case("H33 an effect more", "reject(string),", "reject(string), fly,", &core, &["exports"]),
        case("H33 another case order", "follow, register,", "register, follow,", &core, &["exports"]),
        case("H33 points as floats", "type points = s64", "type points = f64", &core, &["exports"]),
        Case::new(
            "a later minor version that asks for nothing new is no attack",
            other_contract("policy@1.0.0", "policy@1.1.0", &core.replace("@1.0.0", "@1.1.0")),
            End::Decides(|_| true),
        ),
    ]
}

fn features() -> Vec<Case> {
    let with = |name: &str, fields: &str| {
        Case::new(name, with_module(fields), End::Refused(&["feature", "invalid", "memory", "malformed"]))
    };
    vec![
        with("H30 vectors", "(func (drop (i8x16.splat (i32.const 1))))"),
        with("H30 relaxed vectors", "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))"),
        with("H30 tail calls", "(func $tail (return_call $tail))"),
        with("H30 exceptions", "(tag $t) (func (throw $t))"),
        with("H30 garbage collection", "(type $s (struct (field i32))) (func (drop (struct.new_default $s)))"),
        with("H30 atomics", "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))"),
        with("H30 a second memory", "(memory 1)"),
        with("H30 a 64-bit table", "(table i64 1 funcref)"),
        with("H30 wide arithmetic", "(func (result i64 i64) (i64.mul_wide_s (i64.const 1) (i64.const 1)))"),
        text(
            "H24 resources",
            "(component (type $r (resource (rep i32))) (core func $n (canon resource.new $r)))",
            &["feature"],
        ),
        text("H30 a 64-bit memory", "(component (core module (memory i64 1)))", &["feature"]),
        text("H30 a shared memory", "(component (core module (memory 1 2 shared)))", &["feature"]),
        text("H30 pages of one byte", "(component (core module (memory 1 (pagesize 1))))", &["feature"]),
    ]
}

fn exports() -> Vec<Case> {
    let instances = "(core instance (instantiate 0))".repeat(5);
    vec![
        text("H33 no exports", "(component)", &["exports"]),
        text(
            "H33 describe alone",
            "(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))
               (func (export \"describe\") (canon lift (core func $i \"f\"))))",
            &["exports"],
        ),
        text(
            "H33 both of the wrong type",
            "(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))
               (func (export \"describe\") (canon lift (core func $i \"f\")))
               (func (export \"evaluate\") (canon lift (core func $i \"f\"))))",
            &["exports"],
        ),
        text("five core instances", &format!("(component (core module) {instances})"), &["instances"]),
        Case::new("H33 the same exports twice", doubled(), End::Refused(&["memory"])),
    ]
}

fn doubled() -> Vec<u8> {
    let honest = Core::evaluating("(i32.const 56)").component();
    [honest.clone(), honest[8..].to_vec()].concat()
}

/// H27: a valid component cut at every length, and with single bits flipped. Any end will do but a crash or a
/// hang.
pub fn mutants(engine: &Engine) -> Result<(), String> {
    let honest = Core::evaluating("(call $log (i32.const 1024) (i32.const 7)) (i32.const 56)").component();
    for length in 0..honest.len() {
        try_out(engine, honest[..length].to_vec());
    }
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..FLIPS {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let mut mutant = honest.clone();
        let at = (seed % mutant.len() as u64) as usize;
        mutant[at] ^= 1 << (seed >> 61);
        try_out(engine, mutant);
    }
    Ok(())
}

fn try_out(engine: &Engine, bytes: Vec<u8>) {
    if let Ok(rulebook) = rulebook(engine, &Source::Wasm(bytes)) {
        engine.evaluate(&rulebook, &Facts::default(), &Event::SignIn).unwrap();
    }
}

/// H32: artifacts altered on disk, or sealed for another policy, do not load.
pub fn artifacts(engine: &Engine) -> Result<(), String> {
    let one = engine.admit(&Source::Wasm(Core::evaluating("(i32.const 56)").component())).unwrap();
    let two = engine.admit(&Source::Wasm(Core::evaluating("(nop) (i32.const 56)").component())).unwrap();
    let not_ours = |artifact: &[u8]| matches!(engine.load(&one.digest, artifact), Err(LoadError::NotOurs { .. }));
    for at in (0..one.artifact.len()).step_by(97).skip(1) {
        let mut altered = one.artifact.clone();
        altered[at] ^= 0x10;
        if !not_ours(&altered) {
            return Err(format!("H32: an artifact altered at {at} was loaded"));
        }
    }
    if !not_ours(&two.artifact) || not_ours(&one.artifact) {
        return Err("H32: an artifact of another policy was loaded, or the right one was not".into());
    }
    Ok(())
}

//! Valid Wasm that nobody wrote: generated modules and components on the whole way of an upload.

use crate::{
    components::{self, Core},
    policy::{self, End},
};
use arbitrary::Unstructured;
use engine::Source;
use std::collections::BTreeMap;
use wasm_encoder::{
    CodeSection, DataSection, Function, InstructionSink, Module,
    reencode::{Error, Reencode, RoundtripReencoder, utils},
};
use wasm_smith::{Component, Config};
use wasmparser::{DataSectionReader, FunctionBody, Parser, Payload, TypeRef};

/// What a generated module offers: what the contract asks for, and a function for `evaluate` to call.
const SHAPE: &str = r#"(module
  (import "punchcard:policy/host@1.0.0" "log" (func (param i32 i32)))
  (memory (export "memory") 2)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "describe") (result i32) (i32.const 0))
  (func (export "evaluate") (param i32) (result i32) (i32.const 0))
  (func (export "made") (param i32) (result i32) (i32.const 0)))"#;
/// Where [`Core`]'s description lies.
const DESCRIPTION: i32 = 16;
/// Where [`Core`]'s empty decision lies.
const DECISION: i32 = 56;
/// Where everything the host hands in is put: over what came before it.
const HANDED_IN: i32 = 65_536;

/// Words that generate one component.
const SEED_WORDS: u64 = 256;

/// The first byte chooses what is generated; the rest generates it.
pub fn run(input: &[u8]) {
    if let Some((kind, seed)) = input.split_first()
        && let Some(bytes) = made(*kind, seed)
    {
        policy::contained(&Source::Wasm(bytes));
    }
}

/// What becomes of the generated component of this number; nothing if there is none.
pub fn generated(number: u64) -> Option<End> {
    let mut seed: Vec<u8> = (0..SEED_WORDS).flat_map(|at| mixed(number * SEED_WORDS + at).to_le_bytes()).collect();
    let kind = seed.pop()?;
    made(kind, &seed).map(|bytes| policy::contained(&Source::Wasm(bytes)))
}

/// SplitMix64.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A component; nothing if the bytes do not suffice for one.
fn made(kind: u8, seed: &[u8]) -> Option<Vec<u8>> {
    let mut seed = Unstructured::new(seed);
    match kind % 8 {
        0 => Component::new(Config::default(), &mut seed).ok().map(|component| component.to_bytes()),
        1 => around(&module(config(Config::default()), &mut seed)?, None),
        kind => {
            let base = Config { disallow_traps: kind >= 5, ..plain() };
            let module = module(config(base), &mut seed)?;
            around(&module, Some(if kind == 2 { Evaluate::Generated } else { Evaluate::Calls }))
        }
    }
}

/// What becomes of the function that decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Evaluate {
    /// It stays as it was generated; its answer is rarely a decision.
    Generated,
    /// It calls the generated function and answers with the empty decision.
    Calls,
}

fn config(base: Config) -> Config {
    let shape = wat::parse_str(SHAPE).expect("a module");
    Config { available_imports: Some(shape.clone()), exports: Some(shape), min_data_segments: 1, ..base }
}

/// Only what policies may use, so that most of it gets as far as running.
fn plain() -> Config {
    Config {
        exceptions_enabled: false,
        gc_enabled: false,
        max_data_segments: 4,
        max_funcs: 8,
        max_instructions: 400,
        max_memories: 0,
        max_table_elements: 1_000,
        memory64_enabled: false,
        // Without Wasmtime's collector there is no `externref` either.
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        ..Config::default()
    }
}

fn module(config: Config, seed: &mut Unstructured<'_>) -> Option<Vec<u8>> {
    wasm_smith::Module::new(config, seed).ok().map(|module| module.to_bytes())
}

/// Wraps a generated module as a policy, with an honest description if `evaluate` says so.
fn around(generated: &[u8], evaluate: Option<Evaluate>) -> Option<Vec<u8>> {
    let Some(evaluate) = evaluate else { return wrapped(generated.to_vec()) };
    let functions = exported(generated);
    let mut module = Module::new();
    let mut honest = Honest { functions, evaluate, at: 0 };
    honest.parse_core_module(&mut module, Parser::new(0), generated).expect("a valid module");
    wrapped(module.finish())
}

fn wrapped(module: Vec<u8>) -> Option<Vec<u8>> {
    components::try_component_of(&components::contract(), module)
}

/// The exported functions' places in the index of all, and, under the empty name, how many are imported.
fn exported(module: &[u8]) -> BTreeMap<String, u32> {
    let mut functions = BTreeMap::from([(String::new(), 0)]);
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("a valid module") {
            Payload::ImportSection(imports) => {
                let imported = imports.into_imports().filter(|import| {
                    matches!(import.as_ref().expect("an import").ty, TypeRef::Func(_) | TypeRef::FuncExact(_))
                });
                functions.insert(String::new(), u32::try_from(imported.count()).expect("few"));
            }
            Payload::ExportSection(exports) => {
                for export in exports.into_iter().map(|export| export.expect("an export")) {
                    functions.insert(export.name.to_owned(), export.index);
                }
            }
            _ => {}
        }
    }
    functions
}

/// Gives a module [`Core`]'s description and decision.
struct Honest {
    functions: BTreeMap<String, u32>,
    evaluate: Evaluate,
    /// The next body's place in the index of all functions.
    at: u32,
}

impl Honest {
    /// The body that takes the place of the generated one.
    fn body(&self, at: u32) -> Option<Function> {
        let is = |name: &str| self.functions.get(name) == Some(&at);
        let mut function = Function::new([]);
        let mut body: InstructionSink<'_> = function.instructions();
        match () {
            () if is("describe") => body.i32_const(DESCRIPTION),
            () if is("cabi_realloc") => body.i32_const(HANDED_IN),
            () if is("evaluate") && self.evaluate == Evaluate::Calls => {
                body.local_get(0).call(self.functions["made"]).drop().i32_const(DECISION)
            }
            () => return None,
        }
        .end();
        Some(function)
    }
}

impl Reencode for Honest {
    type Error = std::convert::Infallible;

    fn parse_function_body(&mut self, code: &mut CodeSection, func: FunctionBody<'_>) -> Result<(), Error> {
        let at = self.at + self.functions[""];
        self.at += 1;
        match self.body(at) {
            Some(function) => {
                code.function(&function);
                Ok(())
            }
            None => utils::parse_function_body(self, code, func),
        }
    }

    fn data_count(&mut self, count: u32) -> Result<u32, Error> {
        let mut core = 0;
        with_data(|data| core = data.count());
        Ok(count + core)
    }

    fn parse_data_section(&mut self, data: &mut DataSection, section: DataSectionReader<'_>) -> Result<(), Error> {
        utils::parse_data_section(self, data, section)?;
        let mut appended = Ok(());
        // Last, so that nothing generated lies over it.
        with_data(|core| appended = utils::parse_data_section(&mut RoundtripReencoder, data, core));
        appended
    }
}

/// The data of a hand-written policy.
fn with_data(mut look: impl FnMut(DataSectionReader<'_>)) {
    let core = wat::parse_str(Core::evaluating("(i32.const 56)").text()).expect("a module");
    for payload in Parser::new(0).parse_all(&core) {
        if let Payload::DataSection(data) = payload.expect("a valid module") {
            look(data);
        }
    }
}

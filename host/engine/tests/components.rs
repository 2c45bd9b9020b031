//! Components for tests, written as text.

#![allow(dead_code, reason = "each test program uses its part")]

use std::path::Path;

/// A core module that follows the contract, to be filled with misdeeds.
///
/// At 16 lies the description, at 56 an empty decision, from 2048 on what `data` says; allocation begins at
/// 65536. The policy handles sign-ins.
#[derive(Clone, Default)]
pub struct Core {
    /// Body of `evaluate`; gets `$args`, gives the address of a decision.
    pub evaluate: String,
    /// Further fields of the module.
    pub more: String,
    /// Bytes at 2048.
    pub data: Vec<u8>,
    /// Pages of memory, and the largest number; 0 = 2 pages, open end.
    pub pages: u32,
}

impl Core {
    /// A policy whose `evaluate` is `body`.
    pub fn evaluating(body: &str) -> Self {
        Self { evaluate: body.to_owned(), ..Self::default() }
    }

    /// A policy that answers with the decision whose parts lie at 2048.
    pub fn answering(effects: u32, reasons: u32, data: Vec<u8>) -> Self {
        let body = format!(
            "(i32.store (i32.const 56) (i32.const 2048)) (i32.store (i32.const 60) (i32.const {effects}))
             (i32.store (i32.const 64) (i32.const 2048)) (i32.store (i32.const 68) (i32.const {reasons}))
             (i32.const 56)"
        );
        Self { evaluate: body, data, ..Self::default() }
    }

    /// The same with further fields.
    pub fn with(self, more: &str) -> Self {
        Self { more: more.to_owned(), ..self }
    }

    /// The same with other memory.
    pub fn pages(self, pages: u32) -> Self {
        Self { pages, ..self }
    }

    /// The module's text.
    pub fn text(&self) -> String {
        let pages = self.pages.max(2);
        let data: String = self.data.iter().map(|byte| format!("\\{byte:02x}")).collect();
        format!(
            r#"(module
  (import "punchcard:policy/host@1.0.0" "log" (func $log (param i32 i32)))
  (memory (export "memory") {pages})
  (global $next (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $next (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get 3))))
  (func (export "describe") (result i32) (i32.const 16))
  (func (export "evaluate") (param $args i32) (result i32) {evaluate})
  (data (i32.const 16) "\00\04\00\00\07\00\00\00\00\04\00\00\00\00\00\00\08\04\00\00\01\00\00\00\08\00\00\00\00\00\00\00\08\00\00\00\00\00\00\00")
  (data (i32.const 56) "\08\00\00\00\00\00\00\00\08\00\00\00\00\00\00\00")
  (data (i32.const 1024) "hostile\00\04")
  (data (i32.const 2048) "{data}")
  {more})"#,
            evaluate = self.evaluate,
            more = self.more,
        )
    }

    /// The component around it.
    pub fn component(&self) -> Vec<u8> {
        component(wat::parse_str(self.text()).unwrap())
    }
}

/// The contract's text.
pub fn contract() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/policy.wit")).unwrap()
}

/// Wraps a core module as a component of the contract's world.
pub fn component(module: Vec<u8>) -> Vec<u8> {
    component_of(&contract(), module)
}

/// Wraps a core module as a component of another contract's world `policy`.
pub fn component_of(contract: &str, module: Vec<u8>) -> Vec<u8> {
    try_component_of(contract, module).unwrap()
}

/// The same, of a module that may not fit the world.
pub fn try_component_of(contract: &str, mut module: Vec<u8>) -> Option<Vec<u8>> {
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_str("policy.wit", contract).unwrap();
    let world = resolve.select_world(&[package], Some("policy")).unwrap();
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding).unwrap();
    wit_component::ComponentEncoder::default().validate(false).module(&module).ok()?.encode().ok()
}

/// A good policy with one more core module in it, which is compiled like the other.
pub fn with_module(fields: &str) -> Vec<u8> {
    let module = wat::parse_str(format!("(module {fields})")).unwrap();
    let mut component = Core::evaluating("(i32.const 56)").component();
    component.push(1);
    component.extend_from_slice(&leb(module.len()));
    component.extend_from_slice(&module);
    component
}

/// A length as Wasm writes it.
pub fn leb(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while length >= 0x80 {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes
}

/// A `ruled-effect` of the contract in memory: the rule's text, the case, its value.
pub fn ruled(rule: (u32, u32), case: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = [rule.0.to_le_bytes(), rule.1.to_le_bytes(), [case, 0, 0, 0], [0; 4]].concat();
    bytes.extend_from_slice(value);
    bytes.resize(64, 0);
    bytes
}

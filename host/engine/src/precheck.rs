//! The cheap look at an upload before anything compiles it: iterative, linear in the bytes, in words.
//!
//! Wasmtime calls denial of service while compiling no security bug: 234 KB took 58 s and 232 KB took
//! 7.8 GB. What is refused here never reaches a compiler.

mod body;
mod disguise;

use crate::{Limits, Refusal};
use wasmparser::{
    BinaryReaderError, CanonicalFunction, ComponentCanonicalSectionReader, ComponentExportSectionReader,
    ComponentImportSectionReader, ComponentTypeRef, Encoding, ExportSectionReader, Instance, InstanceSectionReader,
    MemoryType, Parser, Payload, TableType, TypeBounds,
};

/// Components inside components.
const NESTING_MAX: usize = 8;
/// Functions of all core modules together.
const FUNCTIONS_MAX: u32 = 2_000;
/// Core instances; a component as our tools build it has three.
const CORE_INSTANCES_MAX: u32 = 4;
/// Types, imports, globals, elements or data segments of one section.
const ITEMS_MAX: u32 = 2_000;
/// Exports of one module or component.
const EXPORTS_MAX: u32 = 1_000;
/// Bytes of one import's or export's name.
const NAME_BYTES_MAX: usize = 256;
/// Bytes in a Wasm page.
const PAGE_BYTES: u64 = 64 << 10;
/// What a policy may import, up to the minor version.
const IMPORTS: [&str; 2] = ["punchcard:policy/types@1.", "punchcard:policy/host@1."];
/// What a policy must export.
const EXPORTS: [&str; 2] = ["describe", "evaluate"];

/// Refuses what should not be compiled.
///
/// # Errors
/// [`Refusal`] naming the rule and the numbers.
pub(crate) fn component(limits: &Limits, bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.len() > limits.component_bytes_max {
        let limit = limits.component_bytes_max;
        return Err(Refusal::new("size", format!("the upload has {} bytes; at most {limit} are allowed", bytes.len())));
    }
    disguise::check(bytes)?;
    let mut census = Census::new(limits);
    for payload in Parser::new(0).parse_all(bytes) {
        census.payload(payload.map_err(malformed)?)?;
    }
    census.missing_exports()
}

/// What has been counted so far.
struct Census<'a> {
    limits: &'a Limits,
    /// Components and modules we are inside of; the outermost component is not counted.
    depth: usize,
    components: usize,
    functions: u32,
    core_instances: u32,
    memories: u32,
    exported: Vec<String>,
}

impl<'a> Census<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self { limits, depth: 0, components: 0, functions: 0, core_instances: 0, memories: 0, exported: Vec::new() }
    }

    fn payload(&mut self, payload: Payload<'_>) -> Result<(), Refusal> {
        match payload {
            Payload::Version { encoding, .. } => self.version(encoding),
            Payload::ComponentSection { .. } => self.enter_component(),
            Payload::ModuleSection { .. } => self.enter(),
            Payload::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
            Payload::ComponentImportSection(imports) => self.imports(imports),
            Payload::ComponentExportSection(exports) => self.exports(exports),
            Payload::InstanceSection(instances) => self.instances(instances),
            Payload::CodeSectionStart { count, .. } => self.code(count),
            Payload::CodeSectionEntry(body) => body::check(&body),
            Payload::MemorySection(memories) => {
                memories.into_iter().try_for_each(|memory| self.memory(&memory.map_err(malformed)?))
            }
            Payload::TableSection(tables) => {
                tables.into_iter().try_for_each(|table| self.table(&table.map_err(malformed)?.ty))
            }
            Payload::ExportSection(exports) => core_exports(exports),
            Payload::DataSection(section) => items("data segments", section.count()),
            Payload::ElementSection(section) => items("element segments", section.count()),
            Payload::GlobalSection(section) => items("globals", section.count()),
            Payload::TypeSection(section) => items("types", section.count()),
            Payload::ImportSection(section) => items("imports", section.count()),
            Payload::ComponentTypeSection(section) => items("component types", section.count()),
            Payload::ComponentCanonicalSection(section) => canonical(section),
            Payload::ComponentAliasSection(section) => items("aliases", section.count()),
            Payload::ComponentStartSection { .. } => {
                Err(Refusal::new("start", "component start functions are not supported"))
            }
            _ => Ok(()),
        }
    }

    fn version(&self, encoding: Encoding) -> Result<(), Refusal> {
        match encoding {
            Encoding::Component => Ok(()),
            Encoding::Module if self.depth > 0 => Ok(()),
            Encoding::Module => Err(Refusal::new("format", "this is a core module; a policy is a component")),
        }
    }

    fn enter_component(&mut self) -> Result<(), Refusal> {
        self.components += 1;
        if self.components > NESTING_MAX {
            return Err(Refusal::new("nesting", format!("more than {NESTING_MAX} components inside the component")));
        }
        self.enter()
    }

    fn enter(&mut self) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(Refusal::new("nesting", format!("components nested more than {NESTING_MAX} deep")));
        }
        Ok(())
    }

    fn imports(&self, imports: ComponentImportSectionReader<'_>) -> Result<(), Refusal> {
        // Inside a component, imports are whatever the outer component hands in.
        items("imports", imports.count())?;
        if self.depth > 0 {
            return Ok(());
        }
        for import in imports {
            let import = import.map_err(malformed)?;
            let name = import.name.name;
            named(name)?;
            // The world's own names for types of the interface; they carry nothing.
            let renamed = matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_)));
            if !renamed && !IMPORTS.iter().any(|known| name.starts_with(known)) {
                return Err(disguise::import(name));
            }
        }
        Ok(())
    }

    fn exports(&mut self, exports: ComponentExportSectionReader<'_>) -> Result<(), Refusal> {
        at_most("exports", "exports", exports.count(), EXPORTS_MAX)?;
        for export in exports {
            let name = export.map_err(malformed)?.name.name;
            named(name)?;
            if self.depth == 0 {
                self.exported.push(name.to_owned());
            }
        }
        Ok(())
    }

    fn missing_exports(&self) -> Result<(), Refusal> {
        match EXPORTS.iter().find(|name| !self.exported.iter().any(|exported| exported == *name)) {
            None => Ok(()),
            Some(name) => Err(Refusal::new(
                "exports",
                format!("the component does not export the function {name:?} of the world punchcard:policy/policy"),
            )),
        }
    }

    fn instances(&mut self, instances: InstanceSectionReader<'_>) -> Result<(), Refusal> {
        for instance in instances {
            if matches!(instance.map_err(malformed)?, Instance::Instantiate { .. }) {
                self.core_instances += 1;
            }
        }
        at_most("instances", "core instances", self.core_instances, CORE_INSTANCES_MAX)
    }

    fn code(&mut self, count: u32) -> Result<(), Refusal> {
        self.functions = self.functions.saturating_add(count);
        at_most("functions", "functions", self.functions, FUNCTIONS_MAX)
    }

    fn memory(&mut self, memory: &MemoryType) -> Result<(), Refusal> {
        self.memories += 1;
        if self.memories > 1 {
            return Err(Refusal::new("memory", "more than one memory; a policy has one"));
        }
        if memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
            return Err(Refusal::new("feature", "64-bit, shared and custom-page memories are not supported"));
        }
        let limit = self.limits.memory_bytes_max as u64;
        let bytes = memory.initial.saturating_mul(PAGE_BYTES);
        if bytes <= limit {
            return Ok(());
        }
        Err(Refusal::new("memory", format!("starts with {bytes} bytes of memory; at most {limit} are allowed")))
    }

    fn table(&self, table: &TableType) -> Result<(), Refusal> {
        if table.table64 || table.shared {
            return Err(Refusal::new("feature", "64-bit and shared tables are not supported"));
        }
        let limit = self.limits.table_entries_max as u64;
        if table.initial <= limit {
            return Ok(());
        }
        Err(Refusal::new(
            "table",
            format!("starts with a table of {} entries; at most {limit} are allowed", table.initial),
        ))
    }
}

/// Lifts and lowers functions, nothing else: no resources, no tasks, no threads.
fn canonical(functions: ComponentCanonicalSectionReader<'_>) -> Result<(), Refusal> {
    items("canonical functions", functions.count())?;
    for function in functions {
        match function.map_err(malformed)? {
            CanonicalFunction::Lift { .. } | CanonicalFunction::Lower { .. } => {}
            _ => return Err(Refusal::new("feature", "resources, tasks and threads are not supported")),
        }
    }
    Ok(())
}

fn core_exports(exports: ExportSectionReader<'_>) -> Result<(), Refusal> {
    at_most("exports", "exports", exports.count(), EXPORTS_MAX)?;
    exports.into_iter().try_for_each(|export| named(export.map_err(malformed)?.name))
}

fn named(name: &str) -> Result<(), Refusal> {
    if name.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    Err(Refusal::new("exports", format!("a name of {} bytes; at most {NAME_BYTES_MAX} are allowed", name.len())))
}

fn items(what: &str, have: u32) -> Result<(), Refusal> {
    at_most("items", what, have, ITEMS_MAX)
}

fn at_most(code: &'static str, what: &str, have: u32, limit: u32) -> Result<(), Refusal> {
    if have <= limit { Ok(()) } else { Err(Refusal::new(code, format!("{have} {what}; at most {limit} are allowed"))) }
}

/// A file that does not follow the format.
fn malformed(error: BinaryReaderError) -> Refusal {
    Refusal::new("malformed", format!("the file is damaged at byte {}: {}", error.offset(), error.message()))
}

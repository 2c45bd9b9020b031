//! How Wasmtime is set up. Everything that changes machine code is in [`base`], for both processes.

use crate::Limits;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy, WasmFeatures,
};

/// Core instances, tables and memories one component may have; the pre-check counts them too.
const CORE_INSTANCES: u32 = 4;
/// Bytes of a place's memory that stay mapped and are wiped by hand: a policy that uses no more costs no
/// system call. Beyond it the pages go back to the kernel.
const RESIDENT_BYTES: usize = 512 << 10;
/// Bytes of a table entry in the pool.
const TABLE_ENTRY_BYTES: usize = 16;

/// Features that widen what hostile code can reach and that no policy needs.
const OFF: [WasmFeatures; 16] = [
    WasmFeatures::RELAXED_SIMD,
    WasmFeatures::SIMD,
    WasmFeatures::THREADS,
    WasmFeatures::SHARED_EVERYTHING_THREADS,
    WasmFeatures::MEMORY64,
    WasmFeatures::MULTI_MEMORY,
    WasmFeatures::TAIL_CALL,
    WasmFeatures::FUNCTION_REFERENCES,
    WasmFeatures::GC,
    WasmFeatures::EXCEPTIONS,
    WasmFeatures::LEGACY_EXCEPTIONS,
    WasmFeatures::STACK_SWITCHING,
    WasmFeatures::WIDE_ARITHMETIC,
    WasmFeatures::CUSTOM_PAGE_SIZES,
    WasmFeatures::CM_ASYNC,
    WasmFeatures::CM_THREADING,
];

/// What both the compiling and the running process agree on.
///
/// # Errors
/// A processor Wasmtime does not know.
fn base() -> wasmtime::Result<Config> {
    let mut config = Config::new();
    if cfg!(target_os = "linux") {
        // Naming the target leaves out the extensions of this very processor: one host's machine code loads
        // on every other of its kind, and both have one profile.
        config.target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH))?;
    }
    config
        .strategy(Strategy::Cranelift)
        // Many policies are resident at once.
        .cranelift_opt_level(OptLevel::SpeedAndSize)
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        // A backtrace would be captured for every trap and shown to nobody.
        .wasm_backtrace_max_frames(None)
        .native_unwind_info(false)
        .generate_address_map(false)
        // Images are mapped per module; with many tenants wiping by hand is faster.
        .memory_init_cow(false)
        .concurrency_support(false);
    for feature in OFF {
        config.wasm_features(feature, false);
    }
    Ok(config)
}

/// An engine that only compiles.
///
/// # Errors
/// A configuration Wasmtime refuses.
pub(crate) fn compile_engine() -> wasmtime::Result<Engine> {
    Engine::new(&base()?)
}

/// Compiles a component that passed the pre-check.
///
/// # Errors
/// What is invalid about it.
pub(crate) fn compile(engine: &Engine, component: &[u8]) -> wasmtime::Result<Vec<u8>> {
    engine.precompile_component(component)
}

/// An engine with a pool of places for evaluations.
///
/// # Errors
/// A configuration Wasmtime refuses, or no address space for the pool.
pub(super) fn run_engine(limits: &Limits) -> wasmtime::Result<Engine> {
    let places = limits.evaluations_at_once_max;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(places)
        .total_core_instances(places.saturating_mul(CORE_INSTANCES))
        .max_core_instances_per_component(CORE_INSTANCES)
        .total_memories(places)
        .max_memories_per_component(1)
        .max_memory_size(limits.memory_bytes_max)
        .linear_memory_keep_resident(RESIDENT_BYTES)
        .total_tables(places.saturating_mul(CORE_INSTANCES))
        .max_tables_per_component(CORE_INSTANCES)
        .table_elements(limits.table_entries_max)
        .table_keep_resident(limits.table_entries_max.saturating_mul(TABLE_ENTRY_BYTES))
        // Asking the kernel which pages are dirty is itself a system call.
        .pagemap_scan(Enabled::No);
    let mut config = base()?;
    config.max_wasm_stack(limits.stack_bytes_max).allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

//! The interpreter's tight profile: what a script may use, and how much of it.

use super::{effects, facts, lists, meter, values};
use crate::{Limits, clock::Ticks};
use rhai::packages::{
    ArithmeticPackage, BasicIteratorPackage, BasicMathPackage, BasicStringPackage, LogicPackage, MoreStringPackage,
    Package,
};

/// Calls inside calls.
const CALL_LEVELS_MAX: usize = 16;
/// Expressions and blocks inside each other.
const DEPTH_MAX: usize = 32;
/// How large one value may be, all it holds included.
pub(super) struct Sizes {
    /// Bytes of all its texts.
    pub(super) string_bytes: usize,
    /// Items of all its lists.
    pub(super) array_items: usize,
    /// Entries of all its maps.
    pub(super) map_entries: usize,
}

/// While an event is handled: many evaluations a second.
pub(super) const HANDLING: Sizes = Sizes { string_bytes: 4 << 10, array_items: 256, map_entries: 256 };
/// While a script is parsed and describes itself: once, and a form of 64 parameters with help must fit.
pub(super) const DESCRIBING: Sizes = Sizes { string_bytes: 32 << 10, array_items: 1_024, map_entries: 1_024 };

/// Variables in scope.
const VARIABLES_MAX: usize = 64;
/// Functions of a script.
const FUNCTIONS_MAX: usize = 32;
/// Lines of a receipt for which Rhai's own count of operations still leaves room; ours stops earlier.
const LINES_MAX: usize = 1 << 20;
/// What a script has no use for, or what would let it build code.
const DISABLED: [&str; 9] = ["eval", "import", "export", "Fn", "call", "curry", "print", "debug", "is_shared"];
/// Seeds the hashes Rhai finds functions by, so that they are the same in every process.
const HASHING_SEED: [u64; 4] = [0x5075, 0x6e63, 0x6863, 0x6172];

/// An interpreter in which a script reaches its facts, its effects and arithmetic, nothing else.
pub(super) fn engine(limits: &Limits, sizes: &Sizes, ticks: &Ticks) -> rhai::Engine {
    // Fails only if it is set already, which another engine of this process did, to the same value.
    let _ = rhai::config::hashing::set_hashing_seed(Some(HASHING_SEED));
    let mut engine = rhai::Engine::new_raw();
    packages(&mut engine);
    bounds(&mut engine, limits, sizes);
    for symbol in DISABLED {
        engine.disable_symbol(symbol);
    }
    engine
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        // Closures share the variables they capture, which no size limit sees.
        .set_allow_anonymous_fn(false);
    let ticks = ticks.clone();
    engine.on_progress(move |used| meter::progress(used, &ticks));
    facts::register(&mut engine);
    lists::register(&mut engine);
    values::register(&mut engine);
    effects::register(&mut engine);
    engine
}

/// Not `LanguageCorePackage`: it has `sleep`, `exit` and reflection. Not blobs, bit fields, time. Not lists and
/// maps: ours are in [`lists`].
fn packages(engine: &mut rhai::Engine) {
    ArithmeticPackage::new().register_into_engine(engine);
    LogicPackage::new().register_into_engine(engine);
    BasicMathPackage::new().register_into_engine(engine);
    BasicStringPackage::new().register_into_engine(engine);
    MoreStringPackage::new().register_into_engine(engine);
    BasicIteratorPackage::new().register_into_engine(engine);
}

fn bounds(engine: &mut rhai::Engine, limits: &Limits, sizes: &Sizes) {
    engine
        .set_max_operations(limits.operations_for(LINES_MAX))
        .set_max_call_levels(CALL_LEVELS_MAX)
        .set_max_expr_depths(DEPTH_MAX, DEPTH_MAX)
        .set_max_string_size(sizes.string_bytes)
        .set_max_array_size(sizes.array_items)
        .set_max_map_size(sizes.map_entries)
        .set_max_variables(VARIABLES_MAX)
        .set_max_functions(FUNCTIONS_MAX)
        .set_max_modules(0);
}

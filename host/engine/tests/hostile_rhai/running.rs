//! Scripts that parse and misbehave when they run.

use super::{Case, End};

const FUEL: End = End::Failed(&["fuel"]);
const MEMORY: End = End::Failed(&["memory"]);
/// One operation may cost a whole list; either limit may come first.
const EITHER: End = End::Failed(&["fuel", "memory"]);
const STACK: End = End::Failed(&["stack"]);
const SCRIPT: End = End::Failed(&["script"]);
const SYNTAX: End = End::Refused("syntax");

/// The run-time kinds of the reliability note.
pub fn cases() -> Vec<Case> {
    let groups = [loops(), recursion(), code(), texts(), lists(), maps(), slow(), numbers(), effects(), confusion()];
    groups.into_iter().flatten().map(|(name, body, end)| Case::handling(name, body, end)).chain(whole()).collect()
}

type Row = (&'static str, &'static str, End);

fn loops() -> Vec<Row> {
    vec![
        ("endless loop", "loop { }", FUEL),
        ("endless while", "while true { }", FUEL),
        ("endless do", "do { } while true;", FUEL),
        ("endless until", "do { } until false;", FUEL),
        ("huge range", "for i in 0..9223372036854775807 { let x = i; }", FUEL),
        ("huge range backwards", "for i in range(9223372036854775807, 0, -1) { }", FUEL),
        ("huge inclusive range", "for i in 0..=9223372036854775806 { let x = i; }", FUEL),
        ("loop in try", "try { loop { } } catch { }", FUEL),
        ("loop in catch", "try { throw 1; } catch { loop { } }", FUEL),
        ("catches its own end", "loop { try { loop { } } catch { } }", FUEL),
        ("continue for ever", "loop { continue; }", FUEL),
    ]
}

fn recursion() -> Vec<Row> {
    vec![
        ("calls its handler", "on_sign_in(ctx)", STACK),
        ("calls its handler as an argument", "print_it(on_sign_in(ctx))", STACK),
        ("calls describe for ever", "loop { describe(); }", FUEL),
        ("recursion caught", "try { on_sign_in(ctx) } catch { on_sign_in(ctx) }", STACK),
        ("filter that calls itself", "[1, 2].filter(\"on_sign_in\")", End::Failed(&["stack", "script"])),
    ]
}

fn code() -> Vec<Row> {
    vec![
        ("eval", "eval(\"1\")", SYNTAX),
        ("import", "import \"x\" as y;", SYNTAX),
        ("export", "let x = 1; export x;", SYNTAX),
        ("Fn", "let f = Fn(\"on_sign_in\"); f.call(ctx)", SYNTAX),
        ("call", "\"on_sign_in\".call(ctx)", SYNTAX),
        ("curry", "let f = \"x\"; f.curry(1)", SYNTAX),
        ("closure", "let f = |x| x + 1;", SYNTAX),
        ("closure that captures", "let a = [1]; let f = || a; a.push(a);", SYNTAX),
        ("closure as an argument", "[1].map(|x| x)", SYNTAX),
        ("sleep", "sleep(10)", SCRIPT),
        ("timestamp", "let t = timestamp();", SCRIPT),
        ("print", "print(\"x\")", SYNTAX),
        ("debug", "debug(\"x\")", SYNTAX),
        ("exit", "exit(1)", SCRIPT),
        ("parse_json", "parse_json(\"{}\")", SCRIPT),
        ("reflection", "get_fn_metadata_list()", SCRIPT),
        ("a float", "let x = 1.5;", SYNTAX),
        ("a blob", "let b = blob(1000000);", SCRIPT),
        ("bits of a number", "let x = 1; x.set_bits(0..9, 3);", SCRIPT),
        ("an undefined variable", "grant(\"r\", nothing)", SYNTAX),
    ]
}

fn texts() -> Vec<Row> {
    vec![
        ("doubles a text", "let s = \"x\"; loop { s += s; }", MEMORY),
        ("doubles a text by plus", "let s = \"x\"; loop { s = s + s; }", MEMORY),
        ("doubles a text by template", "let s = \"x\"; loop { s = `${s}${s}`; }", MEMORY),
        ("pads a text", "let s = \"x\"; s.pad(1000000000, \"y\");", MEMORY),
        ("pads a text by much", "let s = \"x\"; s.pad(4096, \"yy\"); loop { s.pad(4097, \"y\"); }", MEMORY),
        ("replace that grows", "let s = \"a\"; loop { s.replace(\"a\", \"aa\"); }", MEMORY),
        (
            "replace that explodes",
            "let a = \"\"; a.pad(4000, \"a\"); let b = \"\"; b.pad(4000, \"b\"); a.replace(\"a\", b);",
            MEMORY,
        ),
        ("insert that grows", "let s = \"a\"; loop { s.append(s); }", MEMORY),
        ("split into many", "let s = \"\"; s.pad(4000, \",\"); let a = s.split(\",\");", MEMORY),
        ("split into words", "let s = \"\"; s.pad(4000, \"x \"); let a = s.split();", MEMORY),
        ("changes case for ever", "let s = \"\"; s.pad(4000, \"ß\"); loop { let t = s.to_upper(); }", EITHER),
        ("searches for ever", "let s = \"\"; s.pad(4000, \"a\"); loop { s.index_of(\"aaaaaaaaab\"); }", FUEL),
        (
            "searches a long needle for ever",
            "let s = \"\"; s.pad(4000, \"a\"); let n = \"\"; n.pad(2000, \"a\"); n += \"b\"; loop { s.index_of(n); }",
            FUEL,
        ),
        ("compares for ever", "let s = \"\"; s.pad(4000, \"a\"); let t = s + \"\"; loop { s == t; }", FUEL),
        ("walks its characters for ever", "let s = \"\"; s.pad(4000, \"a\"); loop { for c in s { } }", FUEL),
        ("throws a long text", "let s = \"\"; s.pad(4000, \"a\"); throw s;", SCRIPT),
    ]
}

fn lists() -> Vec<Row> {
    vec![
        ("pushes for ever", "let a = []; loop { a.push(1); }", MEMORY),
        ("doubles a list", "let a = [1]; loop { a += a; }", MEMORY),
        ("doubles a list by append", "let a = [1]; loop { a.append(a); }", MEMORY),
        ("nests a list", "let a = []; loop { a = [a]; }", MEMORY),
        ("nests a list twice", "let a = []; loop { a = [a, a]; }", MEMORY),
        ("pads a list", "let a = []; a.pad(1000000000, 0);", SCRIPT),
        ("a list of long texts", "let s = \"\"; s.pad(4000, \"x\"); let a = []; loop { a.push(s); }", MEMORY),
        ("inserts for ever", "let a = []; loop { a.insert(0, 1); }", MEMORY),
        ("assigns into a list", "let a = [0]; loop { a[0] = a; }", SYNTAX),
        ("adds into a list", "let a = [0]; loop { a[0] += 1; }", SYNTAX),
        ("assigns deep into a list", "let a = [[0]]; loop { a[0][0] = a; }", SYNTAX),
        ("sets into a list", "let a = [0]; loop { a.set(0, a); }", MEMORY),
        ("pushes deep into a list", "let a = [[]]; loop { a[0].push([1, 2, 3, 4, 5, 6, 7, 8]); }", MEMORY),
        ("joins a list for ever", "let a = [\"\"]; loop { a.push(a.join(\"xxxxxxxx\")); }", MEMORY),
        ("grows and cuts", "let a = [1]; loop { a += [1, 2, 3]; a.truncate(200); }", FUEL),
    ]
}

fn maps() -> Vec<Row> {
    vec![
        ("grows a map by index", "let m = #{}; let i = 0; loop { m[i.to_string()] = i; i += 1; }", SYNTAX),
        ("grows a map by set", "let m = #{}; let i = 0; loop { m.set(i.to_string(), i); i += 1; }", MEMORY),
        ("grows a map by mixin", "let m = #{}; loop { m.mixin(m); }", SCRIPT),
        ("nests a map by property", "let m = #{}; loop { m.x = m; }", EITHER),
        ("nests a map deep by property", "let m = #{ a: #{} }; loop { m.a.b = m; }", SYNTAX),
        ("nests a map by index of a property", "let m = #{ a: #{} }; loop { m.a[\"b\"] = m; }", SYNTAX),
        (
            "a map of long texts",
            "let s = \"\"; s.pad(4000, \"x\"); let m = #{}; let i = 0; loop { m.set(`k${i}`, s); i += 1; }",
            MEMORY,
        ),
        (
            "a map of lists",
            "let l = []; for i in 0..200 { l.push(0); } let m = #{}; let i = 0; loop { m.set(`k${i}`, l); i += 1; }",
            MEMORY,
        ),
        ("reads a property that is not there", "let m = #{}; m.nothing", SCRIPT),
    ]
}

/// One operation that costs a whole value.
fn slow() -> Vec<Row> {
    vec![
        ("sorts for ever", "let a = []; for i in 0..256 { a.push(-i); } loop { let b = a; b.sort(); }", FUEL),
        ("sorts by a function", "let a = [2, 1]; a.sort(\"by\");", SCRIPT),
        ("compares lists for ever", "let a = []; for i in 0..256 { a.push(1); } let b = a; loop { a == b; }", FUEL),
        ("searches lists for ever", "let a = []; for i in 0..256 { a.push(1); } loop { a.index_of(2); }", FUEL),
        ("looks into lists for ever", "let a = []; for i in 0..256 { a.push(1); } loop { 2 in a; }", FUEL),
        ("copies lists for ever", "let a = []; for i in 0..256 { a.push(1); } loop { let b = a; }", FUEL),
        ("prints lists for ever", "let a = []; for i in 0..256 { a.push(1); } loop { let s = a.to_string(); }", FUEL),
        ("templates lists for ever", "let a = []; for i in 0..256 { a.push(1); } loop { let s = `${a}`; }", FUEL),
        ("adds lists to texts for ever", "let a = []; for i in 0..256 { a.push(1); } loop { let s = \"\" + a; }", FUEL),
        ("reverses for ever", "let a = []; for i in 0..256 { a.push(1); } loop { a.reverse(); }", FUEL),
        ("shifts for ever", "let a = []; for i in 0..256 { a.push(1); } loop { a.insert(0, a.remove(0)); }", FUEL),
        ("compares maps", "let m = #{ a: 1 }; let n = m; if m == n { throw \"equal\"; }", End::Failed(&["script"])),
        ("copies maps for ever", "let m = #{}; for i in 0..250 { m.set(`k${i}`, i); } loop { let n = m; }", FUEL),
        ("keys for ever", "let m = #{}; for i in 0..250 { m.set(`k${i}`, i); } loop { m.keys(); }", FUEL),
        ("reads facts for ever", "loop { ctx.now.weekday; ctx.vouchers.len; ctx.store; }", FUEL),
        ("dates for ever", "loop { date(\"2026-12-31\"); }", FUEL),
    ]
}

fn numbers() -> Vec<Row> {
    vec![
        ("overflows plus", "let x = 9223372036854775807; x + 1", SCRIPT),
        ("overflows minus", "let x = -9223372036854775807; x - 2", SCRIPT),
        ("overflows times", "let x = 9223372036854775807; x * 2", SCRIPT),
        ("overflows minus sign", "let x = -9223372036854775807 - 1; -x", SCRIPT),
        ("overflows abs", "let x = -9223372036854775807 - 1; x.abs()", SCRIPT),
        ("overflows power", "let x = 10; x ** 1000", SCRIPT),
        ("power of less than nothing", "let x = 10; x ** -1", SCRIPT),
        ("divides by nothing", "let x = 0; 1 / x", SCRIPT),
        ("remainder by nothing", "let x = 0; 1 % x", SCRIPT),
        ("overflows division", "let x = -9223372036854775807 - 1; x / -1", SCRIPT),
        ("overflows op-assign", "let x = 9223372036854775807; x += 1;", SCRIPT),
        ("rate that does not fit", "rate(9223372036854775807, 9223372036854775807)", SCRIPT),
        ("a number of no digits", "\"x\".parse_int()", SCRIPT),
        ("shifts far", "let x = 1; let y = x << 100; if y != 0 { throw \"not 0\"; }", End::Decides(|_| true)),
    ]
}

fn effects() -> Vec<Row> {
    vec![
        ("65 effects", "for i in 0..65 { grant(\"r\", 1); }", End::Failed(&["effects"])),
        ("65 effects in try", "for i in 0..65 { try { grant(\"r\", 1); } catch { } }", End::Failed(&["effects"])),
        ("effects for ever", "loop { grant(\"r\", 1); }", End::Failed(&["effects"])),
        ("65 reasons", "for i in 0..65 { applied(\"r\", \"t\"); }", End::Failed(&["reasons"])),
        ("65 logs", "loop { log(\"x\"); }", End::Failed(&["host_calls"])),
        ("grants less than nothing", "grant(\"r\", -1)", End::Failed(&["amount"])),
        ("grants 2^60", "grant(\"r\", 1 << 60)", End::Failed(&["amount"])),
        ("takes off less than nothing", "discount_order(\"r\", -100)", End::Failed(&["amount"])),
        ("a long text", "let s = \"\"; s.pad(2000, \"x\"); reject(\"r\", s)", End::Failed(&["text_size"])),
        (
            "30 texts of 1,000",
            "let s = \"\"; s.pad(1000, \"x\"); for i in 0..30 { reject(\"r\", s); }",
            End::Failed(&["output_size"]),
        ),
        (
            "65 categories",
            "let a = []; for i in 0..65 { a.push(\"c\"); } issue_voucher(\"r\", #{ template: \"t\", title: \"t\", face: 1, valid_days: 1, categories: a })",
            End::Failed(&["text_size"]),
        ),
        (
            "valid for ever",
            "issue_voucher(\"r\", #{ template: \"t\", title: \"t\", face: 1, valid_days: 4000000000 })",
            End::Failed(&["amount"]),
        ),
        ("throws after granting", "grant(\"r\", 100); throw \"late\";", SCRIPT),
        ("loops after granting", "grant(\"r\", 100); loop { }", FUEL),
    ]
}

fn confusion() -> Vec<Row> {
    vec![
        ("points as text", "grant(\"r\", \"5\")", SCRIPT),
        ("points as a list", "grant(\"r\", [5])", SCRIPT),
        ("no rule", "grant(5)", SCRIPT),
        ("an unknown field", "grant(\"r\", 5, #{ expires: 3 })", SCRIPT),
        ("a field in other case", "grant(\"r\", 5, #{ Cap: 3, period: \"day\" })", SCRIPT),
        ("a field of another type", "grant(\"r\", 5, #{ cap: \"3\", period: \"day\" })", SCRIPT),
        ("a map in a map", "grant(\"r\", 5, #{ cap: #{ limit: 3 }, period: \"day\" })", SCRIPT),
        ("two expiries", "grant(\"r\", 5, #{ expiry_days: 3, expiry_never: true })", SCRIPT),
        ("a period there is none of", "grant(\"r\", 5, #{ cap: 1, period: \"decade\" })", SCRIPT),
        ("days below nothing", "grant(\"r\", 5, #{ pending_days: -1 })", SCRIPT),
        ("a line below nothing", "discount_line(\"r\", -1, 5)", SCRIPT),
        ("a voucher without a face", "issue_voucher(\"r\", #{ template: \"t\", title: \"t\", valid_days: 1 })", SCRIPT),
        ("a prize that is none", "set_odds(\"r\", #{ campaign: \"c\", prizes: [1], none_weight: 1 })", SCRIPT),
        (
            "two awards",
            "set_odds(\"r\", #{ campaign: \"c\", none_weight: 1, prizes: [#{ id: \"1\", name: \"n\", weight: 1, award: #{ points: 1, gift: 1 } }] })",
            SCRIPT,
        ),
        ("an empty voucher code", "void_voucher(\"r\", \"\")", SCRIPT),
        ("throws a map", "throw #{ a: [1, 2] };", SCRIPT),
        ("throws nothing", "throw;", SCRIPT),
        ("changes a fact", "ctx.store = \"other\";", SCRIPT),
        ("a fact there is none of", "ctx.secret", SCRIPT),
        ("a setting there is none of", "ctx.params.secret", SCRIPT),
        ("a member there is none of", "ctx.member.points", SCRIPT),
        (
            "maps in order of their keys",
            "let s = \"\"; for k in #{ b: 1, c: 2, a: 3 }.keys() { s += k; } if s != \"abc\" { throw s; }",
            End::Decides(|_| true),
        ),
    ]
}

/// Scripts with more than one handler's body.
fn whole() -> Vec<Case> {
    let case = |name: &str, fields: &str, end| Case::whole(name, fields, end);
    vec![
        case("two functions call each other", "fn a(x) { b(x) } fn b(x) { a(x) } fn on_sign_in(ctx) { a(1) }", STACK),
        case("recursion that doubles", "fn f(n) { f(n) + f(n) } fn on_sign_in(ctx) { f(1) }", STACK),
        case(
            "a tree of 10 levels",
            "fn f(n) { if n > 0 { f(n - 1); f(n - 1); f(n - 1); f(n - 1); } } fn on_sign_in(ctx) { f(10) }",
            FUEL,
        ),
        case("loops outside functions", "loop { } fn on_sign_in(ctx) { }", End::Refused("description")),
        case("throws outside functions", "throw 1; fn on_sign_in(ctx) { }", End::Refused("description")),
        case("grants outside functions", "grant(\"r\", 1); fn on_sign_in(ctx) { }", End::Refused("description")),
        case("tries to keep state", "let seen = 0; fn on_sign_in(ctx) { seen += 1; }", SYNTAX),
        case(
            "shadows a host function",
            "fn grant(rule, points) { } fn on_sign_in(ctx) { grant(\"r\", 1); }",
            End::Decides(|_| true),
        ),
        case("no handler", "fn helper() { }", End::Refused("description")),
        case("a misspelt handler", "fn on_signin(ctx) { }", End::Refused("handlers")),
        case("a handler of other parameters", "fn on_sign_in() { }", End::Refused("handlers")),
    ]
}

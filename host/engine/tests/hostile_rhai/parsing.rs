//! Scripts that are hard on the parser.

use super::{Case, End};

const SYNTAX: End = End::Refused("syntax");
const SIZE: End = End::Refused("size");
/// As many as fit a script's 32 KiB.
const FITTING: usize = 4_000;

/// The parse-time kinds of the reliability note, in full size and cut to fit.
pub fn cases() -> Vec<Case> {
    let mut cases = deep();
    cases.extend(wide());
    cases.extend(letters());
    cases.extend(descriptions());
    cases
}

fn deep() -> Vec<Case> {
    let shapes: [(&str, &str, &str, &str); 15] = [
        ("brackets", "(", "1", ")"),
        ("lists", "[", "1", "]"),
        ("maps", "#{a:", "1", "}"),
        ("blocks", "{", "1", "}"),
        ("ifs", "if true {", "1", "}"),
        ("elses", "if false { } else {", "1", "}"),
        ("loops", "loop {", "1", "}"),
        ("minus signs", "-", "1", ""),
        ("not signs", "!", "true", ""),
        ("calls", "f(", "1", ")"),
        ("indexes", "a[", "0", "]"),
        ("templates", "`${", "1", "}`"),
        ("switches", "switch 1 { _ =>", "1", "}"),
        ("tries", "try {", "1", "} catch { }"),
        ("closures", "|| ", "1", ""),
    ];
    let mut cases = Vec::new();
    for (name, open, middle, close) in shapes {
        let nested = |depth: usize| format!("let x = {}{middle}{};", open.repeat(depth), close.repeat(depth));
        cases.push(Case::handling(&format!("100,000 deep {name}"), &nested(100_000), SIZE));
        let depth = 30_000 / (open.len() + close.len());
        cases.push(Case::handling(&format!("{depth} deep {name}"), &nested(depth), SYNTAX));
    }
    let comments = format!("{}{}", "/*".repeat(7_000), "*/".repeat(7_000));
    cases.push(Case::handling("7,000 comments in each other", &comments, End::Decides(|_| true)));
    cases.push(Case::handling("comments that never end", &"/*".repeat(10_000), SYNTAX));
    cases
}

fn wide() -> Vec<Case> {
    let sized = |name: &str, item: &str, end: End| {
        let fitting = item.repeat(30_000 / item.len());
        vec![
            Case::handling(&format!("100,000 {name}"), &item.repeat(100_000), SIZE),
            Case::handling(&format!("{name} to the limit"), &fitting, end),
        ]
    };
    let terms = |op: &str, term: &str| format!("let x = {term}{};", format!(" {op} {term}").repeat(4_000));
    let numbered = |item: &dyn Fn(usize) -> String, count: usize| (0..count).map(item).collect::<String>();
    let arms = numbered(&|at| format!("{at} => 1,"), 2_500);
    let mut cases = sized("statements", "1;", End::Decides(|_| true));
    cases.extend(sized("dots", ".a", SYNTAX));
    cases.push(Case::handling("4,000 terms of plus", &terms("+", "1"), SYNTAX));
    cases.push(Case::handling("4,000 terms of and", &terms("&&", "true"), SYNTAX));
    cases.push(Case::handling(
        "4,000 terms of plus that are not constant",
        &format!("let y = 1; {}", terms("+", "y")),
        SYNTAX,
    ));
    cases.push(Case::handling("2,500 arms", &format!("switch 1 {{ {arms} }}"), End::Decides(|_| true)));
    cases.push(Case::handling(
        "a huge range of arms",
        "switch 5 { 0..9223372036854775807 => 1, _ => 2 }",
        End::Decides(|_| true),
    ));
    cases.push(Case::handling(
        "1,500 variables",
        &numbered(&|at| format!("let v{at} = {at};"), 1_500),
        End::Failed(&["memory"]),
    ));
    cases.push(Case::whole("1,500 functions", &numbered(&|at| format!("fn f{at}() {{ }}"), 1_500), SYNTAX));
    cases.push(Case::handling(
        "1,500 names in a map",
        &format!("let m = #{{ {} }};", numbered(&|at| format!("k{at}: 1,"), 1_500)),
        SYNTAX,
    ));
    cases.push(Case::handling("4,000 items in a list", &format!("let a = [{}];", "1,".repeat(4_000)), SYNTAX));
    cases.push(Case::whole(
        "a function of 1,000 parameters",
        &format!("fn f({}) {{ }}", numbered(&|at| format!("p{at},"), 1_000)),
        End::Refused("description"),
    ));
    cases
}

fn letters() -> Vec<Case> {
    let long = "x".repeat(30_000);
    vec![
        Case::handling("a name of 1 MB", &"x".repeat(1_000_000), SIZE),
        Case::handling("a name of 30 KB", &format!("let {long} = 1;"), End::Decides(|_| true)),
        Case::handling("a number of 30,000 digits", &format!("let x = {};", "9".repeat(30_000)), SYNTAX),
        Case::handling("a text of 30 KB", &format!("let x = \"{long}\"; let y = x + x;"), End::Failed(&["memory"])),
        Case::handling("zero bytes", "let x\0 = 1;", SYNTAX),
        Case::handling("a byte order mark", "\u{feff} let x = 1;", SYNTAX),
        Case::handling("right to left", "let \u{202e}x = 1;", SYNTAX),
        Case::handling("emoji names", "let 😀 = 1;", SYNTAX),
        Case::handling(
            "Chinese names",
            "let 积分 = 12; grant(\"签到\", 积分);",
            End::Decides(|decision| decision.fuel_used > 0),
        ),
        Case::handling("keywords as names", "let while = 1;", SYNTAX),
        Case::handling("a quote that never ends", "let x = \"", SYNTAX),
        Case::handling("a template that never ends", "let x = `${", SYNTAX),
        Case::handling("an escape there is none of", "let x = \"\\q\";", SYNTAX),
        Case::handling("half an escape", "let x = \"\\u12\";", SYNTAX),
        Case { name: "nothing".into(), script: String::new(), end: End::Refused("handlers") },
        Case { name: "a brace".into(), script: "}".into(), end: SYNTAX },
        Case { name: format!("{FITTING} semicolons"), script: ";".repeat(FITTING), end: End::Refused("handlers") },
    ]
}

fn descriptions() -> Vec<Case> {
    let tells = |name: &str, map: &str| Case {
        name: format!("a description {name}"),
        script: format!("fn describe() {{ {map} }}\nfn on_sign_in(ctx) {{ }}"),
        end: End::Refused("description"),
    };
    vec![
        tells("that is none", "1"),
        tells("of nothing", "#{}"),
        tells("without a name", "#{ name: \"\" }"),
        tells("with a field nobody knows", "#{ name: \"x\", events: [] }"),
        tells("that loops", "loop { }"),
        tells("that grants", "grant(\"r\", 1); #{ name: \"x\" }"),
        tells("that recurses", "describe()"),
        tells("with a kind there is none of", "#{ name: \"x\", params: [#{ name: \"p\", kind: \"float\" }] }"),
        tells(
            "with a default that does not fit",
            "#{ name: \"x\", params: [#{ name: \"p\", kind: \"number\", min: 1, max: 2, initial: 3 }] }",
        ),
        tells(
            "with one parameter twice",
            "#{ name: \"x\", params: [#{ name: \"p\", kind: \"flag\" }, #{ name: \"p\", kind: \"flag\" }] }",
        ),
        tells(
            "with 65 parameters",
            "let a = []; for i in 0..65 { a.push(#{ name: `p${i}` }); } #{ name: \"x\", params: a }",
        ),
        tells(
            "with a statistic over 1,000 days",
            "#{ name: \"x\", stats: [#{ name: \"s\", metric: \"visits\", days: 1000 }] }",
        ),
        tells(
            "with a statistic of what is not counted",
            "#{ name: \"x\", stats: [#{ name: \"s\", metric: \"tears\", days: 1 }] }",
        ),
    ]
}

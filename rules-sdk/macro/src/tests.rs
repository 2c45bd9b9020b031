use crate::shape::expand;
use quote::quote;

/// The error of a policy with this attribute and this module.
fn refused(attribute: &str, module: &str) -> String {
    let tokens = |text: &str| text.parse().expect("tokens");
    match expand(tokens(attribute), tokens(module)) {
        Ok(code) => panic!("accepted: {code}"),
        Err(error) => error.to_string(),
    }
}

const NAMED: &str = "name = \"p\"";

fn params(fields: &str) -> String {
    refused(NAMED, &format!("/// s\nmod p {{ struct Params {{ {fields} }} fn on_bind(ctx: &C, out: &mut D) {{}} }}"))
}

#[test]
fn a_wrong_module_is_told_what_a_policy_looks_like() {
    for (attribute, module, wanted) in [
        ("", "mod p {}", "write #[policy(name = \"my-policy\")]"),
        ("name = 3", "mod p {}", "write #[policy(name = \"my-policy\")]"),
        ("name = \"My Policy\"", "mod p {}", "lower-case letters, digits and dashes"),
        (NAMED, "fn p() {}", "#[policy] goes on a module"),
        (NAMED, "mod p { }", "say in a doc comment"),
        (NAMED, "/// s\nmod p;", "needs the module's body here"),
        (NAMED, "/// s\nmod p { fn help() {} }", "handles no event: write at least one of on_follow, on_register"),
        (NAMED, "/// s\nmod p { fn on_sigin(ctx: &C, out: &mut D) {} }", "no event is called `on_sigin`; handlers are"),
        (
            NAMED,
            "/// s\nmod p { fn on_sign_in(ctx: &C) {} }",
            "write `pub fn on_sign_in(ctx: &Context<Params, Stats>, out: &mut Decision)`",
        ),
        (NAMED, "/// s\nmod p { fn on_receipt(ctx: &C, out: &mut D) {} }", "receipt: &Receipt, out: &mut Decision)`"),
        (NAMED, "/// s\nmod p { fn on_bind(ctx: &C, out: &mut D) -> i64 { 1 } }", "write `pub fn on_bind("),
        (NAMED, "/// s\nmod p { struct Params(i64); fn on_bind(ctx: &C, out: &mut D) {} }", "named fields"),
    ] {
        let error = refused(attribute, module);
        assert!(error.contains(wanted), "{module}\n{error}");
    }
}

#[test]
fn a_wrong_parameter_is_told_what_is_missing() {
    for (fields, wanted) in [
        ("/// l\na: i64", "write #[param(default = …)] above `a`"),
        ("/// l\n#[param(min = 1)] a: i64", "a parameter needs default = …"),
        ("#[param(default = 1)] a: i64", "`a` needs a label"),
        ("/// l\n#[param(default = 1)] a: u8", "a parameter is an i64, bool, String"),
        ("/// l\n#[param(default = 1)] a: Option<i64>", "a parameter is an i64, bool, String"),
        ("/// l\n#[param(default = 11, max = 10)] a: i64", "a whole number from 0 to 10"),
        ("/// l\n#[param(default = 1, min = 2, max = 1)] a: i64", "min is above max"),
        ("/// l\n#[param(money, default = -1)] a: i64", "an amount in fen, 0 or more"),
        ("/// l\n#[param(money, default = \"\")] a: String", "money and rate are i64"),
        ("/// l\n#[param(money, default = 1, max = 5)] a: i64", "only a plain number has min and max"),
        ("/// l\n#[param(date, default = \"\")] a: String", "a date is Option<Day>"),
        ("/// l\n#[param(date, default = \"1.1.\")] a: Option<Day>", "a \"2026-12-31\""),
        ("/// l\n#[param(choice(\"a\", \"b\"), default = \"c\")] a: String", "one of a, b"),
        ("/// l\n#[param(default = true)] a: i64", "a whole number from 0"),
        ("/// l\n#[param(default = [1, \"a\"])] a: Vec<i64>", "write a whole number"),
        ("/// l\n#[param(defualt = 1)] a: i64", "#[param] knows default, min, max"),
        ("/// l\n#[param(default = 1)] #[param(default = 2)] a: i64", "one #[param(…)] a field is enough"),
    ] {
        let error = params(fields);
        assert!(error.contains(wanted), "{fields}\n{error}");
    }
}

#[test]
fn a_wrong_statistic_is_told_what_there_is() {
    for (field, wanted) in [
        ("a: i64", "write `#[stat(spend_fen, days = 365)] pub spend_year: i64`"),
        ("#[stat(spend_fen)] a: i64", "write `#[stat(spend_fen, days = 365)]"),
        ("#[stat(spent, days = 1)] a: i64", "no such statistic; there are spend_fen, visits"),
        ("#[stat(visits, days = 367)] a: i64", "at most 366 days"),
        ("#[stat(visits, days = 1)] a: u32", "a statistic is an i64"),
    ] {
        let module = format!("/// s\nmod p {{ struct Stats {{ {field} }} fn on_bind(ctx: &C, out: &mut D) {{}} }}");
        let error = refused(NAMED, &module);
        assert!(error.contains(wanted), "{field}\n{error}");
    }
}

#[test]
fn a_policy_needs_neither_params_nor_stats() {
    let module = quote! {
        /// Says hello.
        mod p { fn on_bind(ctx: &Context<()>, out: &mut Decision) {} }
    };
    assert!(expand(quote!(name = "p"), module).is_ok());
}

//! The one table.

/// What a ratio must not pass.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(bound) => ratio <= bound,
            Self::AtLeast(bound) => ratio >= bound,
        }
    }
}

struct Row {
    id: &'static str,
    what: String,
    measured: String,
    found: String,
    target: String,
    verdict: &'static str,
}

/// Rows in the order they were measured.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// A ratio and its target.
    pub fn ratio(&mut self, id: &'static str, what: &str, measured: String, ratio: f64, target: Target) {
        self.judge(id, what, measured, ratio, "×", target);
    }

    /// A number with a unit and its target.
    pub fn number(
        &mut self,
        id: &'static str,
        what: &str,
        measured: String,
        (number, unit): (f64, &str),
        target: Target,
    ) {
        self.judge(id, what, measured, number, unit, target);
    }

    /// Something without a target, for comparison.
    pub fn note(&mut self, id: &'static str, what: &str, measured: String, found: String) {
        self.push(Row { id, what: what.to_owned(), measured, found, target: String::new(), verdict: "" });
    }

    /// Something that could not be measured here, and why.
    pub fn absent(&mut self, id: &'static str, what: &str, why: &str) {
        self.note(id, what, why.to_owned(), "not measured".to_owned());
    }

    fn judge(&mut self, id: &'static str, what: &str, measured: String, number: f64, unit: &str, target: Target) {
        let (sign, bound) = match target {
            Target::AtMost(bound) => ("≤", bound),
            Target::AtLeast(bound) => ("≥", bound),
        };
        let verdict = if target.holds(number) { "holds" } else { "**MISSES**" };
        let (found, target) = (format!("{} {unit}", short(number)), format!("{sign} {bound} {unit}"));
        self.push(Row { id, what: what.to_owned(), measured, found, target, verdict });
    }

    fn push(&mut self, row: Row) {
        eprintln!("        {} {}: {} = {} {}", row.id, row.what, row.measured, row.found, row.verdict);
        self.rows.push(row);
    }

    /// Prints it as markdown.
    pub fn print(&self) {
        println!("| id | what | measured | ratio | target | verdict |");
        println!("|---|---|---|---:|---:|---|");
        for row in &self.rows {
            let Row { id, what, measured, found, target, verdict } = row;
            println!("| {id} | {what} | {measured} | {found} | {target} | {verdict} |");
        }
    }
}

/// Three digits that mean something.
pub fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size == 0.0 => "0".to_owned(),
        _ => format!("{number:.2}"),
    }
}

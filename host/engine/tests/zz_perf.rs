use engine::{*, Placed as Entry};
use ledger::{Facts, MemberFacts, Event, Receipt, Line, Fen};
use std::time::Instant;
fn rss() -> usize { let s = std::fs::read_to_string("/proc/self/statm").unwrap(); s.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4 }
#[test]
fn perf() {
    let mut limits = Limits::default(); limits.resident_bytes_max = 2 << 30;
    let engine = Engine::new(limits, ArtifactKey::new([1; 32]), Compiler::InProcess).unwrap();
    let bytes = std::fs::read("../../rules/standard/policy.wasm").unwrap();
    let t = Instant::now();
    let a = engine.admit(&Source::Wasm(bytes.clone())).unwrap();
    println!("admit {:?}, artifact {}", t.elapsed(), a.artifact.len());
    let t = Instant::now();
    let p = engine.load(&a.digest, &a.artifact).unwrap();
    println!("load {:?}", t.elapsed());
    let params = a.description.settle(&Default::default()).unwrap();
    let book = Rulebook::new(vec![Entry::new("standard", p, params.clone()).unwrap()]);
    let mut facts = Facts { member: Some(MemberFacts::default()), ..Facts::default() };
    facts.member.as_mut().unwrap().tier = "金卡".into();
    let lines = (0..10).map(|i| Line { sku: format!("69{i:011}"), department: "D01".into(), category: "饮料".into(), brand: "农夫山泉".into(), quantity_milli: 1000, amount: Fen::new(1280), discount: Fen::new(0) }).collect::<Vec<_>>();
    let event = Event::Receipt(Receipt { total: Fen::new(12800), payable: Fen::new(12800), lines, ..Receipt::default() });
    let native = |e: &str, f: &str, p: &str| { let e: Event = serde_json::from_str(e).unwrap(); let f: Facts = serde_json::from_str(f).unwrap(); let p: Vec<ledger::ParamValue> = serde_json::from_str(p).unwrap(); std::hint::black_box(&p); let Event::Receipt(r) = &e else { panic!() }; let n: i64 = r.lines.iter().filter(|l| l.category != "gift").map(|l| l.amount.get()).sum(); let pts = if f.member.unwrap().tier == "金卡" { n*150/10000 } else { n/100 };
        let d = ledger::Answer::Decided { effects: vec![ledger::RuledEffect{rule:"base".into(), effect: ledger::Effect::GrantPoints(ledger::Grant{amount: ledger::Points::new(pts), pending_days:0, expiry: Default::default(), cap: None})}], reasons: vec![ledger::Reason{rule:"base".into(), outcome: ledger::Outcome::Applied, text: format!("满额 {pts}"), compared: None}] };
        serde_json::to_string(&d).unwrap() };
    let (ej, fj, pj) = (serde_json::to_string(&event).unwrap(), serde_json::to_string(&facts).unwrap(), serde_json::to_string(&params).unwrap());
    let sign = Event::SignIn;
    for _ in 0..3 {
        let bench = |name: &str, f: &dyn Fn()| {
            let mut v = Vec::new();
            for _ in 0..200 { f(); }
            for _ in 0..500 { let t = Instant::now(); for _ in 0..10 { f(); } v.push(t.elapsed().as_nanos() as f64 / 10_000.0); }
            v.sort_by(f64::total_cmp); println!("{name}: p50 {:.2} µs p99 {:.2}", v[250], v[495]);
        };
        bench("native+serde", &|| { std::hint::black_box(native(&ej, &fj, &pj)); });
        bench("wasm receipt", &|| { std::hint::black_box(engine.evaluate(&book, &facts, &event).unwrap()); });
        bench("wasm sign-in", &|| { std::hint::black_box(engine.evaluate(&book, &facts, &sign).unwrap()); });
    }
    println!("fuel {} {}", engine.evaluate(&book, &facts, &event).unwrap().0[0].fuel_used, engine.evaluate(&book, &facts, &sign).unwrap().0[0].fuel_used);
    // many
    let before = rss();
    let n = 300;
    let books: Vec<_> = (0..n).map(|i: u32| { let mut b = bytes.clone(); b.extend_from_slice(&[0, 6, 1, b'x']); b.extend_from_slice(&i.to_le_bytes()); 
        let a = engine.admit(&Source::Wasm(b)).unwrap(); let p = engine.load(&a.digest, &a.artifact).unwrap(); Rulebook::new(vec![Entry::new("s", p, params.clone()).unwrap()]) }).collect();
    println!("rss per policy {} KiB", (rss() - before) / n as usize);
    let mut seed = 1u64;
    let mut next = || { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; seed };
    for round in 0..3 {
        let t = Instant::now(); for _ in 0..6000 { engine.evaluate(&books[(next() % n as u64) as usize], &facts, &event).unwrap(); } let many = t.elapsed();
        let t = Instant::now(); for _ in 0..6000 { next(); engine.evaluate(&book, &facts, &event).unwrap(); } let one = t.elapsed();
        println!("round {round}: distinct {:?} shared {:?} ratio {:.2}", many / 6000, one / 6000, many.as_secs_f64() / one.as_secs_f64());
    }
    for threads in [1, 2] {
        let t = Instant::now();
        std::thread::scope(|s| for _ in 0..threads { s.spawn(|| for _ in 0..20000 { engine.evaluate(&book, &facts, &event).unwrap(); }); });
        let w = t.elapsed();
        let t = Instant::now();
        std::thread::scope(|s| for _ in 0..threads { s.spawn(|| for _ in 0..20000 { std::hint::black_box(native(&ej, &fj, &pj)); }); });
        println!("{threads} threads: wasm {:?} native {:?}", w, t.elapsed());
    }
}

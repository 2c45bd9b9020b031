//! Questions whose right answer is no row: each names an invariant, each row a place where it is broken.

use crate::{Db, DbError, Kind, dialect};

/// How many broken rows are told of each invariant.
const ROWS_TOLD: usize = 20;

/// The questions both databases understand.
const QUESTIONS: [(&str, &str); 12] = [
    (
        "L1_a_balance_is_the_sum_of_its_entries",
        "select a.tenant_id, a.member_id, a.account, a.balance, a.entries, e.total, e.entries
         from (select tenant_id, member_id, 'points' as account, points as balance, points_seq as entries from member
               union all
               select tenant_id, member_id, 'principal', principal, principal_seq from member
               union all
               select tenant_id, member_id, 'gift', gift, gift_seq from member) a
         left join (select tenant_id, member_id, account, cast(sum(delta) as bigint) as total, count(*) as entries
                    from entry group by tenant_id, member_id, account) e
           on e.tenant_id = a.tenant_id and e.member_id = a.member_id and e.account = a.account
         where a.balance <> coalesce(e.total, 0) or a.entries <> coalesce(e.entries, 0)",
    ),
    (
        "L1_L2_entries_are_gapless_and_each_balance_is_the_sum_so_far",
        "select * from (
             select tenant_id, member_id, account, seq, balance_after,
                    cast(sum(delta) over w as bigint) as running, row_number() over w as place
             from entry window w as (partition by tenant_id, member_id, account order by seq, decision_id)) e
         where seq <> place or balance_after <> running",
    ),
    (
        "L1_every_entry_has_its_member",
        "select e.tenant_id, e.decision_id, e.account, e.seq from entry e
         left join member m on m.tenant_id = e.tenant_id and m.member_id = e.member_id
         where m.member_id is null",
    ),
    (
        "D_streams_are_gapless",
        "select tenant_id, stream, count(*), max(seq) from decision group by tenant_id, stream
         having count(*) <> max(seq) or min(seq) <> 1",
    ),
    (
        "D_a_version_counts_the_member's_decisions",
        "select m.tenant_id, m.member_id, m.version, d.decisions from member m
         left join (select tenant_id, member_id, count(*) as decisions from decision
                    where member_id is not null group by tenant_id, member_id) d
           on d.tenant_id = m.tenant_id and d.member_id = m.member_id
         where m.version <> coalesce(d.decisions, 0)",
    ),
    (
        "D_a_chain_reaches_all_of_the_member's_decisions",
        "with recursive chain as (
             select tenant_id, member_id, version, last_stream as stream, last_seq as seq, cast(1 as bigint) as n
             from member
             union all
             select c.tenant_id, c.member_id, c.version, d.before_stream, d.before_seq, c.n + 1
             from chain c cross join decision d
             where d.tenant_id = c.tenant_id and d.stream = c.stream and d.seq = c.seq
               and d.member_id = c.member_id and d.before_seq is not null and c.n <= c.version)
         select tenant_id, member_id, version, max(n) from chain group by tenant_id, member_id, version
         having max(n) <> version",
    ),
    (
        "V_every_voucher_has_its_member",
        "select v.tenant_id, v.code, v.member_id from voucher v
         left join member m on m.tenant_id = v.tenant_id and m.member_id = v.member_id
         where m.member_id is null",
    ),
    (
        "Z1_counters_stay_within_their_bounds",
        "select tenant_id, name, used, max from stock where used < 0 or used > max",
    ),
    (
        "S_every_returned_sale_has_its_decision",
        "select s.tenant_id, s.natural_key, s.returns from sale_left s
         left join decision d on d.tenant_id = s.tenant_id and d.natural_key = s.natural_key
         where d.seq is null",
    ),
    (
        "I_every_identity_has_its_member",
        "select n.tenant_id, n.kind, n.member_id from identity n
         left join member m on m.tenant_id = n.tenant_id and m.member_id = n.member_id
         where m.member_id is null",
    ),
    (
        "O1_every_notice_has_its_decision",
        "with named as materialized (select tenant_id, stream || '-' || seq as decision_id from decision)
         select o.tenant_id, o.outbox_id from outbox o
         left join named d on d.tenant_id = o.tenant_id and d.decision_id = o.decision_id
         where d.decision_id is null",
    ),
    (
        "T_every_row_has_its_tenant",
        "select x.tenant_id from (select distinct tenant_id from decision union select distinct tenant_id from member) x
         left join tenant t on t.tenant_id = x.tenant_id
         where t.tenant_id is null",
    ),
];

/// Asks every question of the whole database; what is broken, with the rows that show it. Empty when whole.
///
/// Reads everything: for tests, the auditor and the doctor, not for a serving host at noon.
///
/// # Errors
/// Driver errors.
pub async fn oracle(db: &Db) -> Result<Vec<(&'static str, String)>, DbError> {
    let own = match db.kind() {
        Kind::Sqlite => dialect::ORACLE_SQLITE,
        Kind::Postgres => dialect::ORACLE_POSTGRES,
    };
    let mut broken = Vec::new();
    for (name, sql) in QUESTIONS.into_iter().chain(own) {
        let rows = db.rows(sql, &[]).await?;
        if rows.is_empty() {
            continue;
        }
        let told: Vec<String> = rows.iter().take(ROWS_TOLD).map(|row| row.describe()).collect();
        let more = rows.len().saturating_sub(ROWS_TOLD);
        let more = if more == 0 { String::new() } else { format!("\nand {more} more") };
        broken.push((name, format!("{}{more}", told.join("\n"))));
    }
    Ok(broken)
}

//! The few statements that must differ: the batch read and the batch write. SQLite takes its rows as JSON
//! and its long values out of one byte string; PostgreSQL takes arrays. Everything else has one text.

/// Looks rows of a table up for each row before it. `cross join` keeps SQLite's loops in this order: a few wanted
/// rows outside, an index inside.
macro_rules! sqlite_each {
    ($table:literal, $row:literal, $which:literal) => {
        concat!(" cross join ", $table, " ", $row, " where ", $which)
    };
}

/// As [`sqlite_each`]: `offset 0` keeps PostgreSQL from turning the loops round while the table looks small.
macro_rules! postgres_each {
    ($table:literal, $row:literal, $which:literal) => {
        concat!(" cross join lateral (select * from ", $table, " ", $row, " where ", $which, " offset 0) ", $row)
    };
}

/// What [`crate::snapshot::read`] looks for, over `want` (one row per event), `who` (the same with the member
/// named), `code` (presented vouchers) and `org` (tenants). Columns: what, want (a counter's period instead), three
/// texts, two numbers, bytes.
macro_rules! found {
    ($each:ident, $stream:literal) => {
        concat!(
            "select cast(1 as bigint), w.i, d.stream || '-' || d.seq, d.input_hash, d.member_id, d.status,
                    cast(null as bigint), d.reply
             from want w",
            $each!("decision", "d", "d.tenant_id = w.tenant_id and d.key_hash = w.key_hash"),
            " union all
             select 2, w.i, d.stream || '-' || d.seq, d.input_hash, d.member_id, d.status, null, d.reply
             from want w",
            $each!("decision", "d", "d.tenant_id = w.tenant_id and d.natural_key = w.natural_key"),
            " union all
             select 3, w.i, m.member_id, m.state, null, m.version, null, null
             from who w",
            $each!("member", "m", "m.tenant_id = w.tenant_id and m.member_id = w.member_id"),
            " union all
             select 4, w.i, v.doc, null, null, null, null, null
             from who w",
            $each!(
                "voucher",
                "v",
                "v.tenant_id = w.tenant_id and v.member_id = w.member_id and v.state in ('issued', 'reserved')"
            ),
            " union all
             select 4, w.i, v.doc, null, null, null, null, null
             from code w",
            $each!("voucher", "v", "v.tenant_id = w.tenant_id and v.code = w.code"),
            " union all
             select 5, w.i, d.record,
                    (select l.doc from sale_left l
                     where l.tenant_id = d.tenant_id and l.natural_key = d.natural_key),
                    null, null, null, null
             from want w",
            $each!("decision", "d", "d.tenant_id = w.tenant_id and d.natural_key = w.sale"),
            " union all
             select 6, 0, t.tenant_id,
                    (select d.hash from decision d where d.tenant_id = t.tenant_id and d.stream = ",
            $stream,
            " order by d.seq desc limit 1), null, t.config_version,
                    (select d.seq from decision d where d.tenant_id = t.tenant_id and d.stream = ",
            $stream,
            " order by d.seq desc limit 1), null
             from org o",
            $each!("tenant", "t", "t.tenant_id = o.tenant_id"),
            " union all
             select 7, s.since, s.tenant_id, s.name, null, s.used, s.max, null
             from org o",
            $each!("stock", "s", "s.tenant_id = o.tenant_id"),
        )
    };
}

/// `who` over `want`.
macro_rules! who {
    () => {
        "who as (
            select w.i, w.tenant_id,
                   coalesce(w.member_id, (select n.member_id from identity n
                                          where n.tenant_id = w.tenant_id and n.kind = w.kind
                                            and n.value_index = w.value_index)) as member_id
            from want w)"
    };
}

/// The batch read on SQLite: $1 wants, $2 presented vouchers, $3 tenants, all JSON; $4 the stream.
pub(crate) const READ_SQLITE: &str = concat!(
    "with want as materialized (
        select key as i, value ->> 'tenant' as tenant_id, unhex(value ->> 'key') as key_hash,
               value ->> 'natural' as natural_key,
               value ->> 'member' as member_id, value ->> 'kind' as kind, value ->> 'index' as value_index,
               value ->> 'sale' as sale
        from jsonb_each($1)),
     code as (
        select value ->> 'i' as i, value ->> 'tenant' as tenant_id, value ->> 'code' as code
        from jsonb_each($2)),
     org as (select value as tenant_id from jsonb_each($3)), ",
    who!(),
    " ",
    found!(sqlite_each, "$4")
);

/// The batch read on PostgreSQL: $1 to $7 the wants' columns, $8 to $10 presented vouchers, $11 tenants,
/// $12 the stream.
pub(crate) const READ_POSTGRES: &str = concat!(
    "with want as materialized (
        select i - 1 as i, tenant_id, key_hash, natural_key, member_id, kind, value_index, sale
        from unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
             with ordinality as t(tenant_id, key_hash, natural_key, member_id, kind, value_index, sale, i)),
     code as (select * from unnest($8::bigint[], $9::text[], $10::text[]) as t(i, tenant_id, code)),
     org as (select * from unnest($11::text[]) as t(tenant_id)), ",
    who!(),
    " ",
    found!(postgres_each, "$12")
);

/// The batch write on SQLite. Rows say where a long value is, `[from, length]`: those of decisions in $1, of
/// members in $2, all others in $3 (each statement copies the bytes it names). $4 is the stream; $5 to $13 are
/// JSON arrays: settings seen, members, decisions, identities, new vouchers, changed vouchers, sales, counters,
/// notices. Writing to `refused` fails the text with that reason.
pub(crate) const WRITE_SQLITE: &str = "
begin immediate;

insert into refused (reason)
select 'stale: settings' from jsonb_each($5) r
left join tenant t on t.tenant_id = (r.value ->> 0)
where t.config_version is not (r.value ->> 1);

insert into refused (reason)
select case when coalesce(m.version, 0) = (r.value ->> 'before') then 'broken: balances' else 'stale: member' end
from jsonb_each($6) r
left join member m on m.tenant_id = (r.value ->> 't') and m.member_id = (r.value ->> 'm')
where coalesce(m.version, 0) <> (r.value ->> 'before')
   or m.points <> (r.value ->> '$.base[0]') or m.points_seq <> (r.value ->> '$.base[3]')
   or m.principal <> (r.value ->> '$.base[1]') or m.principal_seq <> (r.value ->> '$.base[4]')
   or m.gift <> (r.value ->> '$.base[2]') or m.gift_seq <> (r.value ->> '$.base[5]');

insert into decision (tenant_id, stream, seq, at_ms, kind, status, member_id, before_stream, before_seq, store_id,
                      till_id, business_day, amount_fen, principal, key_hash, natural_key, input_hash, hash,
                      entries, reply, record)
select r.value ->> 't', $4, r.value ->> 'seq', r.value ->> 'at', r.value ->> 'kind', r.value ->> 'status',
       r.value ->> 'm',
       case when (r.value ->> 'before') is null then m.last_stream else $4 end,
       coalesce(r.value ->> 'before', m.last_seq),
       r.value ->> 'store', r.value ->> 'till', r.value ->> 'day', r.value ->> 'fen', r.value ->> 'principal',
       substr($1, r.value ->> '$.key[0]', r.value ->> '$.key[1]'),
       r.value ->> 'natural', r.value ->> 'input', r.value ->> 'hash',
       cast(substr($1, r.value ->> '$.entries[0]', r.value ->> '$.entries[1]') as text),
       substr($1, r.value ->> '$.reply[0]', r.value ->> '$.reply[1]'),
       cast(substr($1, r.value ->> '$.record[0]', r.value ->> '$.record[1]') as text)
from jsonb_each($7) r
left join member m on m.tenant_id = (r.value ->> 't') and m.member_id = (r.value ->> 'm');

update member set
    version = r.value ->> 'after', points = r.value ->> '$.now[0]', principal = r.value ->> '$.now[1]',
    gift = r.value ->> '$.now[2]', points_seq = r.value ->> '$.now[3]', principal_seq = r.value ->> '$.now[4]',
    gift_seq = r.value ->> '$.now[5]', tier = r.value ->> 'tier', registered = r.value ->> 'registered',
    last_stream = $4, last_seq = r.value ->> 'last',
    state = cast(substr($2, r.value ->> '$.state[0]', r.value ->> '$.state[1]') as text),
    profile_sealed = coalesce(substr($2, r.value ->> '$.profile[0]', r.value ->> '$.profile[1]'), profile_sealed)
from jsonb_each($6) r
where member.tenant_id = (r.value ->> 't') and member.member_id = (r.value ->> 'm')
  and (r.value ->> 'before') > 0;

-- Apart, so that the two indexes are touched only when these change.
update member set birthday_md = r.value ->> 'birthday', next_due_day = r.value ->> 'due'
from jsonb_each($6) r
where member.tenant_id = (r.value ->> 't') and member.member_id = (r.value ->> 'm')
  and (r.value ->> 'before') > 0
  and (member.birthday_md is not (r.value ->> 'birthday') or member.next_due_day is not (r.value ->> 'due'));

insert into member (tenant_id, member_id, version, points, principal, gift, points_seq, principal_seq, gift_seq,
                    tier, registered, birthday_md, next_due_day, last_stream, last_seq, state, profile_sealed)
select value ->> 't', value ->> 'm', value ->> 'after', value ->> '$.now[0]', value ->> '$.now[1]',
       value ->> '$.now[2]', value ->> '$.now[3]', value ->> '$.now[4]', value ->> '$.now[5]', value ->> 'tier',
       value ->> 'registered', value ->> 'birthday', value ->> 'due', $4, value ->> 'last',
       cast(substr($2, value ->> '$.state[0]', value ->> '$.state[1]') as text),
       substr($2, value ->> '$.profile[0]', value ->> '$.profile[1]')
from jsonb_each($6) where (value ->> 'before') = 0;

insert into identity (tenant_id, kind, value_index, member_id)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from jsonb_each($8);

insert into voucher (tenant_id, code, member_id, template, state, valid_until, doc)
select value ->> 't', value ->> 'code', value ->> 'm', value ->> 'template', value ->> 'state', value ->> 'until',
       cast(substr($3, value ->> '$.doc[0]', value ->> '$.doc[1]') as text)
from jsonb_each($9);

insert into refused (reason)
select 'stale: voucher' from jsonb_each($10) r
left join voucher v on v.tenant_id = (r.value ->> 't') and v.code = (r.value ->> 'code')
where v.member_id is not (r.value ->> 'm');

update voucher set
    state = r.value ->> 'state', valid_until = r.value ->> 'until',
    doc = cast(substr($3, r.value ->> '$.doc[0]', r.value ->> '$.doc[1]') as text)
from jsonb_each($10) r
where voucher.tenant_id = (r.value ->> 't') and voucher.code = (r.value ->> 'code');

insert into refused (reason)
select 'stale: sale' from jsonb_each($11) r
left join sale_left s on s.tenant_id = (r.value ->> 't') and s.natural_key = (r.value ->> 'natural')
where coalesce(s.returns, 0) <> (r.value ->> 'before');

insert into sale_left (tenant_id, natural_key, returns, doc)
select value ->> 't', value ->> 'natural', value ->> 'returns',
       cast(substr($3, value ->> '$.doc[0]', value ->> '$.doc[1]') as text)
from jsonb_each($11) where true
on conflict (tenant_id, natural_key) do update set returns = excluded.returns, doc = excluded.doc;

insert into stock (tenant_id, name, used, max, since)
select value ->> 't', value ->> 'name', 0, value ->> 'max', value ->> 'since' from jsonb_each($12) where true
on conflict (tenant_id, name) do nothing;

insert into refused (reason)
select 'stale: counter' from jsonb_each($12) r
join stock s on s.tenant_id = (r.value ->> 't') and s.name = (r.value ->> 'name')
where s.since > (r.value ->> 'since');

update stock set
    -- A later period begins from nothing.
    used = case when since = (r.value ->> 'since') then used else 0 end + (r.value ->> 'delta'),
    -- Giving back is never refused, even if the limit has been lowered below what is used.
    max = case when (r.value ->> 'delta') <= 0 then max(r.value ->> 'max', used + (r.value ->> 'delta'))
               else r.value ->> 'max' end,
    since = r.value ->> 'since'
from jsonb_each($12) r
where stock.tenant_id = (r.value ->> 't') and stock.name = (r.value ->> 'name');

insert into outbox (tenant_id, outbox_id, decision_id, topic, body, state, due_at_ms)
select value ->> 't', (value ->> 'decision') || '.' || (value ->> 'n'), value ->> 'decision', value ->> 'topic',
       cast(substr($3, value ->> '$.body[0]', value ->> '$.body[1]') as text), 'waiting', value ->> 'due'
from jsonb_each($13);

commit;
";

/// The batch write on PostgreSQL: one statement, so one round trip and one transaction. $1 the stream; then
/// the columns of members ($2 to $24) and decisions ($25 to $43); then JSON arrays of objects: settings seen
/// ($44), identities ($45), vouchers ($46), sales ($47), counters ($48), notices ($49). A broken condition
/// casts its name to a number, which fails with that name.
pub(crate) const WRITE_POSTGRES: &str = "
with settings as (
    -- Locked, so that settings published while this commits are in force for whatever commits later.
    select 1 from jsonb_to_recordset($44::jsonb) as r(tenant text, seen bigint)
    join tenant t on t.tenant_id = r.tenant and t.config_version = r.seen
    for share of t),
member_row as materialized (
    select * from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                         $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
                         $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::text[], $19::bigint[],
                         $20::text[], $21::bigint[], $22::bigint[], $23::text[], $24::bytea[])
      as r(tenant_id, member_id, before, after, base_points, base_principal, base_gift, base_points_seq,
           base_principal_seq, base_gift_seq, points, principal, gift, points_seq, principal_seq, gift_seq, tier,
           registered, birthday_md, next_due_day, last_seq, state, profile_sealed)),
broken as (
    select 1 from member_row r
    join member m on m.tenant_id = r.tenant_id and m.member_id = r.member_id and m.version = r.before
    where (m.points, m.principal, m.gift, m.points_seq, m.principal_seq, m.gift_seq) <>
          (r.base_points, r.base_principal, r.base_gift, r.base_points_seq, r.base_principal_seq, r.base_gift_seq)),
decided as (
    insert into decision (tenant_id, stream, seq, at_ms, kind, status, member_id, before_stream, before_seq,
                          store_id, till_id, business_day, amount_fen, principal, key_hash, natural_key, input_hash,
                          hash, entries, reply, record)
    select r.tenant_id, $1::text, r.seq, r.at_ms, r.kind, r.status, r.member_id,
           case when r.before is null then m.last_stream else $1::text end, coalesce(r.before, m.last_seq),
           r.store_id, r.till_id, r.business_day, r.amount_fen, r.principal, r.key_hash, r.natural_key,
           r.input_hash, r.hash, r.entries, r.reply, r.record
    from unnest($25::text[], $26::bigint[], $27::bigint[], $28::text[], $29::bigint[], $30::text[], $31::bigint[],
                $32::text[], $33::text[], $34::bigint[], $35::bigint[], $36::text[], $37::bytea[], $38::text[],
                $39::text[], $40::text[], $41::text[], $42::bytea[], $43::text[])
      as r(tenant_id, seq, at_ms, kind, status, member_id, before, store_id, till_id, business_day, amount_fen,
           principal, key_hash, natural_key, input_hash, hash, entries, reply, record)
    left join member m on m.tenant_id = r.tenant_id and m.member_id = r.member_id),
changed as (
    update member m set
        version = r.after, points = r.points, principal = r.principal, gift = r.gift, points_seq = r.points_seq,
        principal_seq = r.principal_seq, gift_seq = r.gift_seq, tier = r.tier, registered = r.registered,
        birthday_md = r.birthday_md, next_due_day = r.next_due_day, last_stream = $1::text,
        last_seq = r.last_seq, state = r.state, profile_sealed = coalesce(r.profile_sealed, m.profile_sealed)
    from member_row r
    where r.before > 0 and m.tenant_id = r.tenant_id and m.member_id = r.member_id and m.version = r.before
    returning 1),
added as (
    insert into member (tenant_id, member_id, version, points, principal, gift, points_seq, principal_seq,
                        gift_seq, tier, registered, birthday_md, next_due_day, last_stream, last_seq, state,
                        profile_sealed)
    select tenant_id, member_id, after, points, principal, gift, points_seq, principal_seq, gift_seq, tier,
           registered, birthday_md, next_due_day, $1::text, last_seq, state, profile_sealed
    from member_row where before = 0
    returning 1),
known as (
    insert into identity (tenant_id, kind, value_index, member_id)
    select tenant, kind, value_index, member from jsonb_to_recordset($45::jsonb)
      as r(tenant text, kind text, value_index text, member text)),
voucher_row as materialized (
    select * from jsonb_to_recordset($46::jsonb) as r(tenant text, code text, member text, template text,
                                                      state text, until bigint, doc text, fresh bigint)),
issued as (
    insert into voucher (tenant_id, code, member_id, template, state, valid_until, doc)
    select tenant, code, member, template, state, until, doc from voucher_row where fresh = 1),
moved as (
    update voucher v set state = r.state, valid_until = r.until, doc = r.doc
    from voucher_row r
    where r.fresh = 0 and v.tenant_id = r.tenant and v.code = r.code and v.member_id = r.member
    returning 1),
sale_row as materialized (
    select * from jsonb_to_recordset($47::jsonb)
      as r(tenant text, natural_key text, before bigint, returns bigint, doc text)),
first_return as (
    insert into sale_left (tenant_id, natural_key, returns, doc)
    select tenant, natural_key, returns, doc from sale_row where before = 0),
next_return as (
    update sale_left s set returns = r.returns, doc = r.doc
    from sale_row r
    where r.before > 0 and s.tenant_id = r.tenant and s.natural_key = r.natural_key and s.returns = r.before
    returning 1),
stock_row as materialized (
    select * from jsonb_to_recordset($48::jsonb) as r(tenant text, name text, delta bigint, max bigint, since bigint)),
counted as (
    update stock s set
        -- A later period begins from nothing; an earlier one breaks the counter's bounds.
        used = case when s.since = r.since then s.used when s.since < r.since then 0 else -1 - r.delta end + r.delta,
        -- Giving back is never refused, even if the limit has been lowered below what is used.
        max = case when r.delta <= 0 and r.max < s.used + r.delta then s.used + r.delta else r.max end,
        since = r.since
    from stock_row r
    where s.tenant_id = r.tenant and s.name = r.name
    returning s.tenant_id, s.name),
first_count as (
    insert into stock (tenant_id, name, used, max, since)
    select r.tenant, r.name, r.delta, r.max, r.since from stock_row r
    where not exists (select 1 from counted c where c.tenant_id = r.tenant and c.name = r.name)),
told as (
    insert into outbox (tenant_id, outbox_id, decision_id, topic, body, state, due_at_ms)
    select tenant, decision || '.' || n, decision, topic, body, 'waiting', due
    from jsonb_to_recordset($49::jsonb)
      as r(tenant text, decision text, n bigint, topic text, body text, due bigint))
select cast(case
    when (select count(*) from settings) <> jsonb_array_length($44::jsonb) then 'stale: settings'
    when (select count(*) from changed) + (select count(*) from added) <> cardinality($2::text[])
        then 'stale: member'
    when (select count(*) from broken) > 0 then 'broken: balances'
    when (select count(*) from moved) <> (select count(*) from voucher_row where fresh = 0) then 'stale: voucher'
    when (select count(*) from next_return) <> (select count(*) from sale_row where before > 0) then 'stale: sale'
    else '0' end as bigint)
";

/// The oracle's questions about JSON, on SQLite.
pub(crate) const ORACLE_SQLITE: [(&str, &str); 2] = [
    (
        "M_a_member's_columns_are_their_state",
        "select tenant_id, member_id, points, principal, gift, tier, state from member
         where points <> coalesce(state ->> '$.accounts.points.balance', 0)
            or principal <> coalesce(state ->> '$.accounts.principal.balance', 0)
            or gift <> coalesce(state ->> '$.accounts.gift.balance', 0)
            or points_seq <> coalesce(state ->> '$.accounts.points.entries', 0)
            or principal_seq <> coalesce(state ->> '$.accounts.principal.entries', 0)
            or gift_seq <> coalesce(state ->> '$.accounts.gift.entries', 0)
            or tier <> coalesce(state ->> '$.tier.name', '')
            or member_id <> (state ->> '$.id')",
    ),
    (
        "V2_a_voucher's_columns_are_its_document",
        "select tenant_id, code, state, doc from voucher
         where code <> (doc ->> '$.code') or member_id <> (doc ->> '$.member') or template <> (doc ->> '$.template')
            or (state <> (doc ->> '$.state') and json_type(doc, '$.state.' || state) is null)",
    ),
];

/// The oracle's questions about JSON, on PostgreSQL.
pub(crate) const ORACLE_POSTGRES: [(&str, &str); 2] = [
    (
        "M_a_member's_columns_are_their_state",
        "select tenant_id, member_id, points, principal, gift, tier, state
         from (select *, cast(state as jsonb) as doc from member) m
         where points <> coalesce(cast(doc #>> '{accounts,points,balance}' as bigint), 0)
            or principal <> coalesce(cast(doc #>> '{accounts,principal,balance}' as bigint), 0)
            or gift <> coalesce(cast(doc #>> '{accounts,gift,balance}' as bigint), 0)
            or points_seq <> coalesce(cast(doc #>> '{accounts,points,entries}' as bigint), 0)
            or principal_seq <> coalesce(cast(doc #>> '{accounts,principal,entries}' as bigint), 0)
            or gift_seq <> coalesce(cast(doc #>> '{accounts,gift,entries}' as bigint), 0)
            or tier <> coalesce(doc #>> '{tier,name}', '')
            or member_id <> (doc ->> 'id')",
    ),
    (
        "V2_a_voucher's_columns_are_its_document",
        "select tenant_id, code, state, doc from voucher
         where code <> (cast(doc as jsonb) ->> 'code') or member_id <> (cast(doc as jsonb) ->> 'member')
            or template <> (cast(doc as jsonb) ->> 'template') or not (cast(doc as jsonb) -> 'state' ? state)",
    ),
];

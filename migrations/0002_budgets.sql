-- Counters that begin anew with each period keep the first day of the one they count (0 = for ever).
alter table stock add column since bigint not null default 0;

-- Corrections that one person asked for and another must approve.
create table adjustment (
    tenant_id text not null,
    adjustment_id text not null,
    member_id text not null,
    account text not null,
    delta bigint not null,
    note text not null,
    asked_by text not null,
    idempotency_key text not null,
    input_hash text not null,
    asked_at_ms bigint not null,
    expires_at_ms bigint not null,
    state text not null check (state in ('waiting', 'approved', 'rejected')),
    decided_by text,
    decided_at_ms bigint,
    decision_id text,
    primary key (tenant_id, adjustment_id),
    check (state <> 'approved' or (decided_by is not null and decided_by <> asked_by))
);
create unique index adjustment_key on adjustment (tenant_id, asked_by, idempotency_key);

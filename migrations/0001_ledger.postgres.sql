-- What PostgreSQL alone needs: decisions are written once, their lines can be read as rows, and changed
-- rows leave room on their page, so that a new balance need not touch an index.

create function written_once() returns trigger language plpgsql as $$
begin
    raise exception '% rows are never changed or deleted', tg_table_name;
end $$;
create trigger decision_once before update or delete or truncate on decision
    for each statement execute function written_once();
create trigger policy_version_once before update or truncate on policy_version
    for each statement execute function written_once();
create trigger rulebook_once before update or truncate on rulebook
    for each statement execute function written_once();

-- One written line of one account.
create view entry as
select d.tenant_id, d.member_id, e.value ->> 'account' as account, cast(e.value ->> 'seq' as bigint) as seq,
       d.stream || '-' || d.seq as decision_id, d.at_ms, e.value ->> 'kind' as kind,
       cast(e.value ->> 'delta' as bigint) as delta, cast(e.value ->> 'balance_after' as bigint) as balance_after,
       e.value ->> 'policy' as policy, e.value ->> 'rule' as rule, cast(e.value as text) as detail
from decision d cross join lateral jsonb_array_elements(cast(d.entries as jsonb)) e
where d.entries is not null;

alter table member set (fillfactor = 70);
alter table stock set (fillfactor = 50);

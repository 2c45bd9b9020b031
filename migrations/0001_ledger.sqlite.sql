-- What SQLite alone needs: decisions are written once, their lines can be read as rows, and a batch can be
-- refused from within.

create trigger decision_update before update on decision
begin select raise(abort, 'decisions are never changed'); end;
create trigger decision_delete before delete on decision
begin select raise(abort, 'decisions are never deleted'); end;
create trigger policy_version_update before update on policy_version
begin select raise(abort, 'policy versions are never changed'); end;
create trigger rulebook_update before update on rulebook
begin select raise(abort, 'rulebooks are never changed'); end;

-- One written line of one account.
create view entry as
select d.tenant_id, d.member_id, e.value ->> 'account' as account, e.value ->> 'seq' as seq,
       d.stream || '-' || d.seq as decision_id, d.at_ms, e.value ->> 'kind' as kind,
       e.value ->> 'delta' as delta, e.value ->> 'balance_after' as balance_after,
       e.value ->> 'policy' as policy, e.value ->> 'rule' as rule, e.value as detail
from decision d, json_each(d.entries) e
where d.entries is not null;

-- Takes no row at all: writing the name of a broken condition here refuses the whole transaction.
create table refused (
    reason text not null
);
create trigger refused_insert before insert on refused
begin select raise(abort, new.reason); end;

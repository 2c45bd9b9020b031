-- Counters that begin anew with each period keep the first day of the one they count (0 = for ever).
alter table stock add column since bigint not null default 0;

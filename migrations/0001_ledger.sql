-- The first schema, one text for both databases. Columns are text, bigint (fen, points, Unix ms, days, 0/1,
-- versions) or bytes. Every key begins with the tenant; the two tokens that name their tenant themselves
-- (session, api_key) are random.
--
-- Tables keep their rowid on SQLite: rows with long texts are then appended in the order they happen, and
-- the random pages a decision touches are small index pages, which is what its write-ahead log costs.

-- What is true of the whole database, by name.
create table platform (
    name text not null primary key,
    value text not null
);

create table tenant (
    tenant_id text not null primary key,
    name text not null,
    settings text not null,
    config_version bigint not null default 1,
    created_at_ms bigint not null
);

create table store (
    tenant_id text not null,
    store_id text not null,
    name text not null,
    detail text not null,
    created_at_ms bigint not null,
    primary key (tenant_id, store_id)
);

create table till (
    tenant_id text not null,
    store_id text not null,
    till_id text not null,
    name text not null,
    created_at_ms bigint not null,
    created_by text not null,
    primary key (tenant_id, store_id, till_id)
);

-- A key names its tenant, so it is found before the tenant is known.
create table api_key (
    key_id text not null primary key,
    tenant_id text not null,
    store_id text,
    till_id text,
    label text not null,
    secret_sealed blob not null,
    created_at_ms bigint not null,
    created_by text not null,
    revoked_at_ms bigint
);
create index api_key_tenant on api_key (tenant_id, key_id);

create table staff (
    tenant_id text not null,
    login text not null,
    name text not null,
    password_hash text not null,
    role text not null,
    created_at_ms bigint not null,
    created_by text not null,
    disabled_at_ms bigint,
    primary key (tenant_id, login)
);

-- Found by the hash of a random token, before the tenant is known.
create table session (
    token_hash text not null primary key,
    tenant_id text not null,
    kind text not null,
    subject text not null,
    created_at_ms bigint not null,
    expires_at_ms bigint not null
);
create index session_tenant on session (tenant_id, kind, subject);
create index session_expiry on session (expires_at_ms);

create table wechat_account (
    tenant_id text not null primary key,
    original_id text not null,
    appid text not null unique,
    mode text not null,
    app_secret_sealed blob,
    token_sealed blob,
    aes_key_sealed blob,
    aes_key_previous_sealed blob,
    detail text not null,
    updated_at_ms bigint not null,
    updated_by text not null
);

-- One form of a policy, for ever: rows are inserted and read, never changed.
create table policy_version (
    tenant_id text not null,
    name text not null,
    digest text not null,
    language text not null,
    source blob not null,
    artifact blob not null,
    description text not null,
    created_at_ms bigint not null,
    created_by text not null,
    primary key (tenant_id, name, digest)
);

-- The highest version is in force.
create table rulebook (
    tenant_id text not null,
    version bigint not null check (version > 0),
    entries text not null,
    created_at_ms bigint not null,
    created_by text not null,
    note text not null,
    primary key (tenant_id, version)
);

-- The balances with their numbers of entries, the tier and the days are copies of what `state` says, for
-- checks, lists and jobs. `last_stream` and `last_seq` begin the chain of the member's decisions, newest first.
create table member (
    tenant_id text not null,
    member_id text not null,
    version bigint not null check (version > 0),
    points bigint not null,
    principal bigint not null,
    gift bigint not null,
    points_seq bigint not null,
    principal_seq bigint not null,
    gift_seq bigint not null,
    tier text not null,
    registered bigint not null,
    birthday_md text,
    next_due_day bigint,
    last_stream text not null,
    last_seq bigint not null,
    state text not null,
    profile_sealed blob,
    primary key (tenant_id, member_id)
);
create index member_due on member (tenant_id, next_due_day) where next_due_day is not null;
create index member_birthday on member (tenant_id, birthday_md) where birthday_md is not null;

create table identity (
    tenant_id text not null,
    kind text not null,
    value_index text not null,
    member_id text not null,
    primary key (tenant_id, kind, value_index)
);
create index identity_member on identity (tenant_id, member_id);

-- What was decided, written once: the chain, the stored reply, the two names no second decision may bear,
-- and the lines it wrote (`entry` is a view of them). Its id is stream, dash, number.
-- `key_hash` is 16 bytes of SHA-256 over the caller and its idempotency key; `before_stream` and `before_seq`
-- name the decision before this one about the same member. Neither the member nor the day has an index here: each would be a
-- random page per decision, and the chain and the order of time find the same rows.
create table decision (
    tenant_id text not null,
    stream text not null,
    seq bigint not null check (seq > 0),
    at_ms bigint not null,
    kind text not null,
    status bigint not null,
    member_id text,
    before_stream text,
    before_seq bigint,
    store_id text,
    till_id text,
    business_day bigint,
    amount_fen bigint,
    principal text not null,
    key_hash blob,
    natural_key text,
    input_hash text not null,
    hash text not null,
    entries text,
    reply blob not null,
    record text not null,
    primary key (tenant_id, stream, seq)
);
create unique index decision_key on decision (tenant_id, key_hash) where key_hash is not null;
create unique index decision_natural on decision (tenant_id, natural_key) where natural_key is not null;

create table voucher (
    tenant_id text not null,
    code text not null,
    member_id text not null,
    template text not null,
    state text not null,
    valid_until bigint,
    doc text not null,
    primary key (tenant_id, code)
);
create index voucher_member on voucher (tenant_id, member_id, state);

-- Only sales with returns have a row; `returns` counts them and guards against a lost update.
create table sale_left (
    tenant_id text not null,
    natural_key text not null,
    returns bigint not null check (returns > 0),
    doc text not null,
    primary key (tenant_id, natural_key)
);

create table stock (
    tenant_id text not null,
    name text not null,
    used bigint not null,
    max bigint,
    primary key (tenant_id, name),
    check (used >= 0 and (max is null or used <= max))
);

create table outbox (
    tenant_id text not null,
    outbox_id text not null,
    decision_id text not null,
    topic text not null,
    body text not null,
    state text not null check (state in ('waiting', 'done', 'dead')),
    due_at_ms bigint not null,
    tries bigint not null default 0,
    lease text,
    last_error text,
    primary key (tenant_id, outbox_id)
);
create index outbox_due on outbox (tenant_id, topic, due_at_ms) where state = 'waiting';
create index outbox_dead on outbox (tenant_id, outbox_id) where state = 'dead';

create table campaign (
    tenant_id text not null,
    campaign text not null,
    commitment text not null,
    secret_sealed blob not null,
    published_odds text not null,
    opened_at_ms bigint not null,
    revealed_secret text,
    closed_at_ms bigint,
    primary key (tenant_id, campaign)
);

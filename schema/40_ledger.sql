-- ---------------------------------------------------------------- ledger

-- Events that have no leaf yet. The table has no index and no key, so that writers of events never wait for each other.
create table ledger_queue (
  transaction_id bigint not null
);

-- A Merkle log of the events (RFC 9162, section 2.1), one row for each leaf. Only the integrator writes it.
-- `leaf` is the canonical JSON (RFC 8785) of ledger_record() with the sequence and a salt. Without the salt, a client could
-- guess an event and confirm it by its hash. `hashes` are the hashes of all complete subtrees that end with this leaf, its
-- own first: the node of height h over the leaves up to n is in row n, at byte 32 h.
create table ledger_entries (
  sequence       bigint primary key check (sequence >= 0),
  transaction_id bigint not null unique,
  salt           bytea not null check (octet_length(salt) = 16),
  leaf           bytea not null,
  hashes         bytea not null
);
call keep_append_only('ledger_entries');

-- Signed tree heads. `note` is a C2SP tlog-checkpoint, `public_key` the C2SP verifier key of its signature.
create table ledger_checkpoints (
  size       bigint primary key check (size > 0),
  root_hash  text collate "C" not null check (octet_length(decode(root_hash, 'base64')) = 32),
  issued_at  timestamptz not null,
  note       text collate "C" not null,
  public_key text collate "C" not null
);
call keep_append_only('ledger_checkpoints');

-- The members of an event that its leaf contains. A verifier reads this definition in schema.sql, not in the database.
-- Times are UTC with microseconds under all settings of a session. An event without details has no member for them.
create function ledger_record(t transactions) returns jsonb
  language sql stable parallel safe
  return jsonb_build_object(
    'transactionId', t.transaction_id,
    'productId', t.product_id,
    'cacaoBatchId', t.cacao_batch_id,
    'timestamp', case when isfinite(t."timestamp")
      then to_char(t."timestamp" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || case when t."timestamp" < '0001-01-01 00:00:00+00' then ' BC' else '' end
      else t."timestamp"::text end,
    'recordTime', case when isfinite(t.record_time)
      then to_char(t.record_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || case when t.record_time < '0001-01-01 00:00:00+00' then ' BC' else '' end
      else t.record_time::text end,
    'recordedBy', t.recorded_by,
    'event', t.event,
    'eventId', t.event_id,
    'corrects', t.corrects,
    'correctionReason', t.correction_reason)
    || case when t.details is null then '{}'::jsonb else jsonb_build_object('details', t.details) end;

-- The hash of the leaves from `first` to `last` - 1, computed from complete subtrees (RFC 9162, 2.1.1). `first` is 0 or a
-- multiple of a power of two that is at least `last` - `first`. Null where a leaf is missing.
create function ledger_subtree(first bigint, last bigint) returns bytea
  language plpgsql stable strict parallel safe as $$
declare
  behind bigint := last;
  height int;
  node bytea;
  folded bytea;
begin
  if last <= first then
    return case when last = 0 and first = 0 then sha256('') end;
  end if;
  while behind > first loop
    height := 0;
    while ((behind - first) >> height) & 1 = 0 loop
      height := height + 1;
    end loop;
    node := (select substr(e.hashes, height * 32 + 1, 32) from ledger_entries e where e.sequence = behind - 1);
    if node is null or octet_length(node) <> 32 then
      return null;
    end if;
    folded := case when folded is null then node else sha256('\x01'::bytea || node || folded) end;
    behind := behind - (1::bigint << height);
  end loop;
  return folded;
end $$;

create function ledger_root(size bigint) returns bytea
  language sql stable parallel safe
  return ledger_subtree(0, size);

-- The inclusion proof of a leaf in the tree of this size (RFC 9162, section 2.1.3.1).
create function ledger_inclusion(sequence bigint, size bigint) returns bytea[]
  language plpgsql stable strict parallel safe as $$
declare
  low bigint := 0;
  high bigint := size;
  half bigint;
  path bytea[] := '{}';
begin
  if sequence < 0 or sequence >= size then
    return null;
  end if;
  while high - low > 1 loop
    half := 1;
    while half * 2 < high - low loop
      half := half * 2;
    end loop;
    if sequence < low + half then
      path := ledger_subtree(low + half, high) || path;
      high := low + half;
    else
      path := ledger_subtree(low, low + half) || path;
      low := low + half;
    end if;
  end loop;
  return path;
end $$;

-- The consistency proof between the trees of two sizes (RFC 9162, section 2.1.4.1).
create function ledger_consistency(first bigint, second bigint) returns bytea[]
  language plpgsql stable strict parallel safe as $$
declare
  low bigint := 0;
  high bigint := second;
  half bigint;
  path bytea[] := '{}';
begin
  if first < 1 or first > second then
    return null;
  end if;
  while first < high loop
    half := 1;
    while half * 2 < high - low loop
      half := half * 2;
    end loop;
    if first <= low + half then
      path := ledger_subtree(low + half, high) || path;
      high := low + half;
    else
      path := ledger_subtree(low, low + half) || path;
      low := low + half;
    end if;
  end loop;
  return case when low = 0 then path else ledger_subtree(low, high) || path end;
end $$;

create function ledger_texts(hashes bytea[]) returns text[]
  language sql immutable strict parallel safe
  return array(select encode(h.hash, 'base64') from unnest(hashes) with ordinality h (hash, place) order by h.place);

-- The inclusion proof of each event in the tree of the newest checkpoint, or in the whole tree if no checkpoint covers it.
create view transaction_proofs (
  transaction_id, status, sequence, leaf, leaf_hash, tree_size, root_hash, hashes, checkpoint
) as
  select t.transaction_id, case when e.sequence is null then 'pending' else 'integrated' end, e.sequence,
    convert_from(e.leaf, 'UTF8'), encode(substr(e.hashes, 1, 32), 'base64'),
    tree.size, encode(ledger_root(tree.size), 'base64'), ledger_texts(ledger_inclusion(e.sequence, tree.size)),
    (select c.note from ledger_checkpoints c where c.size = tree.size)
  from transactions t
  left join ledger_entries e using (transaction_id)
  left join lateral (
    select coalesce(
      (select max(c.size) from ledger_checkpoints c where c.size > e.sequence),
      (select max(n.sequence) + 1 from ledger_entries n)) as size) tree on e.sequence is not null;

-- The log with its newest checkpoint, in one row.
create view ledger (ledger_id, size, root_hash, origin, public_key, checkpoint) as
  select 1, tree.size, encode(ledger_root(tree.size), 'base64'), split_part(c.public_key, '+', 1), c.public_key, c.note
  from (select coalesce(max(e.sequence) + 1, 0) as size from ledger_entries e) tree
  left join lateral (select * from ledger_checkpoints c order by c.size desc limit 1) c on true;

-- The consistency proof from one size to another (default: 1 and the size of the log); no row for sizes out of range.
create function ledger_consistency_proof(from_size bigint, to_size bigint)
  returns table (first_size bigint, second_size bigint, first_root text, second_root text, hashes text[])
  language sql stable parallel safe rows 1
as $$
  select log.first, log.size, encode(ledger_root(log.first), 'base64'), encode(ledger_root(log.size), 'base64'),
    ledger_texts(ledger_consistency(log.first, log.size))
  from (select coalesce(from_size, 1) as first, coalesce(to_size, tree.size) as size, tree.size as most
        from (select coalesce(max(e.sequence) + 1, 0) as size from ledger_entries e) tree) log
  where log.first between 1 and log.size and log.size <= log.most
$$;

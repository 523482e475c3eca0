-- The event log of a service in its own database. Installed by the owner role, run again on every change of this text
-- (postgres.py), so every statement is idempotent and only goes forward. The grants follow in postgres.py.

create table if not exists public.log (
  one    boolean primary key default true check (one),
  log_id uuid not null default gen_random_uuid());

insert into public.log default values on conflict do nothing;

create table if not exists public.event (
  position bigint primary key,
  event_id uuid not null unique,
  stream   text collate "C" not null,
  revision bigint not null,
  type     text not null,
  at       timestamptz not null,
  body     text not null,
  meta     text not null,
  unique (stream, revision));

create or replace function public.log_refuse() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'the event log is append-only: % refused', tg_op using errcode = 'insufficient_privilege';
end $$;

create or replace trigger append_only before update or delete or truncate on public.event
  for each statement execute function public.log_refuse();
create or replace trigger append_only before update or delete or truncate on public.log
  for each statement execute function public.log_refuse();
-- also where session_replication_role would silence ordinary triggers
alter table public.event enable always trigger append_only;
alter table public.log enable always trigger append_only;

-- Appends a group of appends, each with its own verdict:
--   streams, expected, counts: per append; appends, ids, types, bodies, metas: per event, in the order of the appends,
--   `appends` naming the event's append from 1. A stream and an event id may occur once in a group, else it all fails.
-- Answers per append, in order:
--   ok         the position and revision of its last event
--   duplicate  its first event is in the log already: where its last one landed
--   conflict   no position; the revision that the stream stands at
-- Positions are max + 1 under a lock held until commit, so they have no holes and are visible in their own order.
create or replace function public.log_append(
  streams text[], expected bigint[], counts int[], appends int[], ids uuid[], types text[], bodies text[], metas text[])
returns table (verdict text, last_position bigint, last_revision bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- The plan is pinned: statistics of a log are always out of date, and a scan of the whole table would be fatal.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  base bigint; now_at timestamptz;
  verdicts text[]; positions bigint[]; revisions bigint[]; ends bigint[];
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    -- an older snapshot would judge on a log that has grown meanwhile
    raise exception 'log_append needs read committed' using errcode = 'invalid_transaction_state';
  end if;
  perform pg_advisory_xact_lock(7316002);  -- a statement of its own: those below see every earlier commit
  select e.position, e.at into base, now_at from public.event e order by e.position desc limit 1;
  base := coalesce(base, 0);
  now_at := greatest(now_at, clock_timestamp());

  select array_agg(j.verdict order by j.i), array_agg(j.ends order by j.i),
         array_agg(case j.verdict when 'ok' then base + j.room else j.position end order by j.i),
         array_agg(case j.verdict when 'ok' then j.expected + j.n when 'conflict' then j.head else j.revision end
                   order by j.i)
    into verdicts, ends, positions, revisions
    from (
      select v.*, sum(v.n) filter (where v.verdict = 'ok') over (order by v.i rows unbounded preceding) as room
        from (
          select a.i, a.n, a.ends, a.expected, coalesce(h.revision, -1) as head,
                 coalesce(l.position, f.position) as position, coalesce(l.revision, f.revision) as revision,
                 case when f.position is not null then 'duplicate'
                      when coalesce(h.revision, -1) = a.expected then 'ok'
                      else 'conflict' end as verdict
            from (
              select u.i, u.stream, u.expected, u.n, sum(u.n) over (order by u.i rows unbounded preceding) as ends
                from unnest(streams, expected, counts) with ordinality u (stream, expected, n, i)) a
            left join lateral (
              select e.revision from public.event e
               where e.stream = a.stream order by e.revision desc limit 1) h on true
            left join public.event f on f.event_id = ids[a.ends - a.n + 1]
            left join public.event l on l.event_id = ids[a.ends]) v) j;

  insert into public.event (position, event_id, stream, revision, type, at, body, meta)
  select positions[u.a] - (ends[u.a] - u.j), u.id, streams[u.a], revisions[u.a] - (ends[u.a] - u.j), u.type, now_at,
         u.body, u.meta
    from unnest(appends, ids, types, bodies, metas) with ordinality u (a, id, type, body, meta, j)
   where verdicts[u.a] = 'ok';

  return query select * from unnest(verdicts, positions, revisions);
end $$;

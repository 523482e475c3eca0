-- Free text of reasons. An event carries id and SHA-256(nonce ‖ text); a row can be erased, the event stays true.
-- about: the students that the text may speak of.
create table reason_text (
  id uuid primary key, nonce bytea not null, text text not null, about text[] not null default '{}'
);
create index on reason_text using gin (about);

-- What the keeper knows from the logs of identity and schedule, one cursor per log.
create table keeper_cursor (log text primary key, log_id text not null, position bigint not null);

create table known_period (
  period text primary key, group_id text not null, year text not null, kind text not null,
  starts_on date not null, ends_on date not null, weekend int[] not null, holidays date[] not null
);
create index on known_period (group_id, year);

-- A teacher's time on an assignment; removed_on: the first day on which it is another's.
create table known_load (
  assignment text not null, teacher text not null, starts_on date not null,
  group_id text not null, discipline text not null, period text not null, subgroup text not null,
  kinds text[] not null, responsible boolean not null, ends_on date, removed_on date,
  primary key (assignment, teacher, starts_on)
);
create index on known_load (group_id, discipline, period);

create table known_member (
  enrolment text primary key, student text not null, group_id text not null, starts_on date not null, ends_on date,
  moved_from text
);
create index on known_member (group_id);
create index on known_member (moved_from) where moved_from is not null;

create table known_split (
  group_id text not null, discipline text not null, subgroups jsonb not null, primary key (group_id, discipline)
);

create table known_substitute (
  lesson text primary key, group_id text not null, discipline text not null, period text not null,
  assignment text not null, teacher text not null, date date not null
);
create index on known_substitute (group_id, discipline, period);

create table known_page (
  page text primary key, group_id text not null, discipline text not null, period text not null
);
create index on known_page (group_id, discipline);

-- Pages that facts must be copied to; a row goes when that is done. cause: log:position.
create table dirty_page (
  page text primary key, group_id text not null, discipline text not null, period text not null, cause text not null
);

-- A page of such a period that is opened later is born closed.
create table closed_period (period text primary key, closed_by text not null, closed_at timestamptz not null);

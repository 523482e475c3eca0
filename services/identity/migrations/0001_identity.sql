-- Identity's own tables. Everything personal is here, in plain rows that can be erased; the log beside them holds ids.
-- Days are inclusive on both ends; an open end is null. `source` names the system that a record was imported from.

create table command (
  id text primary key,
  request text not null,
  answer text,
  events int not null default 0,
  at timestamptz not null
);

create table person (
  id text collate "C" primary key,
  family_name text not null,
  given_name text not null,
  middle_name text not null default '',
  email text not null default '',
  phone text not null default '',
  birth_date date,
  demo boolean not null default false,
  source text not null default '',
  version int not null default 1,
  registered_at timestamptz not null,
  erased_at timestamptz
);
create index on person (family_name, given_name);
create index on person (source) where source <> '';

create table role_grant (
  id text collate "C" primary key,
  person text collate "C" not null references person,
  role text not null,
  scope text collate "C" not null default '',
  starts_on date not null,
  ends_on date,
  order_no text not null default '',
  granted_by text not null,
  source text not null default '',
  revoked_at timestamptz
);
create index on role_grant (person);
create index on role_grant (role);

create table study_group (
  id text collate "C" primary key,
  title text not null,
  specialty text not null default '',
  admission_year int,
  source text not null default ''
);

create table enrolment (
  id text collate "C" primary key,
  student text collate "C" not null references person,
  group_id text collate "C" not null references study_group,
  starts_on date not null,
  ends_on date,
  order_no text not null default '',
  source text not null default '',
  by_hand boolean not null default false
);
create index on enrolment (student);
create index on enrolment (group_id);

create table student_status (
  enrolment text collate "C" not null references enrolment,
  on_day date not null,
  status text not null,
  order_no text not null default '',
  primary key (enrolment, on_day)
);

create table curator_appointment (
  id text collate "C" primary key,
  group_id text collate "C" not null references study_group,
  person text collate "C" not null references person,
  starts_on date not null,
  ends_on date,
  order_no text not null default '',
  source text not null default '',
  revoked_at timestamptz
);
create index on curator_appointment (group_id);
create index on curator_appointment (person);

create table guardian_link (
  id text collate "C" primary key,
  guardian text collate "C" not null references person,
  student text collate "C" not null references person,
  starts_on date not null,
  ends_on date,
  basis text not null default '',
  document text not null default '',
  source text not null default '',
  unlinked_at timestamptz
);
create index on guardian_link (guardian);
create index on guardian_link (student);

create table subgroup_split (
  id text collate "C" primary key,
  group_id text collate "C" not null references study_group,
  discipline text collate "C" not null,
  subgroups jsonb not null,
  proposed_by text not null,
  proposed_at timestamptz not null,
  awaits text not null,
  agreed_by text,
  starts_on date
);
create index on subgroup_split (group_id);

-- What holds on a day: the same relations that contracts/grants.py reads from the log.
create view relation as
  select id, person as subject, role as relation, scope as object, starts_on, ends_on
    from role_grant where revoked_at is null
  union all
  select id, person, 'curator', group_id, starts_on, ends_on from curator_appointment where revoked_at is null
  union all
  select id, student, 'member', group_id, starts_on, ends_on from enrolment
  union all
  select id, guardian, 'guardian', student, starts_on, ends_on from guardian_link where unlinked_at is null;

create table account (
  person text collate "C" primary key references person,
  login text not null unique,
  password_hash text not null,
  activated_at timestamptz not null,
  disabled_at timestamptz
);

-- The first symbols of a code find it, so that wrong tries can be counted; the code itself is kept as SHA-256.
create table activation_code (
  id text collate "C" primary key,
  person text collate "C" not null references person,
  selector text not null unique,
  digest text not null,
  issued_by text not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  tries int not null default 0
);
create index on activation_code (person);

create table session (
  id text primary key,
  person text collate "C" not null references person,
  family boolean not null,
  opened_at timestamptz not null,
  used_at timestamptz not null,
  address text not null,
  agent text not null
);
create index on session (person);

create table throttle (
  key text primary key,
  failures int not null,
  last_at timestamptz not null
);

create table read_log (
  reader text collate "C" not null,
  subject text collate "C" not null,
  route text not null,
  at timestamptz not null
);
create index on read_log (subject, at);

-- What came from roster files, so that a later file of the same source can be compared with it.
create table imported (
  source text not null,
  kind   text not null,
  id     text not null,
  data   jsonb not null default '{}',
  primary key (source, kind, id)
);

-- The answer of an import under its command, given again when the command is sent again.
create table import_run (
  command uuid primary key,
  request text not null,
  report  jsonb
);

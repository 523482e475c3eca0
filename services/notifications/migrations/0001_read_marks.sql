-- What a person has read. Not part of the view: a rebuild of the inbox leaves it as it is.

create table read_up_to (
  person text not null,
  log text not null,
  position bigint not null,
  primary key (person, log));

create table read_notice (
  person text not null,
  log text not null,
  slot text not null,
  primary key (person, log, slot));

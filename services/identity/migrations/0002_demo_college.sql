-- What the start page shows of the demo college that was loaded here: one row, or none.
create table demo_college (
  one boolean primary key default true check (one),
  about jsonb not null
);

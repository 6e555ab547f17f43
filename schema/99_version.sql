-- ---------------------------------------------------------------- version
-- The last migration that the schema contains (migrations/versions), in the table of Alembic. Every role can read it: the
-- server compares it at each start and for each readiness probe.
drop procedure keep_texts_normal(text, text[], text);
drop procedure record_changes_of(text, text, text, text);
drop procedure keep_append_only(text, text);
create table alembic_version (
  version_num varchar(32) not null constraint alembic_version_pkc primary key
);
grant select on alembic_version to public;

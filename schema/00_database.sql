-- ---------------------------------------------------------------- database
-- PostgreSQL 14 and later, UTF-8. Text columns are COLLATE "C", so that their order is the same on every server and stays the
-- same when the locale files of an operating system change: cursors and indexes depend on it.
create extension if not exists unaccent;
create extension if not exists pg_trgm;

-- ---------------------------------------------------------------- due diligence statements

create table due_diligence_statements (
  statement_id        serial primary key,
  reference_number    text collate "C" not null unique check (btrim(reference_number) <> ''),
  verification_number text collate "C",
  submitted_on        date not null
);
create index on due_diligence_statements (submitted_on, statement_id);
call keep_texts_normal('due_diligence_statements', '{reference_number}', 'reference_number');
call record_changes_of('due_diligence_statements', 'statement_id::bigint');

create table product_statement (
  product_id   int not null references products,
  statement_id int not null references due_diligence_statements,
  primary key (product_id, statement_id)
);
create index on product_statement (statement_id, product_id);
call record_changes_of('product_statement', 'array[product_id, statement_id]::bigint[]');

create table cacao_batch_statement (
  cacao_batch_id int not null references cacao_batches,
  statement_id   int not null references due_diligence_statements,
  primary key (cacao_batch_id, statement_id)
);
create index on cacao_batch_statement (statement_id, cacao_batch_id);
call record_changes_of('cacao_batch_statement', 'array[cacao_batch_id, statement_id]::bigint[]');

select '{"data":{"product":' || coalesce((
  select row_to_json(r)::text from (
    select p.name from products p where p.product_id = :id) r), 'null') || '}}'

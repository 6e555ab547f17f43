select '{"data":{"cacaoBatch":' || coalesce((
  select row_to_json(r)::text from (
    select
      (select row_to_json(y) from (
        select s.name, s.location from suppliers s where s.supplier_id = b.supplier_id) y) supplier,
      json_build_object('nodes', (select coalesce(json_agg(x), '[]'::json) from (
        select p.name,
          (select row_to_json(y) from (
            select m.name from manufacturers m
            where m.manufacturer_id = p.manufacturer_id) y) manufacturer,
          json_build_object('nodes', (select coalesce(json_agg(y), '[]'::json) from (
            select t."timestamp", t.event, t.details from transactions t
            where t.product_id = p.product_id order by t.transaction_id limit 20) y)) transactions
        from product_cacao_batch u join products p using (product_id)
        where u.cacao_batch_id = b.cacao_batch_id order by p.product_id limit 100) x)) products
    from cacao_batches b where b.cacao_batch_id = :id) r), 'null') || '}}'

select '{"data":{"product":' || coalesce((
  select row_to_json(r)::text from (
    select p.name, p.batch_number "batchNumber",
      (select row_to_json(x) from (
        select m.name, m.location from manufacturers m
        where m.manufacturer_id = p.manufacturer_id) x) manufacturer,
      json_build_object('nodes', (select coalesce(json_agg(x), '[]'::json) from (
        select b.harvest_date "harvestDate", b.quantity::text "quantityKg", b.certification,
          (select row_to_json(y) from (
            select s.name, s.location from suppliers s
            where s.supplier_id = b.supplier_id) y) supplier
        from product_cacao_batch u join cacao_batches b using (cacao_batch_id)
        where u.product_id = p.product_id order by b.cacao_batch_id limit 20) x)) "cacaoBatches",
      json_build_object('nodes', (select coalesce(json_agg(x), '[]'::json) from (
        select t."timestamp", t.event, t.details from transactions t
        where t.product_id = p.product_id order by t.transaction_id limit 20) x)) transactions
    from products p where p.product_id = :id) r), 'null') || '}}'

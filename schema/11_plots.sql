-- ---------------------------------------------------------------- plots

create table plots (
  plot_id       serial primary key,
  supplier_id   int not null references suppliers,
  name          text collate "C" not null check (btrim(name) <> ''),
  producer_name text collate "C",
  country       text collate "C" not null check (is_country(country)),
  area_ha       numeric not null check (area_ha > 0)
                constraint plots_area_ha_exact check (is_decimal(area_ha, 8, 4)),
  -- RFC 7946 geometry in WGS 84: a Point below 4 ha, else a Polygon (EUDR, Article 2(28)).
  geometry      jsonb check (jsonb_typeof(geometry) = 'object'
                             and geometry ->> 'type' in ('Point', 'Polygon', 'MultiPolygon'))
                constraint plots_geometry_levels check (is_printable_json(geometry)),
  unique (supplier_id, name)
);
create index on plots (supplier_id, plot_id);
create index on plots (country, plot_id);
call keep_texts_normal('plots', '{name}');
call record_changes_of('plots', 'plot_id::bigint');

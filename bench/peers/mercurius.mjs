// Mercurius with its JIT, and what a careful author writes by hand for it: batching loaders over
// prepared statements. Generic plans, since `= any ($1)` is planned anew at each call otherwise.
import cluster from "node:cluster";
import Fastify from "fastify";
import { GraphQLScalarType } from "graphql";
import mercurius from "mercurius";
import pg from "pg";

const schema = `
  scalar JSON
  type Manufacturer { name: String! location: String! }
  type Supplier { name: String! location: String! }
  type Transaction { timestamp: String! event: String! details: JSON }
  type Product {
    name: String!
    batchNumber: String
    manufacturer: Manufacturer
    cacaoBatches(first: Int!): [CacaoBatch!]!
    transactions(first: Int!): [Transaction!]!
  }
  type CacaoBatch {
    harvestDate: String
    quantityKg: String!
    certification: String
    supplier: Supplier!
    products(first: Int!): [Product!]!
  }
  type PageInfo { endCursor: String hasNextPage: Boolean! }
  type ProductPage { nodes: [Product!]! pageInfo: PageInfo! }
  type Query {
    product(id: Int!): Product
    products(after: Int!, first: Int!): ProductPage!
    cacaoBatch(id: Int!): CacaoBatch
  }`;

const PRODUCT = 'product_id, name, batch_number "batchNumber", manufacturer_id';
const BATCH =
  'cacao_batch_id, supplier_id, harvest_date "harvestDate", quantity "quantityKg", certification';
const SQL = {
  product: `select ${PRODUCT} from products where product_id = $1`,
  products: `select ${PRODUCT} from products where product_id > $1 order by product_id limit $2`,
  batch: `select ${BATCH} from cacao_batches where cacao_batch_id = $1`,
  manufacturers:
    "select manufacturer_id, name, location from manufacturers where manufacturer_id = any ($1)",
  suppliers: "select supplier_id, name, location from suppliers where supplier_id = any ($1)",
  batchesOfProducts: `
    select u.product_id, b.* from product_cacao_batch u
    join (select ${BATCH} from cacao_batches) b using (cacao_batch_id)
    where u.product_id = any ($1) order by b.cacao_batch_id`,
  transactionsOfProducts: `
    select product_id, "timestamp", event, details from transactions
    where product_id = any ($1) order by transaction_id`,
  productsOfBatches: `
    select k.cacao_batch_id, p.* from unnest($1::int[]) k (cacao_batch_id), lateral (
      select ${PRODUCT} from product_cacao_batch u join products using (product_id)
      where u.cacao_batch_id = k.cacao_batch_id order by product_id limit $2) p`,
};

function openPool() {
  pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);
  pg.types.setTypeParser(pg.types.builtins.NUMERIC, (text) => text);
  pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => `${text.replace(" ", "T")}:00`);
  return new pg.Pool({ max: 10, options: "-c plan_cache_mode=force_generic_plan -c timezone=UTC" });
}

async function start() {
  const pool = openPool();
  const fetch = async (name, ...values) =>
    (await pool.query({ name, text: SQL[name], values })).rows;

  // Loaders: one statement for all the parents of a level.
  const toOne = (name, key) => async (queries) => {
    const keys = [...new Set(queries.map(({ obj }) => obj[key]))];
    const found = new Map((await fetch(name, keys)).map((row) => [row[key], row]));
    return queries.map(({ obj }) => found.get(obj[key]) ?? null);
  };
  const toMany = (name, key, limited) => async (queries) => {
    const { first } = queries[0].params;
    const found = new Map(queries.map(({ obj }) => [obj[key], []]));
    for (const row of await fetch(name, [...found.keys()], ...(limited ? [first] : [])))
      found.get(row[key]).push(row);
    return queries.map(({ obj }) => {
      const rows = found.get(obj[key]);
      return rows.length > first ? rows.slice(0, first) : rows;
    });
  };
  const uncached = (loader) => ({ loader, opts: { cache: false } });

  const app = Fastify({ logger: false });
  await app.register(mercurius, {
    schema,
    jit: 1,
    graphiql: false,
    subscription: false,
    resolvers: {
      JSON: new GraphQLScalarType({ name: "JSON", serialize: (value) => value }),
      Query: {
        product: async (_, { id }) => (await fetch("product", id))[0],
        products: async (_, { after, first }) => {
          const rows = await fetch("products", after, first + 1);
          const nodes = rows.slice(0, first);
          const endCursor = nodes.length ? String(nodes[nodes.length - 1].product_id) : null;
          return { nodes, pageInfo: { endCursor, hasNextPage: rows.length > first } };
        },
        cacaoBatch: async (_, { id }) => (await fetch("batch", id))[0],
      },
    },
    loaders: {
      Product: {
        manufacturer: uncached(toOne("manufacturers", "manufacturer_id")),
        cacaoBatches: uncached(toMany("batchesOfProducts", "product_id", false)),
        transactions: uncached(toMany("transactionsOfProducts", "product_id", false)),
      },
      CacaoBatch: {
        supplier: uncached(toOne("suppliers", "supplier_id")),
        products: uncached(toMany("productsOfBatches", "cacao_batch_id", true)),
      },
    },
  });
  await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
}

const workers = Number(process.env.WORKERS ?? 1);
if (workers > 1 && cluster.isPrimary) {
  for (let i = 0; i < workers; i++) cluster.fork();
  process.on("SIGTERM", () => process.exit(0));
} else {
  await start();
}

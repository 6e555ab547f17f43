// PostGraphile 5: the Amber preset and simplified names; lists for nested relations, which cost less
// than connections, and a connection at the root for its keyset page. Where PostgreSQL is, libpq's
// variables say (PGHOST, PGUSER, PGDATABASE).
import cluster from "node:cluster";
import { createServer } from "node:http";
import { PgSimplifyInflectionPreset } from "@graphile/simplify-inflection";
import pg from "pg";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const workers = Number(process.env.WORKERS ?? 1);

function start() {
  const pool = new pg.Pool({ max: 10 });
  const preset = {
    extends: [PostGraphileAmberPreset, PgSimplifyInflectionPreset],
    // It takes a foreign key with a partial index for one without, and leaves its relation out.
    disablePlugins: ["PgIndexBehaviorsPlugin"],
    pgServices: [makePgService({ pool, schemas: ["public"] })],
    schema: {
      defaultBehavior:
        "+connection +resource:connection -manyRelation:resource:connection +manyRelation:resource:list",
    },
    grafast: { explain: false },
    grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false, websockets: false },
  };
  const server = createServer();
  const service = postgraphile(preset).createServ(grafserv);
  service.addTo(server).catch((error) => {
    console.error(error);
    process.exit(1);
  });
  server.listen(Number(process.env.PORT), "127.0.0.1");
}

if (workers > 1 && cluster.isPrimary) {
  for (let i = 0; i < workers; i++) cluster.fork();
  process.on("SIGTERM", () => process.exit(0));
} else {
  start();
}

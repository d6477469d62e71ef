// Runs one update of a stream, for tests that kill it on the way: `node migrate-run.ts OLDS NEWS`, both JSON. Says each step on stderr.
import { closeConnections } from "../../connection/pool.ts";
import { streamOperations } from "../../streams/operations.ts";

const [olds = "{}", news = "{}"] = process.argv.slice(2);
await streamOperations.update("id", JSON.parse(olds), JSON.parse(news));
await closeConnections();

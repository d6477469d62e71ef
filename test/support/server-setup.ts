import { findBinary } from "../../components/process/binary.ts";

const VERSION = "2.15.2";

/** Before any test with a real server: makes sure there is a nats-server, fetched into the cache on a machine that has none, and names it to the workers. */
export async function setup(): Promise<void> {
  const given = process.env["NATS_SERVER_BIN"];
  if (given !== undefined && given !== "") return;
  process.env["NATS_SERVER_BIN"] = (await findBinary({ version: VERSION })).path;
}

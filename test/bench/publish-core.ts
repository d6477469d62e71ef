/** `node publish-core.ts URL CA CREDS COUNT`: publishes that many messages and prints how many a second the server took. Started inside a host's network namespace. */
import { readFileSync } from "node:fs";
import { connect, credsAuthenticator } from "@nats-io/transport-node";

const [url = "", ca = "", creds = "", count = "0"] = process.argv.slice(2);
const connection = await connect({
  servers: url,
  tls: { ca: readFileSync(ca, "utf8") },
  authenticator: credsAuthenticator(readFileSync(creds)),
});
const payload = new Uint8Array(256);
const total = Number(count);
const started = performance.now();
for (let sent = 0; sent < total; sent += 1) {
  connection.publish("bench", payload);
  if (sent % 1000 === 999) await connection.flush();
}
await connection.flush();
process.stdout.write(`${Math.round((total * 1000) / (performance.now() - started))}\n`);
await connection.close();

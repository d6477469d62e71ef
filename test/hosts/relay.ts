/** Carries connections across a network namespace: `node relay.ts FOLDER PORT…`, started inside, listens on the socket `FOLDER/PORT` for each port and passes on to loopback. */
import { createConnection, createServer } from "node:net";
import { join } from "node:path";

const [folder = "", ...ports] = process.argv.slice(2);

for (const port of ports) {
  const server = createServer((outside) => {
    const inside = createConnection({ host: "127.0.0.1", port: Number(port) });
    outside.pipe(inside).pipe(outside);
    outside.on("error", () => inside.destroy());
    inside.on("error", () => outside.destroy());
  });
  server.listen(join(folder, port));
}

// Streams on a NATS server that somebody else runs: `NATS_URL=nats://127.0.0.1:4222 npx natsbus up --stack dev` in this folder.
import { Consumer, KeyValue, KeyValueEntry, Stream } from "natsbus/streams/resource";

const connection = { servers: [process.env["NATS_URL"] ?? "nats://127.0.0.1:4222"] };

const orders = new Stream("orders", { connection, name: "ORDERS", subjects: ["orders.>"], maxAge: "7d", maxBytes: "64MiB", replicas: 1 });
const settings = new KeyValue("settings", { connection, bucket: "settings", history: 5, replicas: 1 });

new Consumer("billing", { connection, stream: orders.name, name: "billing", filterSubjects: ["orders.paid.>"], maxDeliver: 5 });
new KeyValueEntry("currency", { connection, bucket: settings.bucket, key: "currency", value: "EUR" });

export const stream = orders.name;

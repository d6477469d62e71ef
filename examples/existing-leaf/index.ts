// Streams in the JetStream domain of a leaf node, reached through the hub it is connected to:
// `NATS_URL=nats://hub.example.com:4222 NATS_DOMAIN=factory npx natsbus up --stack dev` in this folder.
import { ObjectEntry, ObjectStore, Stream } from "natsbus/streams/resource";

const { NATS_URL = "nats://127.0.0.1:4222", NATS_DOMAIN = "factory" } = process.env;
const connection = { servers: [NATS_URL], domain: NATS_DOMAIN };

const readings = new Stream("readings", {
  connection,
  name: "READINGS",
  subjects: ["readings.>"],
  maxAge: "24h",
  maxMsgsPerSubject: 1_000,
  replicas: 1,
});
const firmware = new ObjectStore("firmware", { connection, bucket: "firmware", replicas: 1 });
new ObjectEntry("notes", { connection, bucket: firmware.bucket, name: "notes.txt", content: "Nothing new.\n" });

export const stream = readings.name;

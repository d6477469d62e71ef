// Streams of an account on a cluster that somebody else runs, reached over TLS with a credentials file:
// `NATS_URL=tls://a.example.com,tls://b.example.com NATS_CREDS=admin.creds NATS_CA=ca.pem npx natsbus up --stack prod` in this folder.
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { ConsumerSet, StreamSet } from "natsbus/streams/resource";

const { NATS_URL = "tls://127.0.0.1:4222", NATS_CREDS, NATS_CA } = process.env;
const connection = {
  servers: NATS_URL.split(","),
  ...(NATS_CREDS === undefined ? {} : { creds: pulumi.secret(readFileSync(NATS_CREDS, "utf8")) }),
  ...(NATS_CA === undefined ? {} : { ca: readFileSync(NATS_CA, "utf8") }),
};

const tenants = ["ACME", "INITECH", "UMBRELLA"];
const streams = new StreamSet("tenants", {
  connection: pulumi.output(connection),
  defaults: { maxAge: "30d", maxBytes: "64MiB", replicas: 3, replacePolicy: "migrate" },
  streams: Object.fromEntries(tenants.map((tenant) => [tenant, { subjects: [`${tenant.toLowerCase()}.>`] }])),
});
new ConsumerSet(
  "archivers",
  {
    connection: pulumi.output(connection),
    defaults: { maxDeliver: 5 },
    consumers: Object.fromEntries(tenants.map((tenant) => [`${tenant}/archiver`, {}])),
  },
  { dependsOn: streams },
);

export const names = tenants;

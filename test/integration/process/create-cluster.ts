/** Run as a program: creates the cluster described in the file named by the first argument, saying each step; tests kill it on the way. */
import { readFileSync } from "node:fs";
import { createCluster } from "../../../components/process/operations.ts";

const inputs = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
await createCluster(inputs);
process.stderr.write("created\n");

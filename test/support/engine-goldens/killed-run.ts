// Runs the engine once for a run that is going to be killed; the request is the only argument, as JSON. Events go to stdout, one a line.
import { type EngineRunRequest, runEngine } from "./engine-run.ts";

const request = JSON.parse(process.argv[2] ?? "{}") as EngineRunRequest;
const outcome = await runEngine(request);
process.exitCode = outcome.exitCode;

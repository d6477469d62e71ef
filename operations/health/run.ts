/** Runs every health check. One that cannot be made is told as such and does not keep the others. */
import type { ConnectionSpec } from "../../core/connection.ts";
import { isBusError } from "../../core/errors.ts";
import { type HealthLimits, judgeConnection, judgeConsumer, judgeCredential, judgeJetStream, judgeMeta, judgeStream } from "./judge.ts";
import { connectTimed, JetStreamLook, readCredential } from "./observe.ts";
import { type HealthResult, resultOf, unknown } from "./result.ts";
import type { MetaSeen } from "./seen.ts";

/** What is checked. */
export interface HealthContext {
  /** A user that may see the account's JetStream. */
  readonly admin: ConnectionSpec;
  /** Asks for the meta group; absent: nobody at hand may ask. */
  readonly meta?: () => Promise<MetaSeen>;
  /** Names of the servers that should be there; empty: not known. */
  readonly servers: readonly string[];
  /** Text of the credentials files by user. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Declared streams; absent: whatever is there is right. */
  readonly streams?: readonly string[];
  /** Messages that may wait, by `STREAM > CONSUMER`. */
  readonly backlogLimits: Readonly<Record<string, number>>;
  readonly limits: HealthLimits;
}

/** Every check of a bus: connection, meta group, JetStream, streams, consumers, credentials. */
export async function checkHealth(context: HealthContext): Promise<HealthResult[]> {
  const [inside, meta] = await Promise.all([checkInside(context), checkMeta(context)]);
  const [connection = [], ...rest] = inside;
  return [...connection, ...meta, ...rest.flat(), ...checkCredentials(context)];
}

async function checkInside({ admin, streams, backlogLimits, limits }: HealthContext): Promise<HealthResult[][]> {
  try {
    await using timed = await connectTimed(admin);
    const look = new JetStreamLook(timed.connection, admin);
    const listed = look.streams();
    const usage = await guarded("jetstream", async () => {
      const [used, found] = await Promise.all([look.usage(), listed]);
      return [judgeJetStream(used, found, limits)];
    });
    const assets = await guarded("stream", async () => {
      const { found, silent } = await listed;
      const seen = new Set([...found.map(({ name }) => name), ...silent]);
      const absent = (streams ?? []).filter((name) => !seen.has(name));
      const consumers = await Promise.all(found.map(({ name }) => look.consumers(name)));
      return [
        ...absent.map((name) => failedStream(name, "is declared and is not there")),
        ...silent.map((name) => failedStream(name, "does not answer: its servers are away, or it has no leader")),
        ...found.map((stream) => judgeStream(stream, limits)),
        ...consumers.flat().map((consumer) => {
          const limit = backlogLimits[`${consumer.stream} > ${consumer.name}`];
          return judgeConsumer({ ...consumer, ...(limit === undefined ? {} : { backlogLimit: limit }) }, limits);
        }),
      ];
    });
    return [[judgeConnection(timed.times, limits)], usage, assets];
  } catch (error) {
    const finding = { state: "CRITICAL" as const, text: messageOf(error) };
    return [[resultOf("connection", "", { findings: [finding], figures: [], fine: "" })]];
  }
}

async function checkMeta({ meta, servers, limits }: HealthContext): Promise<HealthResult[]> {
  if (servers.length === 1) return [];
  if (meta === undefined) return [unknown("meta", "", "needs a user of the system account, or the servers' monitoring pages")];
  try {
    return [judgeMeta(await meta(), servers.length, limits)];
  } catch (error) {
    return [resultOf("meta", "", { findings: [{ state: "CRITICAL", text: messageOf(error) }], figures: [], fine: "" })];
  }
}

function checkCredentials({ credentials, limits }: HealthContext): HealthResult[] {
  return Object.entries(credentials).map(([name, text]) => {
    try {
      return judgeCredential(readCredential(name, text), new Date(), limits);
    } catch (error) {
      return resultOf("credential", name, { findings: [{ state: "CRITICAL", text: messageOf(error) }], figures: [], fine: "" });
    }
  });
}

function failedStream(name: string, text: string): HealthResult {
  return resultOf("stream", name, { findings: [{ state: "CRITICAL", text }], figures: [], fine: "" });
}

async function guarded(check: string, work: () => Promise<HealthResult[]>): Promise<HealthResult[]> {
  try {
    return await work();
  } catch (error) {
    return [resultOf(check, "", { findings: [{ state: "CRITICAL", text: messageOf(error) }], figures: [], fine: "" })];
  }
}

function messageOf(error: unknown): string {
  return isBusError(error) || error instanceof Error ? error.message : String(error);
}

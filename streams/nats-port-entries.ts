/** {@link EntryPort} over a NATS connection: entries by raw requests, objects by the client library, whose chunks every client reads. */
import { jetstream } from "@nats-io/jetstream";
import { type ObjectStore, Objm } from "@nats-io/obj";
import { headers, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { openConnection } from "../connection/pool.ts";
import { type ConnectionSpec, DEFAULT_TIMEOUT_MS } from "../core/connection.ts";
import { BusError } from "../core/errors.ts";
import type { EntryInfo, EntryPort, EntryWrite, ObjectInfo, ObjectWrite } from "./entry-port.ts";
import { type ApiError, refusalOf, STREAM_NOT_FOUND } from "./nats-error.ts";
import { OWNER_KEY } from "./wire.ts";

const OWNER_HEADER = "Natsbus-Owner";
const EXPECTED_HEADER = "Nats-Expected-Last-Subject-Sequence";
const OPERATION_HEADER = "KV-Operation";
const GONE_HEADERS = [OPERATION_HEADER, "Nats-Marker-Reason"];
const NO_MESSAGE = 10037;
const API = "$JS.API";

/** Opens (or shares) the connection.
 * @throws ERR_CONNECT_REFUSED and its siblings when there is no connection */
export async function openEntryPort(spec: ConnectionSpec): Promise<EntryPort> {
  return new NatsEntryPort(await openConnection(spec), spec);
}

interface Stored {
  readonly seq: number;
  readonly data?: string;
  readonly hdrs?: string;
}

class NatsEntryPort implements EntryPort {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #timeout: number;

  constructor(connection: NatsConnection, spec: ConnectionSpec) {
    this.#connection = connection;
    this.#prefix = spec.apiPrefix ?? (spec.domain === undefined ? API : `$JS.${spec.domain}.API`);
    this.#timeout = spec.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  async readEntry(bucket: string, key: string): Promise<{ info: EntryInfo | undefined; revision: number }> {
    const body = JSON.stringify({ last_by_subj: `$KV.${bucket}.${key}` });
    const message = await this.#connection.request(`${this.#prefix}.STREAM.MSG.GET.KV_${bucket}`, body, { timeout: this.#timeout });
    const answer = message.json<{ readonly error?: ApiError; readonly message?: Stored }>();
    if (answer.error?.err_code === NO_MESSAGE) return { info: undefined, revision: 0 };
    if (answer.error !== undefined) throw refusalOf(`entry ${bucket}/${key}`, answer.error);
    return entryOf(answer.message as Stored);
  }

  async writeEntry({ bucket, key, value, owner, expected }: EntryWrite): Promise<number> {
    const marks = headers();
    marks.set(OWNER_HEADER, owner);
    marks.set(EXPECTED_HEADER, String(expected));
    return await this.#publish({ bucket, key }, value, marks);
  }

  async deleteEntry(bucket: string, key: string): Promise<void> {
    const marks = headers();
    marks.set(OPERATION_HEADER, "DEL");
    await this.#publish({ bucket, key }, "", marks);
  }

  /** With a domain or an imported API the subject goes behind its prefix, as every client writes it. */
  async #publish({ bucket, key }: { bucket: string; key: string }, value: string, marks: MsgHdrs): Promise<number> {
    const subject = `${this.#prefix === API ? "" : `${this.#prefix}.`}$KV.${bucket}.${key}`;
    const answer = await this.#connection.request(subject, value, { timeout: this.#timeout, headers: marks });
    const ack = answer.json<{ readonly error?: ApiError; readonly seq?: number }>();
    if (ack.error !== undefined) throw refusalOf(`entry ${bucket}/${key}`, ack.error);
    return Number(ack.seq);
  }

  async readObject(bucket: string, name: string): Promise<ObjectInfo | undefined> {
    const found = await (await this.#store(bucket)).info(name);
    if (found === null || found.deleted) return undefined;
    const owner = found.metadata?.[OWNER_KEY];
    return { digest: found.digest, size: found.size, description: found.description ?? "", ...(owner === undefined ? {} : { owner }) };
  }

  async writeObject({ bucket, name, content, description, owner }: ObjectWrite): Promise<void> {
    await (await this.#store(bucket)).putBlob({ name, description, metadata: { [OWNER_KEY]: owner } }, content, { timeout: this.#timeout });
  }

  async deleteObject(bucket: string, name: string): Promise<void> {
    await (await this.#store(bucket)).delete(name);
  }

  async #store(bucket: string): Promise<ObjectStore> {
    try {
      return await new Objm(jetstream(this.#connection, { apiPrefix: this.#prefix, timeout: this.#timeout })).open(bucket);
    } catch (cause) {
      const missing = cause instanceof Error && "code" in cause && cause.code === STREAM_NOT_FOUND;
      if (!missing && !/not found/.test(String(cause))) throw cause;
      throw new BusError("ERR_STREAM_MISSING", `there is no object store ${bucket}`, { cause, remedy: "create the store first" });
    }
  }
}

function entryOf({ seq, data = "", hdrs = "" }: Stored): { info: EntryInfo | undefined; revision: number } {
  const lines = Buffer.from(hdrs, "base64").toString("utf8").split("\r\n");
  const header = (name: string) =>
    lines
      .find((line) => line.startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  if (GONE_HEADERS.some((name) => header(name) !== undefined)) return { info: undefined, revision: seq };
  const owner = header(OWNER_HEADER);
  const value = Buffer.from(data, "base64").toString("utf8");
  return { info: { value, revision: seq, ...(owner === undefined ? {} : { owner }) }, revision: seq };
}

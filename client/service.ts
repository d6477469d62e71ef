/** A service: endpoints that can be found, asked how they are, and stopped, in NATS's own protocol for services. */
import { randomUUID } from "node:crypto";
import type { Msg, Subscription } from "@nats-io/transport-node";
import { BusError } from "../core/errors.ts";
import { assertShape } from "./options.ts";
import { assertName, type EndpointStats, isRefusal, type Responder, type ServeTools, ServiceEndpoint } from "./service-endpoint.ts";

/** What a service is called and offers. */
export interface ServiceArgs {
  /** Letters, digits, `-` and `_`; instances of one service share it. */
  readonly name: string;
  /** Version of the service, as semver. */
  readonly version: string;
  /** What it is for.
   * @default "" */
  readonly description?: string;
  /** Anything else to tell of it.
   * @default {} */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Endpoints with their handlers. */
  readonly endpoints: readonly Responder[];
}

const SEMVER = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
const TYPE = "io.nats.micro.v1.";
const VERBS = ["PING", "INFO", "STATS"] as const;

/** A running service; made by {@link MessageBus.serve}. Stop it by {@link stop} or the end of an `await using` block. */
export class Service implements AsyncDisposable {
  /** Name it is discovered by. */
  readonly name: string;
  /** Its version, semver. */
  readonly version: string;
  /** Id of this instance. */
  readonly id = randomUUID().replaceAll("-", "");
  readonly #args: ServiceArgs;
  readonly #endpoints: ServiceEndpoint[] = [];
  readonly #discovery: Subscription[] = [];
  readonly #startedAt = new Date();
  readonly #onStop: (service: Service) => void;
  #isDiscoverable = true;
  #stopped: Promise<void> | undefined;

  /** Use {@link startService}.
   * @throws ERR_CLIENT_SERVE, ERR_CLIENT_OPTION, ERR_UNIT */
  constructor(args: ServiceArgs, tools: ServeTools, onStop: (service: Service) => void) {
    assertName("the service's name", args.name);
    if (!SEMVER.test(args.version)) {
      throw new BusError("ERR_CLIENT_SERVE", `the version ${JSON.stringify(args.version)} of service ${args.name} is not semver`, {
        path: "version",
        remedy: "write it as 1.2.3",
      });
    }
    this.name = args.name;
    this.version = args.version;
    this.#args = args;
    this.#onStop = onStop;
    assertShape("endpoints", Array.isArray(args.endpoints), "a list, as in [respond(endpoint, handler)]");
    for (const responder of args.endpoints) this.#endpoints.push(new ServiceEndpoint(responder, tools));
    for (const verb of VERBS) for (const subject of this.#subjectsOf(verb)) this.#discovery.push(this.#listen(verb, subject, tools));
  }

  /** Whether the service can be found; a role without the right to listen on `$SRV.>` serves unseen. */
  get isDiscoverable(): boolean {
    return this.#isDiscoverable;
  }

  /** What was counted, endpoint by endpoint. */
  stats(): readonly EndpointStats[] {
    return this.#endpoints.map((endpoint) => endpoint.stats());
  }

  /** The first endpoint the server does not let listen, with the reason. */
  refused(): { readonly subject: string; readonly error: Error } | undefined {
    for (const { subject, refusal } of this.#endpoints) if (refusal !== undefined) return { subject, error: refusal };
    return undefined;
  }

  /** Takes no more requests and answers those at hand. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  /** The same as {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #end(): Promise<void> {
    for (const subscription of this.#discovery) subscription.unsubscribe();
    await Promise.all(this.#endpoints.map((endpoint) => endpoint.stop()));
    this.#onStop(this);
  }

  #subjectsOf(verb: string): string[] {
    return [`$SRV.${verb}`, `$SRV.${verb}.${this.name}`, `$SRV.${verb}.${this.name}.${this.id}`];
  }

  #listen(verb: (typeof VERBS)[number], subject: string, { connection }: ServeTools): Subscription {
    const callback = (error: Error | null, message: Msg): void => {
      if (error === null) message.respond(JSON.stringify(this.#describe(verb)));
      else if (isRefusal(error)) this.#isDiscoverable = false;
    };
    return connection.subscribe(subject, { callback });
  }

  #describe(verb: (typeof VERBS)[number]): object {
    const { description = "", metadata = {} } = this.#args;
    const identity = { type: `${TYPE}${verb.toLowerCase()}_response`, name: this.name, id: this.id, version: this.version, metadata };
    if (verb === "PING") return identity;
    if (verb === "INFO") return { ...identity, description, endpoints: this.#endpoints.map(describeEndpoint) };
    return { ...identity, started: this.#startedAt.toISOString(), endpoints: this.stats().map(wireStats) };
  }
}

/**
 * Starts a service and waits until the server has taken its endpoints.
 * @throws ERR_CLIENT_SERVE when a name or version is malformed or the user may not listen on an endpoint, ERR_CLIENT_OPTION, ERR_UNIT
 */
export async function startService(args: ServiceArgs, tools: ServeTools, onStop: (service: Service) => void): Promise<Service> {
  const service = new Service(args, tools, onStop);
  await tools.connection.flush();
  const refused = service.refused();
  if (refused === undefined) return service;
  await service.stop();
  throw new BusError("ERR_CLIENT_SERVE", `the user may not listen on ${refused.subject}`, {
    remedy: "give its role the right to subscribe to the subject, and to answer (`responses: 1`)",
    cause: refused.error,
  });
}

function describeEndpoint({ name, subject, queue }: ServiceEndpoint): object {
  return { name, subject, queue_group: queue, metadata: {} };
}

function wireStats({ name, subject, queue, requests, errors, lastError, processingMs }: EndpointStats): object {
  const time = Math.round(processingMs * 1e6);
  const counts = { num_requests: requests, num_errors: errors, last_error: lastError };
  return {
    ...{ name, subject, queue_group: queue },
    ...counts,
    processing_time: time,
    average_processing_time: requests === 0 ? 0 : Math.round(time / requests),
  };
}

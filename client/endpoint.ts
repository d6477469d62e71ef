/** Typed requests: what is asked on a subject, and what is answered. */
import type { z } from "zod";
import type { JsonSchema } from "./schema.ts";
import { payloadSchema, type SchemaSource } from "./schema-source.ts";
import { defineSubject, type Subject, type SubjectArgs } from "./subject.ts";

/** A subject that requests go to. `In` and `Out` are the request as it is sent and as handlers get it, `ReplyIn` and `ReplyOut` the same of the answer. */
export interface Endpoint<In, Out, ReplyIn, ReplyOut> {
  /** The question: subject, schema and largest size. */
  readonly request: Subject<In, Out>;
  /** The answer; its pattern is that of the request, its schema id that of the request with `:reply` behind. */
  readonly reply: Subject<ReplyIn, ReplyOut>;
}

/** Schemas of an endpoint, and the options of a subject, which hold for both. */
export interface EndpointArgs<Request, Reply> extends SubjectArgs {
  /** Schema of the request: zod or JSON Schema. */
  readonly request: Request;
  /** Schema of the answer. */
  readonly reply: Reply;
}

/**
 * Declares what may be asked on a subject, and what is answered.
 * @param pattern literal, or with wildcards when each request chooses its own subject
 * @throws ERR_CLIENT_SUBJECT, ERR_UNIT as {@link defineSubject} does
 *
 * @example
 * const lookUp = defineEndpoint("hosts.lookup", { request: z.object({ name: z.string() }), reply: z.object({ address: z.string() }) });
 * const { address } = await bus.request(lookUp, { name: "n1" });
 */
export function defineEndpoint<Request extends z.ZodType, Reply extends z.ZodType>(
  pattern: string,
  args: EndpointArgs<Request, Reply>,
): Endpoint<z.input<Request>, z.output<Request>, z.input<Reply>, z.output<Reply>>;
/** The same with JSON Schemas; the types are named, as they cannot be read from the schemas. */
export function defineEndpoint<Request = unknown, Reply = unknown>(
  pattern: string,
  args: EndpointArgs<JsonSchema, JsonSchema>,
): Endpoint<Request, Request, Reply, Reply>;
export function defineEndpoint(
  pattern: string,
  args: EndpointArgs<SchemaSource, SchemaSource>,
): Endpoint<unknown, unknown, unknown, unknown> {
  const { request, reply, ...shared } = args;
  const asked = { ...defineSubject<unknown>(pattern, {}, shared), schema: payloadSchema<unknown, unknown>(request) };
  const answered = { ...asked, schema: payloadSchema<unknown, unknown>(reply), schemaId: `${asked.schemaId}:reply`, upgrades: {} };
  return { request: asked, reply: answered };
}

/** OpenTelemetry around every message; the context travels in headers. */
import { context, propagation, type Span, SpanKind, SpanStatusCode, type TracerProvider, trace } from "@opentelemetry/api";
import type { MessageContext, Middleware } from "./middleware.ts";

/** Options of {@link tracing}. */
export interface TracingArgs {
  /** Where spans go.
   * @default - the provider registered globally; without one nothing is recorded */
  readonly provider?: TracerProvider;
}

const KINDS = {
  publish: SpanKind.PRODUCER,
  consume: SpanKind.CONSUMER,
  request: SpanKind.CLIENT,
  respond: SpanKind.SERVER,
} as const;
const VERBS = { publish: "send", consume: "process", request: "request", respond: "respond" } as const;

/**
 * Makes a span of every publish, handler run, request and answer, with OpenTelemetry's names for messaging. Senders put the context into headers as the
 * registered propagator does (`traceparent` by W3C's), handlers run within the context their message brought.
 */
export function tracing({ provider }: TracingArgs = {}): Middleware {
  const tracer = (provider ?? trace).getTracer("natsbus/client");
  return async (message, next) => {
    const isSending = message.kind === "publish" || message.kind === "request";
    const parent = isSending ? context.active() : propagation.extract(context.active(), message.headers);
    const span = tracer.startSpan(
      `${VERBS[message.kind]} ${message.pattern}`,
      { kind: KINDS[message.kind], attributes: attributesOf(message) },
      parent,
    );
    const within = trace.setSpan(parent, span);
    if (isSending) propagation.inject(within, message.headers);
    return finish(span, () => context.with(within, next));
  };
}

async function finish<Result>(span: Span, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    span.recordException(error instanceof Error ? error : String(error));
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

function attributesOf({ kind, subject, pattern, id, size, delivery }: MessageContext): Record<string, string | number> {
  return {
    "messaging.system": "nats",
    "messaging.operation.name": VERBS[kind],
    "messaging.destination.name": subject,
    ...(pattern === subject ? {} : { "messaging.destination.template": pattern }),
    ...(id === undefined ? {} : { "messaging.message.id": id }),
    "messaging.message.body.size": size,
    ...(delivery === undefined
      ? {}
      : { "messaging.consumer.group.name": delivery.consumer, "natsbus.stream": delivery.stream, "natsbus.sequence": delivery.sequence }),
  };
}

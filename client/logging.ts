/** A line of log for every message. */
import type { MessageContext, Middleware } from "./middleware.ts";

/** The part of pino's interface that is used; `console` has it too. */
export interface Logger {
  /** Told of messages that went well. */
  debug(fields: object, text: string): void;
  /** Told of messages that failed. */
  warn(fields: object, text: string): void;
}

const WORDS = { publish: "published", consume: "handled", request: "requested", respond: "answered" } as const;

/** Logs every message with subject, id, duration in milliseconds and, when it failed, the error as `err`. Never its payload or headers. */
export function logging(logger: Logger): Middleware {
  return async (context, next) => {
    const startedMs = performance.now();
    try {
      const result = await next();
      logger.debug(fieldsOf(context, startedMs), WORDS[context.kind]);
      return result;
    } catch (err) {
      logger.warn({ ...fieldsOf(context, startedMs), err }, `not ${WORDS[context.kind]}`);
      throw err;
    }
  };
}

function fieldsOf({ subject, id, size, delivery }: MessageContext, startedMs: number): object {
  return { subject, id, size, ...delivery, durationMs: performance.now() - startedMs };
}

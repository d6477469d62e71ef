/** What an application puts around every message: tracing, metrics, logging, or its own. */

/** A message on its way, as a {@link Middleware} sees it. */
export interface MessageContext {
  /** `publish` and `request` send, `consume` and `respond` handle. */
  readonly kind: "publish" | "consume" | "request" | "respond";
  /** Literal subject. */
  readonly subject: string;
  /** Subject or pattern of the definition; few enough to label metrics with. */
  readonly pattern: string;
  /** Id given by the publisher.
   * @default - none, when another client published without one */
  readonly id: string | undefined;
  /** Headers of the message. A middleware may add to them while it sends: names without `Nats-` or `Natsbus-`, values of one line. */
  readonly headers: Record<string, string>;
  /** Size of the payload in bytes. */
  readonly size: number;
  /** Where a consumed message is stored, and how often it was delivered.
   * @default - not consumed */
  readonly delivery?: {
    /** Stream it is stored in. */
    readonly stream: string;
    /** Consumer that delivered it. */
    readonly consumer: string;
    /** Its place in the stream, from 1. */
    readonly sequence: number;
    /** How often it was delivered, this time included. */
    readonly deliveries: number;
  };
}

/**
 * A step around every message. It calls `next` once and returns what that resolves to; what it throws before is as if the message could not be sent, or its
 * handler had thrown. The first of a list is the outermost.
 *
 * @example
 * const timed: Middleware = async (context, next) => {
 *   const startedMs = performance.now();
 *   try {
 *     return await next();
 *   } finally {
 *     console.log(context.kind, context.pattern, performance.now() - startedMs);
 *   }
 * };
 */
export type Middleware = <Result>(context: MessageContext, next: () => Promise<Result>) => Promise<Result>;

/** One middleware out of several; `undefined` when there is none, so that nothing is paid for it. */
export function composeMiddleware(list: readonly Middleware[]): Middleware | undefined {
  const [first, ...others] = list;
  if (first === undefined) return undefined;
  const rest = composeMiddleware(others);
  return rest === undefined ? first : (context, next) => first(context, () => rest(context, next));
}

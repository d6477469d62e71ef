/** Errors that a service answers with on purpose. */

/** Thrown by a handler to answer with an error of its own; the requester gets it as the `cause` of an `ERR_CLIENT_SERVICE`. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  /** Code for programs, as in HTTP: 400 to 499 when the request is at fault, 500 and above when the service is. */
  readonly code: number;

  /** @param message shown to the requester, one line */
  constructor(code: number, message: string) {
    super(message.replaceAll(/\s+/g, " ").trim() || "error");
    this.code = code;
  }
}

/** Headers that carry a service's error, as NATS services name them. */
export const SERVICE_ERROR_HEADER = { text: "Nats-Service-Error", code: "Nats-Service-Error-Code" } as const;

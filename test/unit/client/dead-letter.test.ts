import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deadLetterHeaders, deadLetterId, type LostMessage, parseDeadLetter } from "../../../client/dead-letter.ts";

const lost: LostMessage = {
  subject: "security.critical.alert",
  stream: "SECURITY",
  sequence: 17,
  consumer: "security-worker",
  deliveries: 4,
  headers: {
    trace: "t",
    "Natsbus-Schema": "alert",
    "Nats-Msg-Id": "1",
    "Nats-Rollup": "all",
    "Natsbus-Signature": "s",
    "Natsbus-Key": "U",
  },
  payload: Buffer.from("{}"),
  reason: "handler",
  detail: "no\r\n disk",
};

const stored = (headers: Readonly<Record<string, string>>) =>
  parseDeadLetter({
    stream: "SECURITY",
    sequence: 20,
    subject: "security.dead.alert",
    storedAt: new Date(0),
    headers,
    payload: lost.payload,
  });

describe("a dead letter", () => {
  it("tells where the message came from and why it is dead, and carries no header that servers obey nor a signature", () => {
    const { reason, detail, originalSubject, origin, consumer, deliveries, headers } = stored(deadLetterHeaders(lost, false))!;
    expect({ reason, detail, originalSubject, origin, consumer, deliveries }).toEqual({
      reason: "handler",
      detail: "no disk",
      originalSubject: "security.critical.alert",
      origin: "SECURITY:17",
      consumer: "security-worker",
      deliveries: 4,
    });
    expect(headers).toEqual({ trace: "t", "Natsbus-Schema": "alert" });
  });

  it("has one id a message and consumer, and says when its payload was left out", () => {
    expect(deadLetterId(lost)).toBe("dead:SECURITY:17:security-worker");
    expect(stored(deadLetterHeaders(lost, true))?.isPayloadOmitted).toBe(true);
    expect(stored(deadLetterHeaders(lost, false))?.isPayloadOmitted).toBe(false);
    expect(stored({})).toBeUndefined();
  });

  it("has headers on one line each, not longer than a page, whatever the handler said", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 2_000, unit: "binary" }), (detail) => {
        for (const value of Object.values(deadLetterHeaders({ ...lost, detail }, false))) {
          expect(value).not.toMatch(/[\r\n]/);
          expect(value.length).toBeLessThanOrEqual(300);
          expect(value).not.toBe("");
        }
      }),
    );
  });
});

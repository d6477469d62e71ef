/** Schema of the acceptance suite's settings. */
import { z } from "zod";
import { VERIFY_DEFAULTS } from "./verify-spec.ts";

const atLeast = (description: string, fallback: number) => z.number().min(0).meta({ description }).default(fallback);

/** The block `natsbus:verify`. */
export const verifySchema = z.strictObject({
  disruptive: z
    .enum(["allow", "ask", "never"])
    .meta({
      description:
        "Whether `natsbus verify` may stop a server: `allow` does it, `ask` only with `--disruptive` or after a question, `never` not at all. Servers are stopped on the `process` target only.",
    })
    .optional()
    .meta({ defaultText: "`allow` for the stack `dev` and ephemeral ones, `ask` for every other" }),
  publishRate: atLeast(
    "Least messages a second that one client publishes with acknowledgement, many in flight.",
    VERIFY_DEFAULTS.publishRate,
  ),
  publishRatio: atLeast(
    "Least rate of publishing through the client library, the raw client's in the same run being 1.",
    VERIFY_DEFAULTS.publishRatio,
  ),
  consumeRatio: atLeast(
    "Least rate of consuming through the client library, the raw client's in the same run being 1.",
    VERIFY_DEFAULTS.consumeRatio,
  ),
  delivered: atLeast("Least percentage of acknowledged messages that reach a consumer.", VERIFY_DEFAULTS.delivered),
  meanLatency: atLeast("Most milliseconds until a publish is acknowledged, on average, one at a time.", VERIFY_DEFAULTS.meanLatency),
  latencyP99: atLeast("Most milliseconds until 99 of 100 publishes are acknowledged, five publishers at once.", VERIFY_DEFAULTS.latencyP99),
  failover: atLeast("Most milliseconds without an acknowledgement after a server was stopped in order.", VERIFY_DEFAULTS.failover),
  crashFailover: atLeast("Most milliseconds without an acknowledgement after a server was killed.", VERIFY_DEFAULTS.crashFailover),
  catchUp: atLeast("Most milliseconds from starting a stopped server until every replica is current.", VERIFY_DEFAULTS.catchUp),
  storageUsed: atLeast("Most percentage of the account's JetStream storage in use.", VERIFY_DEFAULTS.storageUsed),
  errorTypes: atLeast("Least kinds of errors that are provoked and recovered from.", VERIFY_DEFAULTS.errorTypes),
  scaling: atLeast("Least rate with the most publishers, the best rate of the curve being 1.", VERIFY_DEFAULTS.scaling),
});

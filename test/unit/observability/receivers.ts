/** One receiver of each kind, with secrets in files and in Kubernetes Secrets. */
import type { SecretSource } from "../../../observability/receivers.ts";
import type { AlertRouting } from "../../../observability/routing-options.ts";

/** Routing that uses everything; `secret` says where a secret of some name is. */
export function everyReceiver(secret: (name: string) => SecretSource): AlertRouting {
  return {
    receivers: [
      { name: "pager", pagerduty: { routingKey: secret("pagerduty-key") } },
      { name: "channel", slack: { webhookUrl: secret("slack-url"), channel: "#nats" } },
      {
        name: "shop",
        email: {
          to: "shop@example.com",
          from: "nats@example.com",
          smarthost: "mail.example.com:587",
          username: "nats",
          password: secret("mail-password"),
        },
      },
      { name: "digest", webhook: { url: "http://127.0.0.1:9099/digest", token: secret("token") } },
      { name: "heartbeat", webhook: { url: "http://127.0.0.1:9099/heartbeat" } },
    ],
    critical: "pager",
    warning: "channel",
    info: "digest",
    watchdog: "heartbeat",
    teams: { shop: "shop" },
    muteTimes: [
      {
        name: "nights",
        times: [
          { start: "00:00", end: "06:00" },
          { start: "22:00", end: "24:00" },
        ],
      },
      { name: "weekend", weekdays: ["saturday", "sunday"], severities: ["info"] },
    ],
  };
}

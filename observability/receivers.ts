/** Who can be told of alerts, and where their secrets are. */

/** Where a secret is read from: a file on the Alertmanager's machine, or a key of a Kubernetes Secret. Never the secret itself. */
export type SecretSource = { readonly file: string } | { readonly secret: string; readonly key: string };

/** Any HTTP endpoint. */
export interface WebhookReceiver {
  /** Address without secrets in it. Give this or `urlFrom`.
   * @default - `urlFrom` */
  readonly url?: string;
  /** Where the address is read from when it holds a secret. As a file this needs Alertmanager 0.26.
   * @default - `url` */
  readonly urlFrom?: SecretSource;
  /** Where the bearer token is read from.
   * @default - no token */
  readonly token?: SecretSource;
}

/** A Slack channel. */
export interface SlackReceiver {
  /** Where the webhook address is read from. */
  readonly webhookUrl: SecretSource;
  /** Channel, `#name`. */
  readonly channel: string;
}

/** A PagerDuty service (Events API v2). */
export interface PagerDutyReceiver {
  /** Where the integration key is read from. As a file this needs Alertmanager 0.25. */
  readonly routingKey: SecretSource;
}

/** A mailbox. */
export interface EmailReceiver {
  /** Address of the reader. */
  readonly to: string;
  /** Address of the sender. */
  readonly from: string;
  /** Mail server, `host:port`. */
  readonly smarthost: string;
  /** User at the mail server.
   * @default - no login */
  readonly username?: string;
  /** Where the password is read from. As a file this needs Alertmanager 0.25.
   * @default - no login */
  readonly password?: SecretSource;
}

/** Someone who is told, in one or several ways. */
export interface Receiver {
  /** Name, used by the routes. */
  readonly name: string;
  /** @default - no webhook */
  readonly webhook?: WebhookReceiver;
  /** @default - no Slack message */
  readonly slack?: SlackReceiver;
  /** @default - no page */
  readonly pagerduty?: PagerDutyReceiver;
  /** @default - no mail */
  readonly email?: EmailReceiver;
}

/** The routing plan in the two forms Alertmanager's world reads: its own file, and the Prometheus Operator's AlertmanagerConfig. */
import { BusError } from "../../core/errors.ts";
import type { EmailReceiver, PagerDutyReceiver, Receiver, SecretSource, SlackReceiver, WebhookReceiver } from "../receivers.ts";
import type { AlertingPlan, Matcher, Route } from "../routes.ts";
import type { MuteTime } from "../routing-options.ts";

/** What messages to people say; Alertmanager templates. */
const TITLE = "[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }} on bus {{ .CommonLabels.nats_cluster }}";
const TEXT =
  "{{ range .Alerts }}{{ .Annotations.summary }} (runbook: {{ .Annotations.runbook_url }}, panel: {{ .Annotations.dashboard_url }})\n{{ end }}";
const SEVERITY = "{{ .CommonLabels.severity }}";

type Config = Readonly<Record<string, unknown>>;
type SecretField = "url" | "credentials" | "api_url" | "routing_key" | "auth_password";

/** Where the two forms differ beyond the spelling of keys. */
interface Dialect {
  readonly muteTimesKey: string;
  readonly matcher: (matcher: Matcher) => unknown;
  readonly secret: (field: SecretField, source: SecretSource, receiver: string) => Config;
}

/**
 * An `alertmanager.yml` as a plain object, for Alertmanager 0.25 and later; secrets are files.
 * @throws ERR_CONFIG_VALUE when a secret is named as a Kubernetes Secret, which a file cannot refer to
 */
export function alertmanagerConfig(plan: AlertingPlan): Config {
  return configOf(plan, FILE);
}

/**
 * The spec of an AlertmanagerConfig (v1alpha1); secrets are keys of Kubernetes Secrets in its namespace.
 * @throws ERR_CONFIG_VALUE when a secret is a file, which such an object cannot refer to
 */
export function alertmanagerConfigSpec(plan: AlertingPlan): Config {
  return renamed(configOf(plan, OPERATOR)) as Config;
}

const FILE: Dialect = {
  muteTimesKey: "time_intervals",
  matcher: ({ name, op, value }) => `${name}${op}${JSON.stringify(value)}`,
  secret: (field, source, receiver) => {
    if ("file" in source) return { [`${field}_file`]: source.file };
    throw wrongSecret(
      receiver,
      `an Alertmanager outside Kubernetes cannot read Secret "${source.secret}"`,
      "write the secret to a file that only Alertmanager may read and give { file: path }",
    );
  },
};

const OPERATOR_SECRETS: Readonly<Record<SecretField, string>> = {
  url: "urlSecret",
  credentials: "credentials",
  api_url: "apiURL",
  routing_key: "routingKey",
  auth_password: "authPassword",
};

const OPERATOR: Dialect = {
  muteTimesKey: "muteTimeIntervals",
  matcher: ({ name, op, value }) => ({ name, matchType: op, value }),
  secret: (field, source, receiver) => {
    if ("secret" in source) return { [OPERATOR_SECRETS[field]]: { name: source.secret, key: source.key } };
    throw wrongSecret(
      receiver,
      `an AlertmanagerConfig cannot read the file "${source.file}"`,
      "put the secret into a Kubernetes Secret of the same namespace and give { secret: name, key: key }",
    );
  },
};

function wrongSecret(receiver: string, what: string, remedy: string): BusError {
  return new BusError("ERR_CONFIG_VALUE", `receiver "${receiver}": ${what}`, { path: `monitoring.alerting.receivers.${receiver}`, remedy });
}

function configOf(plan: AlertingPlan, dialect: Dialect): Config {
  return {
    route: {
      receiver: plan.defaultReceiver,
      group_by: ["alertname", "nats_cluster"],
      routes: plan.routes.map((route) => routeConfig(route, dialect)),
    },
    receivers: plan.receivers.map((receiver) => receiverConfig(receiver, dialect)),
    inhibit_rules: plan.inhibitions.map(({ source, target, equal }) => ({
      source_matchers: source.map(dialect.matcher),
      target_matchers: target.map(dialect.matcher),
      equal,
    })),
    ...(plan.muteTimes.length === 0 ? {} : { [dialect.muteTimesKey]: plan.muteTimes.map(muteTimeConfig) }),
  };
}

function routeConfig(route: Route, { matcher }: Dialect): Config {
  return {
    receiver: route.receiver,
    matchers: route.matchers.map(matcher),
    group_by: route.groupBy,
    group_wait: route.groupWait,
    group_interval: route.groupInterval,
    repeat_interval: route.repeatInterval,
    ...(route.continue ? { continue: true } : {}),
    ...(route.muteTimes.length === 0 ? {} : { mute_time_intervals: route.muteTimes }),
  };
}

function muteTimeConfig({ name, weekdays, times }: MuteTime): Config {
  const interval = {
    ...(weekdays === undefined ? {} : { weekdays }),
    ...(times === undefined ? {} : { times: times.map(({ start, end }) => ({ start_time: start, end_time: end })) }),
  };
  return { name, time_intervals: [interval] };
}

function receiverConfig({ name, webhook, slack, pagerduty, email }: Receiver, dialect: Dialect): Config {
  const secret = (field: SecretField, source: SecretSource): Config => dialect.secret(field, source, name);
  return {
    name,
    ...(webhook === undefined ? {} : { webhook_configs: [webhookConfig(webhook, secret)] }),
    ...(slack === undefined ? {} : { slack_configs: [slackConfig(slack, secret)] }),
    ...(pagerduty === undefined ? {} : { pagerduty_configs: [pagerDutyConfig(pagerduty, secret)] }),
    ...(email === undefined ? {} : { email_configs: [emailConfig(email, secret)] }),
  };
}

type SecretWriter = (field: SecretField, source: SecretSource) => Config;

function webhookConfig({ url, urlFrom, token }: WebhookReceiver, secret: SecretWriter): Config {
  return {
    ...(url === undefined ? {} : { url }),
    ...(urlFrom === undefined ? {} : secret("url", urlFrom)),
    send_resolved: true,
    ...(token === undefined ? {} : { http_config: { authorization: { type: "Bearer", ...secret("credentials", token) } } }),
  };
}

function slackConfig({ webhookUrl, channel }: SlackReceiver, secret: SecretWriter): Config {
  return { ...secret("api_url", webhookUrl), channel, send_resolved: true, title: TITLE, text: TEXT };
}

function pagerDutyConfig({ routingKey }: PagerDutyReceiver, secret: SecretWriter): Config {
  return { ...secret("routing_key", routingKey), send_resolved: true, description: TITLE, severity: SEVERITY };
}

function emailConfig({ to, from, smarthost, username, password }: EmailReceiver, secret: SecretWriter): Config {
  return {
    to,
    from,
    smarthost,
    ...(username === undefined ? {} : { auth_username: username }),
    ...(password === undefined ? {} : secret("auth_password", password)),
    require_tls: true,
    send_resolved: true,
  };
}

/** Names that are not simply the file's in camel case. */
const OPERATOR_KEYS: Readonly<Record<string, string>> = {
  source_matchers: "sourceMatch",
  target_matchers: "targetMatch",
  require_tls: "requireTLS",
};

function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [OPERATOR_KEYS[key] ?? camelCase(key), renamed(child)]));
}

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

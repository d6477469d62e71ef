/** The board for accounts: who uses the bus, and how much of what they may. */
import type { BoardSpec, PanelSpec } from "./board.ts";
import { ACCOUNTS } from "./filters.ts";

const rate = (metric: string): string => `sum by (account_name) (rate(${metric}{${ACCOUNTS}}[$__rate_interval]))`;

const PANELS: readonly PanelSpec[] = [
  {
    key: "accounts/messages",
    title: "Messages",
    description: "Messages from clients of the account (received) and to them (sent).",
    kind: "lines",
    unit: "mps",
    width: 12,
    queries: [
      { expr: rate("nats_accstatz_received_messages"), legend: "{{account_name}} received" },
      { expr: rate("nats_accstatz_sent_messages"), legend: "{{account_name}} sent" },
    ],
  },
  {
    key: "accounts/bytes",
    title: "Bytes",
    description: "Bytes from clients of the account (received) and to them (sent).",
    kind: "lines",
    unit: "Bps",
    width: 12,
    queries: [
      { expr: rate("nats_accstatz_received_bytes"), legend: "{{account_name}} received" },
      { expr: rate("nats_accstatz_sent_bytes"), legend: "{{account_name}} sent" },
    ],
  },
  {
    key: "accounts/connections",
    title: "Connections",
    description: "Open connections of the account over all servers.",
    kind: "lines",
    unit: "short",
    width: 8,
    queries: [{ expr: `sum by (account_name) (nats_accstatz_current_connections{${ACCOUNTS}})`, legend: "{{account_name}}" }],
  },
  {
    key: "accounts/subscriptions",
    title: "Subscriptions",
    description: "Subscriptions of the account over all servers.",
    kind: "lines",
    unit: "short",
    width: 8,
    queries: [{ expr: `sum by (account_name) (nats_accstatz_subscriptions{${ACCOUNTS}})`, legend: "{{account_name}}" }],
  },
  {
    key: "accounts/slow",
    title: "Slow clients",
    description: "Clients of the account cut off for reading too slowly.",
    kind: "lines",
    unit: "ops",
    width: 8,
    queries: [{ expr: rate("nats_accstatz_slow_consumers"), legend: "{{account_name}}" }],
  },
  {
    key: "accounts/quota",
    title: "Use of storage quota",
    description: "Share of the account's JetStream storage limit; every copy counts.",
    kind: "lines",
    unit: "percentunit",
    width: 12,
    queries: [{ expr: `nats_account:js_storage_used:ratio{${ACCOUNTS}}`, legend: "{{account_name}}" }],
    mayBeEmpty: "no account has a storage limit",
  },
  {
    key: "accounts/storage",
    title: "Storage",
    description: "JetStream storage of the account over the whole cluster; every copy counts.",
    kind: "lines",
    unit: "bytes",
    width: 12,
    queries: [{ expr: `max by (account_name) (nats_account_storage_used{${ACCOUNTS}})`, legend: "{{account_name}}" }],
    mayBeEmpty: "no account uses JetStream",
  },
];

/** Accounts: traffic, connections, quota. */
export const ACCOUNTS_BOARD: BoardSpec = {
  name: "accounts",
  title: "NATS / Accounts",
  description: "Who uses the bus, and how much of what they may.",
  variables: ["account"],
  rows: [{ title: "Accounts", panels: PANELS }],
};

/** The accounts, roles and users this project ships. Change them here, or for one stack under `natsbus:accounts`. */
import type { AccountArgs, RoleArgs } from "./args.ts";

/** Account that holds every stream of the bus. */
export const BUS_ACCOUNT = "BUS";

/** User of {@link BUS_ACCOUNT} that natsbus makes the streams with. */
export const ADMIN_USER = "admin";

/** What one subject family needs to know about its stream. */
interface Family {
  /** Subjects of the family. */
  readonly subjects: readonly string[];
  /** Its stream, see `streams/catalog.ts`. */
  readonly stream: string;
  /** The stream's durable consumer. */
  readonly consumer: string;
}

// The subjects `<family>.<priority>.<event>` and the streams of `streams/catalog.ts`; a test keeps the two equal.
const FAMILIES: Readonly<Record<string, Family>> = {
  consciousness: { subjects: ["consciousness.>"], stream: "CONSCIOUSNESS", consumer: "consciousness-worker" },
  security: { subjects: ["security.>"], stream: "SECURITY", consumer: "security-worker" },
  performance: { subjects: ["performance.>"], stream: "PERFORMANCE", consumer: "performance-worker" },
  orchestration: { subjects: ["ai.>", "orchestrator.>"], stream: "ORCHESTRATION", consumer: "orchestration-worker" },
};

const NOTIFICATIONS = "notifications";

/** Publishes and subscribes within its family, reads and acknowledges the family's durable consumer, and may notify people in the family's name. */
function familyRole(name: string, { subjects, stream, consumer }: Family): RoleArgs {
  return { publish: [...subjects, `${NOTIFICATIONS}.${name}.>`], subscribe: subjects, consume: [{ stream, consumer }] };
}

// What a server tells about itself and its accounts. Requests that change something (reload, kick, lame duck, claims) are left out, so every one is named.
const SERVER_REPORTS = ["VARZ", "CONNZ", "ROUTEZ", "SUBSZ", "LEAFZ", "GATEWAYZ", "JSZ", "HEALTHZ", "STATSZ", "IDZ", "ACCOUNTZ", "ACCSTATZ"];
const ACCOUNT_REPORTS = ["CONNZ", "LEAFZ", "SUBSZ", "JSZ", "INFO", "STATZ", "CONNS", "CLAIMS.LOOKUP"];

/** Reads the health of servers and accounts through the system account; changes nothing. */
const MONITORING: RoleArgs = {
  publish: [
    "$SYS.REQ.SERVER.PING",
    ...SERVER_REPORTS.map((report) => `$SYS.REQ.SERVER.*.${report}`),
    ...ACCOUNT_REPORTS.map((report) => `$SYS.REQ.ACCOUNT.*.${report}`),
  ],
  subscribe: ["$SYS.SERVER.>", "$SYS.ACCOUNT.>"],
};

const FAMILY_ROLES = Object.fromEntries(Object.entries(FAMILIES).map(([name, family]) => [name, familyRole(name, family)]));

/** Map keyed by account name. Every user has the role of its own name. */
export const ACCOUNTS: Readonly<Record<string, AccountArgs>> = {
  SYS: {
    description: "The servers themselves: events, requests about them, health",
    system: true,
    roles: { monitoring: MONITORING },
    users: { monitoring: {} },
  },
  [BUS_ACCOUNT]: {
    description: "Every subject and stream of the bus",
    roles: {
      ...FAMILY_ROLES,
      gitlab: { publish: ["gitlab.>", `${NOTIFICATIONS}.gitlab.>`], subscribe: ["gitlab.>"] },
      matrix: { subscribe: [`${NOTIFICATIONS}.>`] },
      admin: { everything: true },
    },
    users: { ...Object.fromEntries(Object.keys(FAMILIES).map((name) => [name, {}])), gitlab: {}, matrix: {}, [ADMIN_USER]: {} },
  },
};

import type { AccountArgs } from "./args.ts";

/** Changes to records by name: a record changes or adds, `null` leaves out. */
export type Overrides = Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;

type Raw = Readonly<Record<string, unknown>>;

/** The catalogue's accounts with a stack's changes, not yet checked. Roles, users and limits are merged by name; lists are taken as a whole. */
export function mergeAccounts(catalog: Readonly<Record<string, AccountArgs>>, overrides: Overrides): Record<string, Raw> {
  return mergeByName(catalog as Readonly<Record<string, Raw>>, overrides, mergeAccount);
}

function mergeAccount(shipped: Raw, change: Raw): Raw {
  const limits = mergeNested(shipped["limits"], change["limits"], (a, b) => ({
    ...a,
    ...b,
    ...pick("jetstream", mergeNested(a["jetstream"], b["jetstream"], spread)),
  }));
  const roles = mergeNested(shipped["roles"], change["roles"], mergeEntries);
  const users = mergeNested(shipped["users"], change["users"], mergeEntries);
  return { ...shipped, ...change, ...pick("limits", limits), ...pick("roles", roles), ...pick("users", users) };
}

function mergeEntries(shipped: Raw, change: Raw): Raw {
  return mergeByName(shipped as Readonly<Record<string, Raw>>, change as Overrides, spread);
}

function mergeByName(
  shipped: Readonly<Record<string, Raw>>,
  change: Overrides,
  merge: (shipped: Raw, change: Raw) => Raw,
): Record<string, Raw> {
  const names = [...new Set([...Object.keys(shipped), ...Object.keys(change)])];
  const entries = names.flatMap((name): [string, Raw][] => {
    const value = change[name];
    if (value === null) return [];
    const before = shipped[name];
    if (value === undefined) return before === undefined ? [] : [[name, before]];
    return [[name, before !== undefined && isRecord(value) ? merge(before, value) : value]];
  });
  return Object.fromEntries(entries);
}

/** A change that is no record is taken as it is, for the schema to refuse. */
function mergeNested(shipped: unknown, change: unknown, merge: (shipped: Raw, change: Raw) => Raw): unknown {
  if (change === undefined) return shipped;
  return isRecord(change) ? merge(isRecord(shipped) ? shipped : {}, change) : change;
}

function spread(shipped: Raw, change: Raw): Raw {
  return { ...shipped, ...change };
}

function pick(name: string, value: unknown): Raw {
  return value === undefined ? {} : { [name]: value };
}

function isRecord(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a credentials file of a user holds, in each form natsbus hands out, and how one connects with it. Pure. */
import type { ConnectionSpec } from "./connection.ts";
import { BusError } from "./errors.ts";

/** The part of a connection that says who connects. */
export type Login = Pick<ConnectionSpec, "creds" | "nkeySeed" | "user" | "password" | "inboxPrefix">;

/** Forms of a credentials file: user JWT with seed, seed alone, user with password. */
export type LoginForm = "creds" | "nk" | "json";

/** The form of a text, which is also the ending of its file's name. */
export function loginForm(text: string): LoginForm {
  if (/^\s*\{/.test(text)) return "json";
  return /^\s*SU[A-Z2-7]{56}\s*$/.test(text) ? "nk" : "creds";
}

/** Text that a user with a password gets. */
export function renderPasswordLogin(user: string, password: string): string {
  return `${JSON.stringify({ user, password }, null, 2)}\n`;
}

/**
 * How to connect with the text of a credentials file.
 * @param user name of the user as declared: the inbox it may listen on is named after it
 * @throws ERR_CREDENTIALS when a text that begins like a user with password is none; nothing of it is repeated
 */
export function parseLogin(text: string, user: string): Login {
  const form = loginForm(text);
  if (form === "creds") return { creds: text };
  const inboxPrefix = `_INBOX_${user}`;
  if (form === "nk") return { nkeySeed: text.trim(), inboxPrefix };
  const parsed = parseJson(text);
  if (typeof parsed?.user !== "string" || typeof parsed.password !== "string") {
    throw new BusError("ERR_CREDENTIALS", "these credentials cannot be used: no user and password in them", {
      remedy: 'issue them again with "natsbus up"',
    });
  }
  return { user: parsed.user, password: parsed.password, inboxPrefix };
}

function parseJson(text: string): { readonly user?: unknown; readonly password?: unknown } | undefined {
  try {
    return JSON.parse(text) as { readonly user?: unknown; readonly password?: unknown };
  } catch {
    return undefined;
  }
}

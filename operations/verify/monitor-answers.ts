/** Asks every server's monitor port the same question. */
import { askMonitor } from "../../components/process/monitor.ts";
import type { Context, VerifyServer } from "./context.ts";

/** One server's answer; absent when it did not answer. */
export interface ServerAnswer<T> {
  readonly server: VerifyServer;
  readonly body: T | undefined;
}

/** Every server's answer to a page, or why none can be asked. */
export async function askServers<T>(
  { servers, admin }: Pick<Context, "servers" | "admin">,
  page: string,
): Promise<readonly ServerAnswer<T>[] | { readonly missing: string }> {
  if (servers.length === 0) return { missing: "the servers' monitor ports are not known" };
  if (servers.some(({ monitorUrl }) => monitorUrl === "")) return { missing: "the servers' monitor ports cannot be reached from here" };
  return Promise.all(
    servers.map(async (server) => ({
      server,
      body: await askMonitor<T>({ url: server.monitorUrl, ...(admin.ca === undefined ? {} : { ca: admin.ca }) }, page),
    })),
  );
}

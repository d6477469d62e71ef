/** Serves metrics, the page and the document behind it. Reads only; no request changes anything. */
import { readFile } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { BusError } from "../core/errors.ts";

// A plain import of this module reads all its names, among them those that load a second HTTP client: 11 MB for nothing.
const { createServer } = process.getBuiltinModule("node:http");

/** An answer. */
export interface Answer {
  readonly type: string;
  /** Text, whole or in parts. */
  readonly text: string | readonly string[];
}

/** What is served, by path; `undefined` is answered with 404. */
export type Routes = (path: string) => Promise<Answer | undefined>;

const PAGES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  "/": { file: "index.html", type: "text/html; charset=utf-8" },
  "/page.css": { file: "page.css", type: "text/css; charset=utf-8" },
  "/page.js": { file: "page.js", type: "text/javascript; charset=utf-8" },
};

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** The files of the page. */
export async function readPageFile(path: string): Promise<Answer | undefined> {
  const page = PAGES[path];
  if (page === undefined) return undefined;
  return { type: page.type, text: await readFile(new URL(`page/${page.file}`, import.meta.url), "utf8") };
}

/**
 * Listens until the server is closed.
 * @throws ERR_PORT_IN_USE
 */
export async function serve({ host, port }: { readonly host: string; readonly port: number }, routes: Routes): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response, routes).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new BusError("ERR_PORT_IN_USE", `the probe cannot listen on ${host}:${port}: ${cause.message}`, {
          cause,
          remedy: "end the process that holds the port, or set another one under natsbus:monitoring ports",
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, routes: Routes): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
    return;
  }
  const { pathname } = new URL(request.url ?? "/", "http://probe");
  const found = await routes(pathname);
  if (found === undefined) response.writeHead(404, HEADERS).end("not found\n");
  else await send(response.writeHead(200, { ...HEADERS, "content-type": found.type }), found.text);
}

/** Part by part, so that no more than one waits in memory. */
async function send(response: ServerResponse, text: string | readonly string[]): Promise<void> {
  for (const part of typeof text === "string" ? [text] : text) if (!response.write(part)) await drained(response);
  response.end();
}

/** Waits until a reader took what was written, or went away. */
async function drained(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("drain", resolve).once("close", resolve);
  await promise;
}

import type { BusState } from "../bus-state.ts";
import type { Phase } from "../phases.ts";
import { renderSpan } from "./operations.ts";
import type { Palette } from "./palette.ts";

/** A subject of the pattern: `orders.>` gives `orders.normal.hello`. */
export function exampleSubject(pattern: string): string {
  return pattern.replace(/>$/, "normal.hello").replaceAll("*", "any");
}

/** Where to connect, where credentials lie, a line to publish and a line to read; "" when there are no servers. `stackOption` is `--stack NAME` or "". */
export function renderConnect(bus: BusState, stackOption: string, palette: Palette): string {
  if (bus.urls.length === 0) return "";
  const call = (words: string): string => `npx natsbus ${words}${stackOption === "" ? "" : ` ${stackOption}`}`;
  const stream = bus.streams.find(({ subjects }) => subjects.length > 0);
  const file = bus.users.find(({ file }) => file !== "")?.file;
  const rows = [
    ["Servers", bus.urls.join(",")],
    ...(bus.caFile === "" ? [] : [["Authority", bus.caFile]]),
    ...(file === undefined ? [] : [["Credentials", `${file.replace(/[^/]+$/, "*.creds")}   (who is who: ${call("creds")})`]]),
    ...(stream === undefined ? [] : [["Publish", call(`publish ${exampleSubject(stream.subjects[0] ?? "")} '{"hello":"world"}'`)]]),
    ...(stream === undefined ? [] : [["Read", call(`read ${stream.name} --count 1`)]]),
  ];
  return `${palette.headline("Connect:")}\n${rows.map(([label, text]) => `    ${`${label}:`.padEnd(13)}${text}\n`).join("")}`;
}

/** `Time: program start 0.6s, servers 0.5s …`; "" when nothing was measured. */
export function renderPhases(phases: readonly Phase[], palette: Palette): string {
  if (phases.length === 0) return "";
  const parts = phases.map(({ name, busyMs }) => `${name} ${renderSpan(busyMs)}`);
  return `${palette.headline("Time:")} ${parts.join(", ")} (some of it side by side)\n`;
}

/** What the probe keeps of a page is all that its series and its page need. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { exporterSamples } from "../../../probe/exporter/samples.ts";
import { keepJsz } from "../../../probe/keep.ts";
import type { Seen } from "../../../probe/observer.ts";
import type { ServerPages } from "../../../probe/pages.ts";
import { probeSamples } from "../../../probe/probe-samples.ts";
import { renderSamples } from "../../../probe/sample.ts";
import { viewBus } from "../../../probe/state.ts";

const PAGES = JSON.parse(readFileSync(new URL("../../fixtures/probe/pages.json", import.meta.url), "utf8")) as Record<string, ServerPages>;
const FACTS = { cluster: "bus", servers: 3, tls: false, streams: [] };

const whole = Object.entries(PAGES).map(([name, pages]): Seen => {
  const server = { name, clientUrl: "nats://127.0.0.1:4222", monitorUrl: "http://127.0.0.1:8222" };
  return { server, pages, before: { ...pages, at: pages.at - 1000 } };
});
const kept = whole.map(({ server, pages, before }): Seen => ({ server, ...keptOf("pages", pages), ...keptOf("before", before) }));

function keptOf<K extends string>(key: K, pages: ServerPages | undefined) {
  return pages?.jsz === undefined ? {} : ({ [key]: { ...pages, jsz: keepJsz(pages.jsz) } } as Record<K, ServerPages>);
}

test("every series of the exporter and of the probe is the same from what is kept", () => {
  expect(kept.flatMap(exporterSamples)).toEqual(whole.flatMap(exporterSamples));
  expect(probeSamples(kept)).toEqual(probeSamples(whole));
});

test("the page shows the same from what is kept", () => {
  const at = new Date("2026-01-01T00:00:00Z");
  expect(viewBus(kept, { facts: FACTS, at })).toEqual(viewBus(whole, { facts: FACTS, at }));
});

test("less than half of a page is kept", () => {
  const sizeOf = (seen: readonly Seen[]): number => JSON.stringify(seen.map(({ pages }) => pages?.jsz)).length;
  expect(sizeOf(kept)).toBeLessThan(sizeOf(whole) / 2);
});

test("samples are rendered a metric at a time, with the help that is known", () => {
  const labels = { server_id: "n1" };
  const samples = [
    { name: "a", labels, value: 1 },
    { name: "b", labels: { text: 'say "hi"\\\n' }, value: Number.POSITIVE_INFINITY },
    { name: "a", labels: { server_id: "n2" }, value: 0.5 },
  ];
  expect(renderSamples(samples, (name) => (name === "a" ? "First." : ""))).toEqual([
    '# HELP a First.\n# TYPE a gauge\na{server_id="n1"} 1\na{server_id="n2"} 0.5\n',
    '# TYPE b gauge\nb{text="say \\"hi\\"\\\\\\n"} +Inf\n',
  ]);
});

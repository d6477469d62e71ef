/** One server as the official exporter would show it, with one difference: a server that does not answer has no figures at all, not its last ones. */
import type { Seen } from "../observer.ts";
import type { Sample } from "../sample.ts";
import { jszSamples } from "./jsz.ts";
import { accountStatSamples, healthSamples, varzSamples } from "./varz.ts";

/** Every sample of a server. */
export function exporterSamples({ server, pages }: Seen): Sample[] {
  const health = healthSamples(server.name, pages);
  if (pages === undefined) return health;
  return [...varzSamples(pages.varz), ...health, ...accountStatSamples(server.name, pages), ...jszSamples(server.name, pages)];
}

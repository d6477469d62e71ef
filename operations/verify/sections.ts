/** The sections of the acceptance suite in their order. */
import { BusError } from "../../core/errors.ts";
import { nearestWord } from "../../core/nearest.ts";
import { SECTION_NAMES, type Section } from "./check.ts";
import { availabilitySection } from "./sections/availability.ts";
import { connectionSection } from "./sections/connection.ts";
import { consumptionSection } from "./sections/consumption.ts";
import { errorsSection } from "./sections/errors.ts";
import { jetstreamSection } from "./sections/jetstream.ts";
import { latencySection } from "./sections/latency.ts";
import { monitoringSection } from "./sections/monitoring.ts";
import { publishingSection } from "./sections/publishing.ts";
import { scalabilitySection } from "./sections/scalability.ts";
import { securitySection } from "./sections/security.ts";

/** Every section, in the order of {@link SECTION_NAMES}. */
export const SECTIONS: readonly Section[] = [
  connectionSection,
  jetstreamSection,
  publishingSection,
  consumptionSection,
  latencySection,
  availabilitySection,
  monitoringSection,
  securitySection,
  errorsSection,
  scalabilitySection,
];

/**
 * The sections with the given names, in their order; all without names.
 * @param text names separated by commas
 * @throws BusError ERR_USAGE for a name that does not exist
 */
export function selectSections(text: string | undefined): readonly Section[] {
  const names = (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  for (const name of names) {
    if ((SECTION_NAMES as readonly string[]).includes(name)) continue;
    const near = nearestWord(name, SECTION_NAMES);
    throw new BusError("ERR_USAGE", `there is no section ${JSON.stringify(name)}${near === undefined ? "" : `; did you mean ${near}?`}`, {
      remedy: `there are ${SECTION_NAMES.join(", ")}`,
    });
  }
  return names.length === 0 ? SECTIONS : SECTIONS.filter(({ name }) => names.includes(name));
}

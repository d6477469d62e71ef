import { maskValue } from "./masking.ts";
import type { CheckFailure } from "./model.ts";
import { parseUrn } from "./urn.ts";
import type { PropertyMap } from "./values.ts";

/** Says what a provider's check refused, as the Pulumi CLI does, with the value unless it is secret. */
export function checkText(urn: string, { property, reason }: CheckFailure, news: PropertyMap): string {
  const { type, name } = parseUrn(urn);
  const resource = `${type} resource '${name}'`;
  if (property === "") return `${resource} has a problem: ${reason}`;
  const value = news[property];
  const shown = value === undefined ? "" : ` value {${renderShort(maskValue(value))}}`;
  return `${resource}: property ${property}${shown} has a problem: ${reason}`;
}

function renderShort(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

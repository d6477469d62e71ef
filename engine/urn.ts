/** Type of the root resource of every stack. */
export const STACK_TYPE = "pulumi:pulumi:Stack";

const WILDCARDS: Readonly<Record<string, string>> = { "*": "[^:]*", "**": ".*" };

const PROVIDER_PREFIX = "pulumi:providers:";

/** The parts of a URN. */
export interface UrnParts {
  readonly stack: string;
  readonly project: string;
  /** Types of the parents and the own type, joined with `$`. */
  readonly qualifiedType: string;
  /** The own type. */
  readonly type: string;
  /** May itself hold `::`. */
  readonly name: string;
}

/** Builds a URN; the root stack is never part of the chain of types. `parent` is a URN or "". */
export function createUrn(parts: { stack: string; project: string; parent: string; type: string; name: string }): string {
  const parentType = parts.parent === "" ? "" : parseUrn(parts.parent).qualifiedType;
  const prefix = parentType === "" || parentType === STACK_TYPE ? "" : `${parentType}$`;
  return `urn:pulumi:${parts.stack}::${parts.project}::${prefix}${parts.type}::${parts.name}`;
}

/** Takes a URN apart; missing parts of a malformed one are "". */
export function parseUrn(urn: string): UrnParts {
  const [head = "", project = "", qualifiedType = "", ...names] = urn.split("::");
  return {
    stack: head.replace(/^urn:pulumi:/, ""),
    project,
    qualifiedType,
    type: qualifiedType.slice(qualifiedType.lastIndexOf("$") + 1),
    name: names.join("::"),
  };
}

/** URN of the root resource of a stack. */
export function stackUrn(project: string, stack: string): string {
  return createUrn({ stack, project, parent: "", type: STACK_TYPE, name: `${project}-${stack}` });
}

/** Whether `type` is that of a provider resource. */
export function isProviderType(type: string): boolean {
  return type.startsWith(PROVIDER_PREFIX);
}

/** Type of the provider resource of a package. */
export function providerType(packageName: string): string {
  return PROVIDER_PREFIX + packageName;
}

/** Package a resource or provider type (or function token) belongs to. */
export function packageOf(type: string): string {
  if (isProviderType(type)) return type.slice(PROVIDER_PREFIX.length);
  return type.split(":")[0] ?? "";
}

/** Whether the URN is that of a default provider, which display and counts leave out. */
export function isDefaultProvider(urn: string): boolean {
  const { type, name } = parseUrn(urn);
  return isProviderType(type) && (name === "default" || name.startsWith("default_"));
}

/** Reference of a provider resource, as it stands in state. */
export function providerReference(urn: string, id: string): string {
  return `${urn}::${id}`;
}

/** URN and id of a provider reference. */
export function parseReference(reference: string): { readonly urn: string; readonly id: string } {
  const cut = reference.lastIndexOf("::");
  return cut < 0 ? { urn: reference, id: "" } : { urn: reference.slice(0, cut), id: reference.slice(cut + 2) };
}

/** Whether a URN is one of `patterns`, in which `*` stands for any part between colons and `**` for anything. */
export function urnMatcher(patterns: readonly string[]): (urn: string) => boolean {
  const tests = patterns.map((pattern) => {
    const parts = pattern.split(/(\*\*|\*)/).map((part) => WILDCARDS[part] ?? part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
    return new RegExp(`^${parts.join("")}$`, "s");
  });
  return (urn) => tests.some((test) => test.test(urn));
}

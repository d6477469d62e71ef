/** A systemd unit as data: what is written as text for systemd, and as an attribute set for NixOS. Pure. */

/** Value of a directive; a list is written as one line each, `true` and `false` as systemd spells them. */
export type DirectiveValue = string | number | boolean | readonly string[];

/** Directives of one section, in the order they are written. */
export type UnitSection = Readonly<Record<string, DirectiveValue>>;

/** A unit. */
export interface UnitFile {
  /** File name, for instance `nats-natsbus-dev-n1.service`. */
  readonly name: string;
  /** Map keyed by section, `Unit`, `Service`, `Install` and so on. */
  readonly sections: Readonly<Record<string, UnitSection>>;
}

/** Text of a unit file. Equal units give equal text. */
export function renderUnit({ sections }: UnitFile): string {
  const texts = Object.entries(sections).map(([name, section]) => `[${name}]\n${directiveLines(section).join("")}`);
  return `# Written by natsbus; changes made here are lost. Settings belong into the stack file, changes of your own into a drop-in.\n${texts.join("\n")}`;
}

/** A directive's value as systemd reads it. */
export function directiveText(value: string | number | boolean): string {
  if (typeof value !== "boolean") return String(value);
  return value ? "yes" : "no";
}

function directiveLines(section: UnitSection): string[] {
  return Object.entries(section).flatMap(([key, value]) => {
    const values = typeof value === "object" ? value : [value];
    return values.map((one) => `${key}=${directiveText(one)}\n`);
  });
}

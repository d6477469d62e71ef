/** Paints text for a terminal, or leaves it alone. */
type Paint = (text: string) => string;

/** The colours of the display, by what they mean. */
export interface Palette {
  readonly create: Paint;
  readonly update: Paint;
  readonly delete: Paint;
  readonly replace: Paint;
  readonly createReplacement: Paint;
  readonly deleteReplaced: Paint;
  readonly read: Paint;
  readonly headline: Paint;
  readonly error: Paint;
  readonly warning: Paint;
  readonly faint: Paint;
  readonly bold: Paint;
}

/** When colours are used: `auto` on a terminal unless `NO_COLOR` is set. */
export type ColorChoice = "auto" | "always" | "never";

const CODES: Readonly<Record<keyof Palette, string>> = {
  create: "32",
  update: "33",
  delete: "31",
  replace: "95",
  createReplacement: "92",
  deleteReplaced: "91",
  read: "96",
  headline: "95;1",
  error: "31",
  warning: "33",
  faint: "90",
  bold: "1",
};

/** The palette with (`colored`) or without escape codes. */
export function createPalette(colored: boolean): Palette {
  const paint = (code: string): Paint => (colored ? (text) => (text === "" ? "" : `\u001b[${code}m${text}\u001b[0m`) : (text) => text);
  return Object.fromEntries(Object.entries(CODES).map(([name, code]) => [name, paint(code)])) as unknown as Palette;
}

/** Whether to colour what goes to a stream. `NO_COLOR` (not empty) wins over `auto`, the explicit choices win over both. */
export function resolveColor(choice: ColorChoice, isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (choice !== "auto") return choice === "always";
  if ((env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb") return false;
  return isTerminal || (env["FORCE_COLOR"] ?? "0") !== "0";
}

const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, "g");

/** Text without terminal escape sequences. */
export function stripEscapes(text: string): string {
  return text.replace(ESCAPES, "");
}

/** Reads configuration text that natsbus itself wrote back into a tree, to compare two of them. Not a reader for hand-written files: those may hold forms natsbus never writes. */
import { type ConfigBlock, type ConfigValue, ConfigVariable } from "./config-text.ts";
import { BusError } from "./errors.ts";

interface Lines {
  readonly all: readonly string[];
  next: number;
}

const ENTRY = /^("(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*)(?:: (.*)| (\{\}|\{))$/;

/**
 * The tree of a text written by `renderConfigText`.
 * @throws ERR_SERVER_CONFIG for a line that natsbus does not write
 */
export function readConfigText(text: string): ConfigBlock {
  const all = text.split("\n").map((line) => line.trim());
  return readBlock({ all: all.filter((line) => line !== "" && !line.startsWith("#")), next: 0 });
}

function readBlock(lines: Lines): ConfigBlock {
  const block: Record<string, ConfigValue> = {};
  for (let line = take(lines); line !== undefined && line !== "}"; line = take(lines)) {
    const [, key = "", value, opening] = ENTRY.exec(line) ?? fail(line);
    block[unquote(key)] = opening === undefined ? readValue(value ?? "", lines) : opening === "{}" ? {} : readBlock(lines);
  }
  return block;
}

function readList(lines: Lines): ConfigValue[] {
  const list: ConfigValue[] = [];
  for (let line = take(lines); line !== undefined && line !== "]"; line = take(lines)) list.push(readValue(line, lines));
  return list;
}

function readValue(text: string, lines: Lines): ConfigValue {
  if (text === "{") return readBlock(lines);
  if (text === "[") return readList(lines);
  if (text === "{}") return {};
  if (text === "[]") return [];
  if (text.startsWith("$")) return new ConfigVariable(text.slice(1));
  if (text === "true" || text === "false") return text === "true";
  if (text.startsWith('"')) return unquote(text);
  const number = Number(text);
  return Number.isNaN(number) ? fail(text) : number;
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  return JSON.parse(text.replaceAll(/\\x([0-9a-f]{2})/g, "\\u00$1")) as string;
}

function take(lines: Lines): string | undefined {
  const line = lines.all[lines.next];
  lines.next += 1;
  return line;
}

function fail(line: string): never {
  throw new BusError("ERR_SERVER_CONFIG", `"${line.slice(0, 60)}" is no line that natsbus writes`, {
    remedy: "compare files that natsbus rendered",
  });
}

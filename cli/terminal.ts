import { createInterface } from "node:readline/promises";
import { BusError } from "../core/errors.ts";
import { type ColorChoice, createPalette, type Palette, resolveColor } from "./reporters/palette.ts";

/** Where a verb writes and asks: results on stdout, progress on stderr. */
export interface Terminal {
  /** Writes a result to stdout. */
  out(text: string): void;
  /** Writes progress or a message to stderr. */
  err(text: string): void;
  /** Colours for stdout. */
  readonly outPalette: Palette;
  /** Colours for stderr. */
  readonly errPalette: Palette;
  /** Whether stdout can be redrawn. */
  readonly outIsLive: boolean;
  /** Whether stderr can be redrawn. */
  readonly errIsLive: boolean;
  /** Whether a question can be asked. */
  readonly canAsk: boolean;
  /** Size of the terminal. */
  size(): { readonly columns: number; readonly lines: number };
  /** Asks on stderr; "" when the input ends. @throws BusError ERR_INTERRUPTED for Ctrl-C */
  ask(question: string): Promise<string>;
  /** Asks on stderr without showing what is typed. */
  askSecret(question: string): Promise<string>;
}

/** The terminal of this process. */
export function createTerminal(color: ColorChoice, env: NodeJS.ProcessEnv = process.env): Terminal {
  const { stdin, stdout, stderr } = process;
  const canRedraw = env["TERM"] !== "dumb" && (env["CI"] ?? "") === "";
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    outPalette: createPalette(resolveColor(color, stdout.isTTY === true, env)),
    errPalette: createPalette(resolveColor(color, stderr.isTTY === true, env)),
    outIsLive: stdout.isTTY === true && canRedraw,
    errIsLive: stderr.isTTY === true && canRedraw,
    canAsk: stdin.isTTY === true && stderr.isTTY === true,
    size: () => ({ columns: stderr.columns || stdout.columns || 80, lines: stderr.rows || stdout.rows || 24 }),
    askSecret: (question) => readSecret(question),
    ask: (question) => askLine({ input: stdin, output: stderr }, question),
  };
}

/** Asks for a line; "" when the input ends. @throws BusError ERR_INTERRUPTED for Ctrl-C */
export async function askLine(
  streams: { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream },
  question: string,
): Promise<string> {
  const lines = createInterface(streams);
  const ended = new Promise<string>((done, refuse) => {
    lines.once("SIGINT", () => {
      refuse(new BusError("ERR_INTERRUPTED", "interrupted at the question; nothing was changed"));
    });
    lines.once("close", () => done(""));
  });
  try {
    return await Promise.race([lines.question(question), ended]);
  } finally {
    lines.close();
  }
}

const KEYS = { enter: ["\r", "\n"], endOfInput: "\u0004", interrupt: "\u0003", rubOut: "\u007f" } as const;

/** Reads a line from the terminal without an echo. */
async function readSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  try {
    let typed = "";
    for await (const bytes of stdin.iterator({ destroyOnReturn: false })) {
      for (const key of String(bytes)) {
        if (key === KEYS.interrupt) process.kill(process.pid, "SIGINT");
        if (key === KEYS.interrupt || key === KEYS.endOfInput || KEYS.enter.some((enter) => enter === key)) return typed;
        typed = key === KEYS.rubOut ? typed.slice(0, -1) : typed + key;
      }
    }
    return typed;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}

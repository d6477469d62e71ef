import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadProject, resolveBackend } from "../../../engine/project.ts";
import { loadState } from "../../../engine/recorder.ts";
import { CLEAR_TEXT } from "../../../engine/secrets.ts";
import { openStack, programSettingsOf } from "../../../engine/stack.ts";
import { namespaceSlips, needsSecrets, resolveConfig } from "../../../engine/stack-config.ts";
import { loadSettings, saveSalt, saveSetting, settingsConfig } from "../../../engine/stack-settings.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const PULUMI_YAML = "name: bus\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n";

function projectIn(path: string, extra = "", settings?: string): string {
  writeFileSync(join(path, "Pulumi.yaml"), PULUMI_YAML + extra);
  if (settings !== undefined) writeFileSync(join(path, "Pulumi.dev.yaml"), settings);
  return path;
}

beforeEach(() => {
  for (const name of ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_BACKEND_URL"]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe("Pulumi.yaml", () => {
  it("is found from a folder below and tells where the program is", () => {
    using folder = temporaryFolder();
    projectIn(folder.path, "main: app/start.ts\n");
    mkdirSync(join(folder.path, "app"));
    writeFileSync(join(folder.path, "app/start.ts"), "");
    expect(loadProject(join(folder.path, "app"))).toMatchObject({
      name: "bus",
      root: folder.path,
      programDirectory: join(folder.path, "app"),
      entry: "start.ts",
    });
    projectIn(folder.path, "main: app\n");
    expect(loadProject(folder.path)).toMatchObject({ programDirectory: join(folder.path, "app"), entry: "." });
    projectIn(folder.path);
    expect(loadProject(folder.path)).toMatchObject({ programDirectory: folder.path, entry: ".", runtimeOptions: { typescript: false } });
  });

  it.each<[string, string]>([
    ["no YAML", "name: [\n"],
    ["no map", "- a\n"],
    ["no name", "runtime: nodejs\n"],
    ["another language", "name: a\nruntime: python\n"],
    ["a program that is not there", "name: a\nruntime: nodejs\nmain: gone.ts\n"],
  ])("is refused when it is %s", (_name, text) => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "Pulumi.yaml"), text);
    expect(() => loadProject(folder.path)).toThrow(
      expect.objectContaining({ code: "ERR_PROJECT", message: expect.stringContaining("Pulumi.yaml") }),
    );
  });

  it.each<[string, string | undefined, string | undefined, (root: string) => string]>([
    ["is the project's own folder by default", undefined, undefined, (root) => join(root, ".natsbus/state")],
    ["is taken from the project, relative to it", "file://./state", undefined, (root) => join(root, "state")],
    ["is taken from the environment first", "file://./state", "file:///somewhere", () => "/somewhere"],
    ["may be in the home folder", "file://~/x", undefined, () => join(homedir(), "x")],
    ["may carry options of the CLI", "file:///a%20b?no_tmp_dir=true", undefined, () => "/a b"],
  ])("the state folder %s", (_name, url, env, expected) => {
    using folder = temporaryFolder();
    const project = loadProject(projectIn(folder.path, url === undefined ? "" : `backend:\n  url: ${url}\n`));
    expect(resolveBackend(project, { PULUMI_BACKEND_URL: env })).toBe(expected(folder.path));
  });

  it("the state must be in a folder, and credentials in its address are not repeated", () => {
    using folder = temporaryFolder();
    const project = loadProject(projectIn(folder.path));
    const refused = () => resolveBackend(project, { PULUMI_BACKEND_URL: "https://ann:hush@api.example.com" });
    expect(refused).toThrow(expect.objectContaining({ code: "ERR_STATE_BACKEND", message: expect.not.stringContaining("hush") }));
  });
});

describe("a stack's settings file", () => {
  it("keeps comments and layout when something is set", () => {
    using folder = temporaryFolder();
    const project = loadProject(
      projectIn(folder.path, "", "# the dev stack\nconfig:\n  # how many\n  bus:servers: 3 # three\n\n  bus:deep:\n    a: [1, 2]\n"),
    );
    saveSalt(loadSettings(project, "dev"), "v1:salt");
    saveSetting(loadSettings(project, "dev"), "bus:token", { ciphertext: "v1:x" });
    saveSetting(loadSettings(project, "dev"), "bus:name", { text: "3" });
    expect(readFileSync(join(folder.path, "Pulumi.dev.yaml"), "utf8")).toMatchInlineSnapshot(`
      "# the dev stack
      encryptionsalt: v1:salt
      config:
        # how many
        bus:servers: 3 # three

        bus:deep:
          a: [1, 2]
        bus:token:
          secure: v1:x
        bus:name: "3"
      "
    `);
    saveSetting(loadSettings(project, "dev"), "bus:token", undefined);
    expect(settingsConfig(loadSettings(project, "dev"))).toEqual({ "bus:servers": "3", "bus:deep": { a: [1, 2] }, "bus:name": "3" });
  });

  it("is made when it does not exist", () => {
    using folder = temporaryFolder();
    const project = loadProject(projectIn(folder.path));
    saveSalt(loadSettings(project, "dev"), "v1:salt");
    expect(readFileSync(join(folder.path, "Pulumi.dev.yaml"), "utf8")).toBe("encryptionsalt: v1:salt\n");
  });
});

describe("a misspelt word of a stack's settings file", () => {
  it.each<[string, string, string]>([
    ["cofig", "cofig:\n  bus:servers: 1\n", '"cofig" (did you mean config?)'],
    ["a setting beside config", "bus:servers: 1\nconfig: {}\n", '"bus:servers"; there are config, '],
  ])("is refused: %s", (_name, settings, told) => {
    using folder = temporaryFolder();
    const project = loadProject(projectIn(folder.path, "", settings));
    expect(() => loadSettings(project, "dev")).toThrow(
      expect.objectContaining({ code: "ERR_PROJECT", message: expect.stringContaining(told) }),
    );
  });

  it("is no key that Pulumi knows", () => {
    using folder = temporaryFolder();
    const settings = "config: {}\nencryptionsalt: v1:x\nsecretsprovider: passphrase\nencryptedkey: x\nenvironment: [a]\n";
    expect(loadSettings(loadProject(projectIn(folder.path, "", settings)), "dev").path).toContain("Pulumi.dev.yaml");
  });

  it.each<[string, string, readonly string[]]>([
    ["natsbus", "natsbuss", ["natsbuss"]],
    ["natsbus", "nastbus", ["nastbus"]],
    ["natsbus", "natsbus", []],
    ["natsbus", "nats", []],
    ["natsbus", "kubernetes", []],
    ["pulumis", "pulumi", []],
    ["bus", "aws", []],
  ])("project %s, namespace %s: a slip is %j", (name, namespace, slips) => {
    using folder = temporaryFolder();
    const project = { ...loadProject(projectIn(folder.path)), name };
    expect(namespaceSlips(project, { [`${namespace}:a`]: "1", [`${namespace}:b`]: "2", plain: "3" })).toEqual(slips);
  });
});

describe("a stack's configuration", () => {
  it("hands over text, JSON text for maps and lists, and secrets in clear", () => {
    using folder = temporaryFolder();
    const settings = `config:
  plain: 1.10
  flag: true
  other:name: x
  old:config:name: y
  token: {secure: hush}
  deep: {b: 1, a: ["<&>", {secure: deep-hush}]}
`;
    const project = loadProject(
      projectIn(folder.path, "config:\n  plain: 9\n  region: {type: string, default: eu}\n  key: {value: k, secret: true}\n", settings),
    );
    const written = settingsConfig(loadSettings(project, "dev"));
    expect(needsSecrets(written)).toBe(true);
    expect(resolveConfig(project, written, CLEAR_TEXT)).toEqual({
      config: {
        "bus:deep": String.raw`{"a":["\u003c\u0026\u003e","deep-hush"],"b":1}`,
        "bus:flag": "true",
        "bus:key": "k",
        "bus:plain": "1.10",
        "bus:region": "eu",
        "bus:token": "hush",
        "old:name": "y",
        "other:name": "x",
      },
      secretKeys: ["bus:deep", "bus:key", "bus:token"],
      recorded: {
        "bus:plain": "1.10",
        "bus:flag": "true",
        "other:name": "x",
        "old:name": "y",
        "bus:token": { secure: "hush" },
        "bus:deep": { b: 1, a: ["<&>", { secure: "deep-hush" }] },
      },
    });
  });

  it("names what the project asks for and nobody set", () => {
    using folder = temporaryFolder();
    const project = loadProject(projectIn(folder.path, "config:\n  region: {type: string}\n"));
    expect(() => resolveConfig(project, {}, CLEAR_TEXT)).toThrow(
      expect.objectContaining({ code: "ERR_PROJECT", message: expect.stringContaining("bus:region") }),
    );
  });
});

describe("opening a stack", () => {
  const notices: string[] = [];
  const open = (directory: string, absent: "create" | "pretend" | "refuse" = "refuse", stack = "dev") =>
    openStack({ directory, stack, absent, onNotice: (text) => notices.push(text) });

  beforeEach(() => {
    notices.length = 0;
  });

  it("makes what a new stack needs, once, and opens it again", async () => {
    using folder = temporaryFolder();
    projectIn(folder.path, "", "# mine\nconfig:\n  bus:servers: 3\n");
    const made = await open(folder.path, "create");
    const passphrase = join(folder.path, ".natsbus/passphrase");
    expect(notices).toEqual([expect.stringContaining(".natsbus/passphrase")]);
    expect(statSync(passphrase).mode & 0o777).toBe(0o600);
    expect(notices[0]).not.toContain(readFileSync(passphrase, "utf8").trim());
    const again = await open(folder.path, "create");
    expect([again.secrets.salt, notices.length]).toEqual([made.secrets.salt, 1]);
    expect(again.secrets.decrypt(made.secrets.encrypt("x"))).toBe("x");
    expect(loadState(again.address, again.secrets)).toEqual({ resources: [], pendingOperations: [] });
    expect(programSettingsOf(again)).toMatchObject({
      project: "bus",
      stack: "dev",
      entry: ".",
      config: { "bus:servers": "3" },
      secretKeys: [],
    });
  });

  it("is made by one of several runs that start at once; none undoes what another wrote", async () => {
    using folder = temporaryFolder();
    projectIn(folder.path);
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => open(folder.path, "create")));
    const salts = results.flatMap((result) => (result.status === "fulfilled" ? [result.value.secrets.salt] : []));
    const refusals = results.flatMap((result) => (result.status === "rejected" ? [(result.reason as { code: string }).code] : []));
    expect(new Set(salts).size).toBe(1);
    expect(refusals.filter((code) => code !== "ERR_STATE_LOCKED")).toEqual([]);
    expect((await open(folder.path)).secrets.salt).toBe(salts[0]);
  });

  it("takes the passphrase from the environment, an empty one and one in a file too", async () => {
    using folder = temporaryFolder();
    projectIn(folder.path);
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "");
    const made = await open(folder.path, "create");
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", undefined);
    writeFileSync(join(folder.path, "word"), "  \n");
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE_FILE", join(folder.path, "word"));
    expect((await open(folder.path)).secrets.salt).toBe(made.secrets.salt);
    expect([notices, existsSync(join(folder.path, ".natsbus/passphrase"))]).toEqual([[], false]);
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "wrong");
    await expect(open(folder.path)).rejects.toMatchObject({ code: "ERR_PASSPHRASE_WRONG" });
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", undefined);
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE_FILE", join(folder.path, "gone"));
    await expect(open(folder.path)).rejects.toMatchObject({ code: "ERR_PASSPHRASE_MISSING" });
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE_FILE", undefined);
    await expect(open(folder.path)).rejects.toMatchObject({ code: "ERR_PASSPHRASE_MISSING" });
  });

  it("makes a passphrase and a salt for a fresh clone when nothing depends on the salt that came with the settings", async () => {
    using theirs = temporaryFolder();
    projectIn(theirs.path, "", "# mine\nconfig:\n  bus:servers: 3\n");
    const { salt } = (await open(theirs.path, "create")).secrets;
    const committed = readFileSync(join(theirs.path, "Pulumi.dev.yaml"), "utf8");
    notices.length = 0;
    using clone = temporaryFolder();
    projectIn(clone.path, "", committed);
    await open(clone.path, "pretend");
    expect([notices, existsSync(join(clone.path, ".natsbus"))]).toEqual([[], false]);
    const made = await open(clone.path, "create");
    const written = `# mine\nencryptionsalt: ${made.secrets.salt}\nconfig:\n  bus:servers: 3\n`;
    expect([made.secrets.salt === salt, readFileSync(join(clone.path, "Pulumi.dev.yaml"), "utf8")]).toEqual([false, written]);
    expect(made.settings.document.get("encryptionsalt")).toBe(made.secrets.salt);
    expect(notices).toEqual([expect.stringContaining("was generated"), expect.stringContaining("it was replaced")]);
    expect((await open(clone.path, "create")).secrets.salt).toBe(made.secrets.salt);
  });

  it("goes on where a run ended between the passphrase of a fresh clone and its salt", async () => {
    using folder = temporaryFolder();
    projectIn(folder.path, "", "encryptionsalt: v1:QMUhUTLiTVM=:v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    mkdirSync(join(folder.path, ".natsbus"));
    writeFileSync(join(folder.path, ".natsbus/passphrase"), "mine\n");
    const made = await open(folder.path, "create");
    expect((await open(folder.path)).secrets.salt).toBe(made.secrets.salt);
  });

  it.each<[string, string, (root: string) => void, string]>([
    [
      "a secret of the settings",
      "config:\n  bus:deep: {list: [{secure: v1:x}]}\n",
      () => undefined,
      "delete encryptionsalt and every secure:",
    ],
    ["a former state", "", (root) => writeFileSync(join(root, "stacks/bus/dev.json.bak"), "{}"), "of whoever made the stack"],
    [
      "a crashed run",
      "",
      (root) => {
        mkdirSync(join(root, "journals/bus"), { recursive: true });
        writeFileSync(join(root, "journals/bus/dev.jsonl"), "");
      },
      "of whoever made the stack",
    ],
  ])("never replaces a salt that %s depends on", async (_what, extra, arrange, remedy) => {
    using folder = temporaryFolder();
    const settings = `encryptionsalt: v1:QMUhUTLiTVM=:v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAA\n${extra}`;
    projectIn(folder.path, "", settings);
    mkdirSync(join(folder.path, ".natsbus/state/.pulumi/stacks/bus"), { recursive: true });
    arrange(join(folder.path, ".natsbus/state/.pulumi"));
    await expect(open(folder.path, "create")).rejects.toMatchObject({
      code: "ERR_PASSPHRASE_MISSING",
      remedy: expect.stringContaining(remedy),
    });
    writeFileSync(join(folder.path, ".natsbus/passphrase"), "other\n");
    await expect(open(folder.path, "create")).rejects.toMatchObject({ code: "ERR_PASSPHRASE_WRONG" });
    expect(readFileSync(join(folder.path, "Pulumi.dev.yaml"), "utf8")).toBe(settings);
  });

  it("never replaces a salt that somebody gives a passphrase for, and names the line", async () => {
    using folder = temporaryFolder();
    projectIn(folder.path, "", "encryptionsalt: v1:QMUhUTLiTVM=:v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "wrong");
    await expect(open(folder.path, "create")).rejects.toMatchObject({
      code: "ERR_PASSPHRASE_WRONG",
      remedy: expect.stringContaining("delete its line encryptionsalt"),
    });
  });

  it("says that a stack without settings file runs on defaults, before it is made and once only", async () => {
    using folder = temporaryFolder();
    projectIn(folder.path, "", "config: {}\n");
    const told = expect.stringMatching(/^there is no Pulumi.tset.yaml, .*there are Pulumi.dev.yaml to copy.*--stack tset/);
    await open(folder.path, "pretend", "tset");
    expect(notices).toEqual([told]);
    await open(folder.path, "create", "tset");
    expect(notices).toEqual([told, told, expect.stringContaining("was generated")]);
    await open(folder.path, "create", "tset");
    await open(folder.path, "create");
    expect(notices.length).toBe(3);
  });

  it("writes nothing when it only pretends, and nothing when it refuses", async () => {
    using folder = temporaryFolder();
    projectIn(folder.path);
    expect((await open(folder.path, "pretend")).address.stack).toBe("dev");
    await expect(open(folder.path)).rejects.toMatchObject({
      code: "ERR_STACK_MISSING",
      message: expect.stringContaining("there is none yet"),
    });
    await expect(open(folder.path, "create", "../evil")).rejects.toMatchObject({ code: "ERR_PROJECT" });
    expect([notices, existsSync(join(folder.path, ".natsbus")), existsSync(join(folder.path, "Pulumi.dev.yaml"))]).toEqual([
      [],
      false,
      false,
    ]);
  });

  it("refuses secrets kept by a service, and a secret of another stack", async () => {
    using folder = temporaryFolder();
    projectIn(folder.path, "", "secretsprovider: awskms://alias/x?region=eu\n");
    await expect(open(folder.path, "create")).rejects.toMatchObject({ code: "ERR_SECRETS_PROVIDER" });
    projectIn(folder.path, "", "config:\n  bus:token:\n    secure: v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "x");
    await expect(open(folder.path, "create")).rejects.toMatchObject({ code: "ERR_STATE_CORRUPT" });
    expect(existsSync(join(folder.path, ".natsbus"))).toBe(false);
  });
});

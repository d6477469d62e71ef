import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readCredentialFiles, removeCredentialFiles, wantedDigests, writeCredentialFiles } from "../../../accounts/credential-files.ts";
import { credentialFiles } from "../../../accounts/operations.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "natsbus-files-"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});
const inputs = (credentials: Record<string, string> = { admin: "A", gitlab: "G" }) => ({
  directory: join(root, "dev"),
  credentials,
  ca: "CA",
});
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe("credentials files", () => {
  it("hold what was given, for their owner alone", async () => {
    const state = await writeCredentialFiles(inputs());
    expect(state.files).toEqual({ admin: join(root, "dev/creds/admin.creds"), gitlab: join(root, "dev/creds/gitlab.creds") });
    expect(await readFile(state.files["admin"]!, "utf8")).toBe("A");
    expect(await readFile(state.caFile, "utf8")).toBe("CA");
    expect(await modeOf(state.files["admin"]!)).toBe(0o600);
    expect(await modeOf(join(root, "dev/creds"))).toBe(0o700);
    expect(state.digests).toEqual(wantedDigests(inputs()));
    expect(JSON.stringify(state.digests)).not.toContain('"A"');
  });

  it("that a killed run left half written are finished by the next write, or removed with the rest", async () => {
    const state = await writeCredentialFiles(inputs());
    const halves = [`${state.files["admin"]}.new`, `${state.files["gitlab"]}.new`, `${state.caFile}.new`];
    for (const half of halves) await writeFile(half, "half", { mode: 0o600 });
    await writeCredentialFiles(inputs({ admin: "A", gitlab: "G2" }), state);
    expect(await readdir(join(root, "dev/creds"))).toEqual(["admin.creds", "gitlab.creds"]);
    for (const half of halves) await writeFile(half, "half", { mode: 0o600 });
    await removeCredentialFiles(state);
    expect(await readdir(root)).toEqual([]);
  });

  it("of users that left are removed, others stay as they are", async () => {
    const before = await writeCredentialFiles(inputs());
    await writeCredentialFiles(inputs({ admin: "A2" }), before);
    expect(await readdir(join(root, "dev/creds"))).toEqual(["admin.creds"]);
    expect(await readFile(before.files["admin"]!, "utf8")).toBe("A2");
  });

  it("that are missing, changed or open to others are seen and written again", async () => {
    const state = await writeCredentialFiles(inputs());
    expect(await readCredentialFiles(state)).toEqual(state);
    expect(await credentialFiles.diff(state, inputs())).toMatchObject({ changes: false });
    const damages = [
      () => rm(state.files["admin"]!),
      () => writeFile(state.files["admin"]!, "other"),
      () => chmod(state.files["admin"]!, 0o644),
      () => rm(state.caFile),
    ];
    for (const damage of damages) {
      await damage();
      const seen = await readCredentialFiles(state);
      expect(await credentialFiles.diff(seen, inputs())).toMatchObject({ changes: true });
      const repaired = await writeCredentialFiles(inputs(), seen);
      expect(await readCredentialFiles(repaired)).toEqual(state);
      expect(await modeOf(state.files["admin"]!)).toBe(0o600);
    }
  });

  it("and their folders are removed, but nothing of the user's own", async () => {
    const state = await writeCredentialFiles(inputs());
    await writeFile(join(root, "dev/mine"), "");
    await removeCredentialFiles(state);
    expect(await readdir(join(root, "dev"))).toEqual(["mine"]);
    await removeCredentialFiles(state);
    await rm(join(root, "dev/mine"));
    await removeCredentialFiles(state);
    expect(await readdir(root)).toEqual([]);
  });

  it("move by replacement when the folder changes", async () => {
    const state = { ...inputs(), files: {}, caFile: "", digests: {} };
    expect(await credentialFiles.diff(state, { ...inputs(), directory: "elsewhere" })).toEqual({ changes: true, replaces: ["directory"] });
  });

  it("say which folder cannot be written, and leave no half-written file", async () => {
    await mkdir(join(root, "dev"));
    await writeFile(join(root, "dev/creds"), "a file in the way");
    await expect(writeCredentialFiles(inputs())).rejects.toMatchObject({
      code: "ERR_CREDENTIALS_FOLDER",
      message: expect.stringContaining(join(root, "dev")),
    });
    expect(await readdir(join(root, "dev"))).toEqual(["creds"]);
  });
});

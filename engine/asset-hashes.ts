import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { BusError } from "../core/errors.ts";
import { isMap } from "./traversal.ts";
import type { PropertyMap, Value } from "./values.ts";
import { Archive, Asset, Secret } from "./values.ts";

/**
 * `map` with the hash of every asset and archive that has none yet: SHA-256 of the bytes. A folder, and an archive of single assets, is hashed over
 * the names and hashes of what it holds, which differs from the Pulumi CLI's hash over a tar stream: after a hand-over it shows as changed once.
 * @param directory folder that relative paths are relative to
 * @throws BusError ERR_ENGINE_ASSET for content that cannot be read
 */
export async function hashAssets(map: PropertyMap, directory: string): Promise<PropertyMap> {
  return hasUnhashed(map) ? ((await fill(map, directory)) as PropertyMap) : map;
}

function hasUnhashed(value: Value | undefined): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(hasUnhashed);
  if (value instanceof Secret) return hasUnhashed(value.element);
  if (value instanceof Asset || value instanceof Archive) return value.hash === "";
  return isMap(value) && Object.values(value).some(hasUnhashed);
}

async function fill(value: Value, directory: string): Promise<Value> {
  if (!hasUnhashed(value)) return value;
  if (Array.isArray(value)) return Promise.all(value.map((part: Value) => fill(part, directory)));
  if (value instanceof Secret) return new Secret(await fill(value.element, directory));
  if (value instanceof Asset) return new Asset(await assetHash(value, directory), value.content);
  if (value instanceof Archive) return fillArchive(value, directory);
  const entries = Object.entries(value as PropertyMap).map(async ([key, part]) => [key, await fill(part, directory)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function fillArchive(archive: Archive, directory: string): Promise<Archive> {
  const { assets, path, uri } = archive.content;
  if (assets !== undefined) {
    const filled = (await fill(assets, directory)) as PropertyMap;
    const parts = Object.entries(filled).map(
      ([name, part]) => `${name} ${part instanceof Asset || part instanceof Archive ? part.hash : ""}`,
    );
    return new Archive(sha256(parts.sort().join("\n")), { ...archive.content, assets: filled });
  }
  if (path !== undefined) return new Archive(await pathHash(resolvePath(directory, path), resolvePath(directory, path)), archive.content);
  return new Archive(sha256(await fetchBytes(uri ?? "")), archive.content);
}

async function assetHash({ content }: Asset, directory: string): Promise<string> {
  if (content.text !== undefined) return sha256(content.text);
  if (content.path !== undefined) return pathHash(resolvePath(directory, content.path), directory);
  return sha256(await fetchBytes(content.uri ?? ""));
}

function resolvePath(directory: string, path: string): string {
  return path.startsWith("/") ? path : join(directory, path);
}

async function pathHash(path: string, root: string): Promise<string> {
  try {
    if (!(await stat(path)).isDirectory()) return sha256(await readFile(path));
    const files = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const parts = files.map(async (file) => {
      const full = join(file.parentPath, file.name);
      return `${relative(root, full)} ${sha256(await readFile(full))}`;
    });
    return sha256((await Promise.all(parts)).sort().join("\n"));
  } catch (cause) {
    throw new BusError("ERR_ENGINE_ASSET", `cannot read the asset ${path}`, { remedy: "create it, or correct its path", cause });
  }
}

async function fetchBytes(uri: string): Promise<Uint8Array> {
  try {
    if (uri.startsWith("file:")) return await readFile(fileURLToPath(uri));
    const response = await fetch(uri);
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new BusError("ERR_ENGINE_ASSET", `cannot read the asset ${uri}`, { remedy: "check that the address can be reached", cause });
  }
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

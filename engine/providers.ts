import type { CheckResponse, ConfigureResponse, DiffResponse, ProviderHandshakeResponse } from "@pulumi/pulumi/proto/provider_pb.js";
import providerMessages from "@pulumi/pulumi/proto/provider_pb.js";
import type { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import { deepEqual } from "./equality.ts";
import type { DiffAnswer, Provider, ProviderHost } from "./model.ts";
import { DYNAMIC_PACKAGE, type PluginOutput, type PluginProcess, startPlugin } from "./plugin-process.ts";
import type { ProgramSettings } from "./program-settings.ts";
import { callOptional, callProvider } from "./provider-calls.ts";
import { connectPlugin, createProviderClient, type PluginAbilities, type PluginClient, readCheck, readDiff } from "./provider-client.ts";
import { unwrapSecrets } from "./traversal.ts";
import type { PropertyMap, Value } from "./values.ts";
import { encodeStruct, KEEP_ALL } from "./wire.ts";

/** How long a plugin may take to end by itself before its process group is killed. */
const STOP_GRACE_MS = 1000;

/** How long a plugin may take to hear of a cancellation. */
const CANCEL_GRACE_MS = 2000;

/** Makes a {@link ProviderHost} whose plugins talk to the engine service at `engineAddress` and end when this process ends. */
export function createProviderHost(settings: ProgramSettings, engineAddress: string, output: PluginOutput): ProviderHost {
  const host: Host = { settings, engineAddress, output, plugins: new Set(), closing: false };
  return {
    warmUp: (packageName) => {
      unclaimed(host, packageName, "");
    },
    configure: (request) => configure(host, request),
    checkConfig: (request) => checkConfig(host, request),
    diffConfig: (request) => diffConfig(host, request),
    cancel: async () => {
      await Promise.all([...host.plugins].map(cancel));
    },
    close: async () => {
      host.closing = true;
      await Promise.all([...host.plugins].map(stop));
      host.plugins.clear();
    },
  };
}

interface RunningPlugin {
  readonly process: PluginProcess;
  readonly client: PluginClient;
}

/** One plugin process. It is claimed when it gets its configuration, which it keeps for its life. */
interface PluginSlot {
  readonly packageName: string;
  readonly version: string;
  readonly running: Promise<RunningPlugin>;
  claim: { readonly inputs: PropertyMap; readonly provider: Promise<Provider> } | undefined;
}

interface Host {
  readonly settings: ProgramSettings;
  readonly engineAddress: string;
  readonly output: PluginOutput;
  readonly plugins: Set<PluginSlot>;
  closing: boolean;
}

function unclaimed(host: Host, packageName: string, version: string): PluginSlot {
  // One version of the SDK holds the dynamic provider, whatever version was asked for.
  const wanted = packageName === DYNAMIC_PACKAGE ? "" : version;
  for (const slot of host.plugins) if (slot.packageName === packageName && slot.version === wanted && slot.claim === undefined) return slot;
  const running = startPlugin({ packageName, version: wanted, engineAddress: host.engineAddress }, host.settings, host.output).then(
    (process) => {
      void reportEnd(host, packageName, process);
      return { process, client: connectPlugin(process.address) };
    },
  );
  // A failed start shows at the first use, which a warm-up may never see.
  running.catch(() => undefined);
  const slot: PluginSlot = { packageName, version: wanted, running, claim: undefined };
  host.plugins.add(slot);
  return slot;
}

async function reportEnd(host: Host, packageName: string, plugin: PluginProcess): Promise<void> {
  const { code, signal } = await plugin.child.exited;
  if (!host.closing)
    host.output.onLog(`the provider plugin ${packageName} ended on its own (${signal ?? `exit code ${code}`})`, packageName);
}

function configure(host: Host, request: Parameters<ProviderHost["configure"]>[0]): Promise<Provider> {
  const version = request.packageName === DYNAMIC_PACKAGE ? "" : request.version;
  for (const slot of host.plugins) {
    const same = slot.packageName === request.packageName && slot.version === version;
    if (same && slot.claim !== undefined && deepEqual(slot.claim.inputs, request.inputs)) return slot.claim.provider;
  }
  const slot = unclaimed(host, request.packageName, request.version);
  const provider = slot.running.then((plugin) => configurePlugin(host, slot, plugin, request.inputs));
  slot.claim = { inputs: request.inputs, provider };
  return provider;
}

async function configurePlugin(host: Host, slot: PluginSlot, { client }: RunningPlugin, inputs: PropertyMap): Promise<Provider> {
  const greeting = slot.packageName === DYNAMIC_PACKAGE ? undefined : await greet(host, client);
  const request = new providerMessages.ConfigureRequest();
  request.setArgs(encodeStruct(inputs, KEEP_ALL)).setAcceptsecrets(true).setAcceptresources(true);
  request.setSendsOldInputs(true).setSendsOldInputsToDelete(true);
  const variables = request.getVariablesMap();
  for (const [key, value] of Object.entries(unwrapSecrets(inputs)))
    variables.set(`${slot.packageName}:config:${key}`, renderVariable(value));
  const response = await callProvider<ConfigureResponse>((done) => client.configure(request, done));
  const abilities: PluginAbilities = greeting ?? {
    acceptSecrets: response.getAcceptsecrets(),
    acceptResources: response.getAcceptresources(),
    acceptOutputs: response.getAcceptoutputs(),
    supportsPreview: response.getSupportspreview(),
  };
  return createProviderClient(client, abilities);
}

function renderVariable(value: Value): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

async function greet(host: Host, client: PluginClient): Promise<PluginAbilities | undefined> {
  const request = new providerMessages.ProviderHandshakeRequest();
  request
    .setEngineAddress(host.engineAddress)
    .setRootDirectory(host.settings.projectRoot)
    .setProgramDirectory(host.settings.programDirectory);
  const response = await callOptional<ProviderHandshakeResponse>((done) => client.handshake(request, done));
  if (response === undefined) return undefined;
  return {
    acceptSecrets: response.getAcceptSecrets(),
    acceptResources: response.getAcceptResources(),
    acceptOutputs: response.getAcceptOutputs(),
    supportsPreview: true,
  };
}

async function checkConfig(host: Host, call: Parameters<ProviderHost["checkConfig"]>[0]): ReturnType<ProviderHost["checkConfig"]> {
  const asIs = { inputs: call.news, failures: [] };
  // Known not to implement it: the first registration need not wait for the process.
  if (call.packageName === DYNAMIC_PACKAGE) return asIs;
  const { client } = await unclaimed(host, call.packageName, call.version).running;
  const request = new providerMessages.CheckRequest();
  request.setUrn(call.urn).setOlds(encodeStruct(call.olds, KEEP_ALL)).setNews(encodeStruct(call.news, KEEP_ALL));
  const response = await callOptional<CheckResponse>((done) => client.checkConfig(request, done));
  return response === undefined ? asIs : readCheck(response);
}

async function diffConfig(host: Host, call: Parameters<ProviderHost["diffConfig"]>[0]): Promise<DiffAnswer> {
  if (call.packageName === DYNAMIC_PACKAGE) return compareConfig(call.oldOutputs, call.news);
  const { client } = await unclaimed(host, call.packageName, call.version).running;
  const request = new providerMessages.DiffRequest();
  request.setUrn(call.urn).setId(call.id).setOldInputs(encodeStruct(call.oldInputs, KEEP_ALL));
  request.setOlds(encodeStruct(call.oldOutputs, KEEP_ALL)).setNews(encodeStruct(call.news, KEEP_ALL));
  const response = await callOptional<DiffResponse>((done) => client.diffConfig(request, done));
  return response === undefined ? compareConfig(call.oldOutputs, call.news) : readDiff(response);
}

function compareConfig(olds: PropertyMap, news: PropertyMap): DiffAnswer {
  const keys = [...new Set([...Object.keys(olds), ...Object.keys(news)])];
  const diffs = keys.filter((key) => !deepEqual(olds[key], news[key]));
  return { changes: diffs.length === 0 ? "none" : "some", diffs, replaces: [], stables: [], deleteBeforeReplace: false };
}

async function cancel(slot: PluginSlot): Promise<void> {
  const plugin = await slot.running.catch(() => undefined);
  if (plugin === undefined) return;
  const { client } = plugin;
  const asked = callProvider<Empty>((done) => client.cancel(new emptyMessages.Empty(), done)).catch(() => undefined);
  await Promise.race([asked, pause(CANCEL_GRACE_MS)]);
}

async function stop(slot: PluginSlot): Promise<void> {
  const plugin = await slot.running.catch(() => undefined);
  if (plugin === undefined) return;
  const { child } = plugin.process;
  if (slot.packageName !== DYNAMIC_PACKAGE) await cancel(slot);
  plugin.client.close();
  child.release();
  await Promise.race([child.exited, pause(STOP_GRACE_MS)]);
  child.kill();
  await child.exited;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

import { credentials } from "@grpc/grpc-js";
import providerServices from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type {
  CheckResponse,
  CreateResponse,
  DiffResponse,
  InvokeResponse,
  ReadResponse,
  UpdateResponse,
} from "@pulumi/pulumi/proto/provider_pb.js";
import providerMessages from "@pulumi/pulumi/proto/provider_pb.js";
import type { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { BusError } from "../core/errors.ts";
import { annotateSecrets } from "./annotate.ts";
import type { CheckFailure, DiffAnswer, DiffKind, Provider, ProviderState } from "./model.ts";
import { PartialFailure } from "./model.ts";
import { callProvider } from "./provider-calls.ts";
import type { PropertyMap } from "./values.ts";
import { decodeStruct, type EncodeOptions, encodeStruct } from "./wire.ts";

/** A client of one plugin process. */
export type PluginClient = InstanceType<typeof providerServices.ResourceProviderClient>;

/** What a plugin said it understands. */
export interface PluginAbilities {
  readonly acceptSecrets: boolean;
  readonly acceptResources: boolean;
  readonly acceptOutputs: boolean;
  readonly supportsPreview: boolean;
}

type Call<Name extends "check" | "diff" | "create" | "read" | "update" | "delete"> = Parameters<Provider[Name]>[0];

const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

/** Connects to a plugin; the connection is made at the first call. */
export function connectPlugin(address: string): PluginClient {
  return new providerServices.ResourceProviderClient(address, credentials.createInsecure(), {
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.enable_http_proxy": 0,
    "grpc.enable_retries": 0,
  });
}

/** A {@link Provider} over the calls of a configured plugin. */
export function createProviderClient(client: PluginClient, abilities: PluginAbilities): Provider {
  const plugin: Plugin = { client, abilities, codec: createCodec(abilities) };
  return {
    supportsPreview: abilities.supportsPreview,
    check: (call) => check(plugin, call),
    diff: (call) => diff(plugin, call),
    create: (call) => create(plugin, call),
    read: (call) => read(plugin, call),
    update: (call) => update(plugin, call),
    delete: (call) => remove(plugin, call),
    invoke: (token, args) => invoke(plugin, token, args),
    cancel: async () => {
      await callProvider<Empty>((done) => client.cancel(new emptyMessages.Empty(), done));
    },
  };
}

/** Reads the answer of Check or CheckConfig. */
export function readCheck(response: CheckResponse): { readonly inputs: PropertyMap; readonly failures: readonly CheckFailure[] } {
  return { inputs: decodeStruct(response.getInputs()), failures: readFailures(response) };
}

/** Reads the answer of Diff or DiffConfig. */
export function readDiff(response: DiffResponse): DiffAnswer {
  const base = {
    changes: CHANGES[response.getChanges()] ?? "unknown",
    replaces: response.getReplacesList(),
    stables: response.getStablesList(),
    diffs: response.getDiffsList(),
    deleteBeforeReplace: response.getDeletebeforereplace(),
  };
  if (!response.getHasdetaileddiff()) return base;
  const detailedDiff: Record<string, { kind: DiffKind; inputDiff: boolean }> = {};
  response.getDetaileddiffMap().forEach((part, path) => {
    detailedDiff[path] = { kind: KINDS[part.getKind()] ?? "update", inputDiff: part.getInputdiff() };
  });
  return { ...base, detailedDiff };
}

const CHANGES: readonly DiffAnswer["changes"][] = ["unknown", "none", "some"];
const KINDS: readonly DiffKind[] = ["add", "add-replace", "delete", "delete-replace", "update", "update-replace"];

interface Codec {
  /** Values as the program or the state has them now. */
  readonly fresh: (map: PropertyMap) => Struct;
  /** Values of the state, without what assets hold. */
  readonly old: (map: PropertyMap) => Struct;
  /** An answer, with the secret marks of what it was made from. */
  readonly marked: (map: PropertyMap, source: PropertyMap) => PropertyMap;
}

interface Plugin {
  readonly client: PluginClient;
  readonly abilities: PluginAbilities;
  readonly codec: Codec;
}

function createCodec(abilities: PluginAbilities): Codec {
  const options: EncodeOptions = {
    secrets: abilities.acceptSecrets,
    references: abilities.acceptResources,
    outputs: abilities.acceptOutputs,
  };
  return {
    fresh: (map) => encodeStruct(map, options),
    old: (map) => encodeStruct(map, { ...options, elideAssets: true }),
    marked: (map, source) => (abilities.acceptSecrets ? map : annotateSecrets(map, source)),
  };
}

async function check({ client, codec }: Plugin, call: Call<"check">): ReturnType<Provider["check"]> {
  const request = new providerMessages.CheckRequest();
  request.setUrn(call.urn).setName(call.name).setType(call.type);
  request.setOlds(codec.fresh(call.olds)).setNews(codec.fresh(call.news)).setRandomseed(call.randomSeed);
  const answer = readCheck(await callProvider<CheckResponse>((done) => client.check(request, done)));
  return { ...answer, inputs: codec.marked(answer.inputs, call.news) };
}

async function diff({ client, codec }: Plugin, call: Call<"diff">): Promise<DiffAnswer> {
  const request = new providerMessages.DiffRequest();
  request.setId(call.id).setUrn(call.urn).setName(call.name).setType(call.type);
  request.setOlds(codec.old(call.oldOutputs)).setOldInputs(codec.old(call.oldInputs)).setNews(codec.fresh(call.news));
  request.setIgnorechangesList([...call.ignoreChanges]);
  return readDiff(await callProvider<DiffResponse>((done) => client.diff(request, done)));
}

async function create({ client, codec }: Plugin, call: Call<"create">): Promise<ProviderState> {
  const request = new providerMessages.CreateRequest();
  request.setUrn(call.urn).setName(call.name).setType(call.type);
  request.setProperties(codec.fresh(call.inputs)).setTimeout(call.timeoutSeconds).setPreview(call.preview);
  const response = await whole(() => callProvider<CreateResponse>((done) => client.create(request, done)), codec, call.inputs, "");
  const id = response.getId();
  if (id === "" && !call.preview)
    throw new BusError("ERR_ENGINE_PROVIDER", `the provider created ${call.name} (${call.type}) but named no id`);
  return { id, outputs: codec.marked(decodeStruct(response.getProperties(), known(call.preview)), call.inputs) };
}

async function read({ client, codec }: Plugin, call: Call<"read">): Promise<ProviderState> {
  const request = new providerMessages.ReadRequest();
  request.setId(call.id).setUrn(call.urn).setName(call.name).setType(call.type);
  request.setProperties(codec.old(call.outputs)).setInputs(codec.old(call.inputs));
  const response = await whole(() => callProvider<ReadResponse>((done) => client.read(request, done)), codec, call.outputs, call.id);
  const inputs = response.getInputs();
  return {
    id: response.getId(),
    outputs: codec.marked(decodeStruct(response.getProperties()), call.outputs),
    ...(inputs === undefined ? {} : { inputs: codec.marked(decodeStruct(inputs), call.inputs) }),
  };
}

async function update({ client, codec }: Plugin, call: Call<"update">): Promise<ProviderState> {
  const request = new providerMessages.UpdateRequest();
  request.setId(call.id).setUrn(call.urn).setName(call.name).setType(call.type);
  request.setOlds(codec.old(call.oldOutputs)).setOldInputs(codec.old(call.oldInputs)).setNews(codec.fresh(call.news));
  request
    .setTimeout(call.timeoutSeconds)
    .setIgnorechangesList([...call.ignoreChanges])
    .setPreview(call.preview);
  const response = await whole(() => callProvider<UpdateResponse>((done) => client.update(request, done)), codec, call.news, call.id);
  return { id: call.id, outputs: codec.marked(decodeStruct(response.getProperties(), known(call.preview)), call.news) };
}

async function remove({ client, codec }: Plugin, call: Call<"delete">): Promise<void> {
  const request = new providerMessages.DeleteRequest();
  request.setId(call.id).setUrn(call.urn).setName(call.name).setType(call.type);
  request.setProperties(codec.old(call.outputs)).setOldInputs(codec.old(call.inputs)).setTimeout(call.timeoutSeconds);
  await callProvider<Empty>((done) => client.delete(request, done));
}

async function invoke({ client, codec }: Plugin, token: string, args: PropertyMap): ReturnType<Provider["invoke"]> {
  const request = new providerMessages.InvokeRequest();
  request.setTok(token).setArgs(codec.fresh(args));
  const response = await callProvider<InvokeResponse>((done) => client.invoke(request, done));
  return { result: decodeStruct(response.getReturn()), failures: readFailures(response) };
}

/** Gives a partial failure the secret marks of what was sent, and the id where the plugin left it out. */
async function whole<Response>(call: () => Promise<Response>, codec: Codec, sent: PropertyMap, id: string): Promise<Response> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof PartialFailure)) throw error;
    const { state } = error;
    const marked = { ...state, id: state.id === "" ? id : state.id, outputs: codec.marked(state.outputs, sent) };
    throw new PartialFailure(error.message, marked, error.reasons);
  }
}

function known(preview: boolean): { readonly unknowns: "keep" | "refuse" } {
  return { unknowns: preview ? "keep" : "refuse" };
}

function readFailures(response: { getFailuresList(): { getProperty(): string; getReason(): string }[] }): CheckFailure[] {
  return response.getFailuresList().map((failure) => ({ property: failure.getProperty(), reason: failure.getReason() }));
}

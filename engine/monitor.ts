import { randomUUID } from "node:crypto";
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import providerMessages from "@pulumi/pulumi/proto/provider_pb.js";
import resourceServices from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import type {
  ReadResourceRequest,
  RegisterPackageRequest,
  RegisterResourceOutputsRequest,
  RegisterResourceRequest,
  ResourceInvokeRequest,
  SupportsFeatureRequest,
} from "@pulumi/pulumi/proto/resource_pb.js";
import resourceMessages from "@pulumi/pulumi/proto/resource_pb.js";
import type { Empty as EmptyMessage } from "google-protobuf/google/protobuf/empty_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import { BusError, isBusError } from "../core/errors.ts";
import { hashAssets } from "./asset-hashes.ts";
import type { ProviderRequest, StackConfig } from "./default-providers.ts";
import type { DecodeContext } from "./monitor-messages.ts";
import { decodeProviderRequest, decodeRead, decodeRegistration, unknowns } from "./monitor-messages.ts";
import type { Registrar } from "./registrar.ts";
import { MonitorClosed } from "./registrar.ts";
import { unsupported } from "./unsupported.ts";
import { decodeStruct, encodeStruct, KEEP_ALL } from "./wire.ts";

/** A message of the program or a provider. */
export interface LogMessage {
  readonly severity: "debug" | "info" | "warning" | "error";
  readonly message: string;
  /** "" for the stack. */
  readonly urn: string;
  /** Chunks with one id belong together; 0 for none. */
  readonly streamId: number;
  readonly ephemeral: boolean;
}

/** What the monitor serves from. */
export interface MonitorOptions {
  readonly project: string;
  readonly projectRoot: string;
  readonly stack: string;
  readonly config: StackConfig;
  readonly preview: boolean;
  readonly parallel: number;
  readonly registrar: () => Registrar;
  readonly onLog: (message: LogMessage) => void;
  /** The program used something that only the CLI covers: the run must not go on. */
  readonly onUnsupported: (error: BusError) => void;
  /** The program has registered everything and is about to end. */
  readonly onShutdown: () => void;
}

/** A running monitor and engine service. */
export interface Monitor {
  /** `127.0.0.1:PORT` of both services. */
  readonly address: string;
  /** Ends all connections. */
  close(): void;
}

const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

/** Requests that wait longer than this for their turn are given up by the server. */
const MAX_WAIT_SECONDS = 1800;

/**
 * Serves the program and the providers on a free loopback port.
 * @throws BusError ERR_ENGINE_LISTEN when no port can be opened
 */
export async function startMonitor(options: MonitorOptions): Promise<Monitor> {
  const server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.server_max_unrequested_time_in_server": MAX_WAIT_SECONDS,
  });
  server.addService(resourceServices.ResourceMonitorService, monitorMethods(options));
  server.addService(engineServices.EngineService, engineMethods(options));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new BusError("ERR_ENGINE_LISTEN", `cannot listen on 127.0.0.1: ${error.message}`, { cause: error }));
    });
  });
  return { address: `127.0.0.1:${port}`, close: () => server.forceShutdown() };
}

type Handler<Request, Response> = (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>) => void;

function monitorMethods(options: MonitorOptions) {
  const packages = new Map<string, ProviderRequest>();
  const context: DecodeContext = { preview: options.preview, projectRoot: options.projectRoot, packages };
  const answer = <Request, Response>(task: (request: Request) => Promise<Response>): Handler<Request, Response> => handler(options, task);
  const refuse = (feature: string): Handler<unknown, EmptyMessage> =>
    answer(async () => {
      throw unsupported(feature);
    });
  return {
    getDeploymentInfo: answer(async () => deploymentInfo(options)),
    supportsFeature: answer(async (request: SupportsFeatureRequest) => supportsFeature(request)),
    registerResource: answer((request: RegisterResourceRequest) => register(options.registrar(), request, context)),
    registerResourceOutputs: answer(async (request: RegisterResourceOutputsRequest) => {
      await options.registrar().outputs(request.getUrn(), decodeStruct(request.getOutputs(), unknowns(context)));
      return new emptyMessages.Empty();
    }),
    readResource: answer((request: ReadResourceRequest) => read(options.registrar(), request, context)),
    invoke: answer((request: ResourceInvokeRequest) => invoke(options.registrar(), request, context)),
    call: refuse("a method of a remote component"),
    registerPackage: answer(async (request: RegisterPackageRequest) => registerPackage(request, packages)),
    registerStackTransform: refuse("a stack transform"),
    registerStackInvokeTransform: refuse("a stack invoke transform"),
    registerResourceHook: refuse("a resource hook"),
    registerErrorHook: refuse("an error hook"),
    signalAndWaitForShutdown: answer(async () => {
      options.onShutdown();
      return new emptyMessages.Empty();
    }),
  };
}

function engineMethods(options: MonitorOptions) {
  let root = "";
  const answer = <Request, Response>(task: (request: Request) => Promise<Response>): Handler<Request, Response> => handler(options, task);
  const empty = new emptyMessages.Empty();
  return {
    // The program sends its messages one after another and waits for each answer.
    log: (call: ServerUnaryCall<LogRequest, EmptyMessage>, done: sendUnaryData<EmptyMessage>) => {
      done(null, empty);
      log(options, call.request);
    },
    getRootResource: answer(async () => {
      const response = new engineMessages.GetRootResourceResponse();
      response.setUrn(root);
      return response;
    }),
    setRootResource: answer(async (request: { getUrn(): string }) => {
      root = request.getUrn();
      return new engineMessages.SetRootResourceResponse();
    }),
    requirePulumiVersion: answer(async () => new engineMessages.RequirePulumiVersionResponse()),
    startDebugging: answer(async () => new emptyMessages.Empty()),
  };
}

const SEVERITIES = ["debug", "info", "warning", "error"] as const;

function log(options: MonitorOptions, request: LogRequest): void {
  const severity = SEVERITIES[request.getSeverity()] ?? "info";
  if (severity === "debug") return;
  options.onLog({
    severity,
    message: request.getMessage(),
    urn: request.getUrn(),
    streamId: request.getStreamid(),
    ephemeral: request.getEphemeral(),
  });
}

function handler<Request, Response>(options: MonitorOptions, task: (request: Request) => Promise<Response>): Handler<Request, Response> {
  return (call, done) => {
    const failed = (error: unknown): void => {
      if (isBusError(error) && error.code === "ERR_ENGINE_UNSUPPORTED") options.onUnsupported(error);
      done(grpcError(error));
    };
    try {
      task(call.request).then((response) => done(null, response), failed);
    } catch (error) {
      failed(error);
    }
  };
}

// Unavailable makes the program stop without a word: the reason has been told already.
function grpcError(error: unknown): { code: status; details: string } {
  const closed = error instanceof MonitorClosed || (isBusError(error) && error.code === "ERR_ENGINE_UNSUPPORTED");
  const details = error instanceof Error ? error.message : String(error);
  return { code: closed ? status.UNAVAILABLE : status.UNKNOWN, details };
}

// Byte strings, the last but few, are left out; what is listed and not covered is refused by name when it is used.
const FEATURES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16] as const;

function deploymentInfo(options: MonitorOptions) {
  const info = new resourceMessages.DeploymentInfo();
  info.setProject(options.project);
  info.setStack(options.stack);
  info.setOrganization("organization");
  for (const [key, value] of Object.entries(options.config.values)) info.getConfigMap().set(key, value);
  info.setConfigsecretkeysList([...options.config.secretKeys]);
  info.setDryrun(options.preview);
  info.setParallel(options.parallel);
  info.setSupportedfeaturesList([...FEATURES]);
  return info;
}

const FEATURE_NAMES: ReadonlySet<string> = new Set([
  "secrets",
  "resourceReferences",
  "outputValues",
  "aliasSpecs",
  "replacementTrigger",
  "deletedWith",
  "replaceWith",
  "transforms",
  "invokeTransforms",
  "parameterization",
  "resourceHooks",
  "errorHooks",
  "sendsOptionsToHooks",
]);

async function supportsFeature(request: SupportsFeatureRequest) {
  const response = new resourceMessages.SupportsFeatureResponse();
  response.setHassupport(FEATURE_NAMES.has(request.getId()));
  return response;
}

async function register(registrar: Registrar, request: RegisterResourceRequest, context: DecodeContext) {
  const decoded = decodeRegistration(request, context);
  const goal = { ...decoded, inputs: await hashAssets(decoded.inputs, context.projectRoot) };
  const done = await registrar.register(goal, decodeProviderRequest(goal.type, request, context));
  const response = new resourceMessages.RegisterResourceResponse();
  if (done.result !== "done") {
    response.setUrn(done.urn);
    response.setResult(resourceMessages.Result.FAIL);
    return response;
  }
  const { entry } = done;
  response.setUrn(entry.urn);
  response.setId(entry.id ?? "");
  // Outputs of a component may name resources that are not registered yet.
  response.setObject(encodeStruct(entry.custom ? entry.outputs : {}, KEEP_ALL));
  return response;
}

async function read(registrar: Registrar, request: ReadResourceRequest, context: DecodeContext) {
  const goal = decodeRead(request, context);
  const done = await registrar.read(goal, request.getId(), decodeProviderRequest(goal.type, request, context));
  const response = new resourceMessages.ReadResourceResponse();
  if (done.result !== "done") {
    response.setUrn(done.urn);
    response.setResult(resourceMessages.Result.FAIL);
    return response;
  }
  response.setUrn(done.entry.urn);
  response.setProperties(encodeStruct(done.entry.outputs, KEEP_ALL));
  return response;
}

async function invoke(registrar: Registrar, request: ResourceInvokeRequest, context: DecodeContext) {
  const answer = await registrar.invoke({
    token: request.getTok(),
    args: decodeStruct(request.getArgs(), unknowns(context)),
    provider: request.getProvider(),
    request: decodeProviderRequest(request.getTok(), request, context),
    dependsOn: request.getDependsonList(),
  });
  const response = new resourceMessages.ResourceInvokeResponse();
  if (answer === undefined) {
    response.setUnknown(true);
    return response;
  }
  response.setReturn(encodeStruct(answer.result, KEEP_ALL));
  response.setFailuresList(
    answer.failures.map(({ property, reason }) => {
      const failure = new providerMessages.CheckFailure();
      failure.setProperty(property);
      failure.setReason(reason);
      return failure;
    }),
  );
  return response;
}

async function registerPackage(request: RegisterPackageRequest, packages: Map<string, ProviderRequest>) {
  if (request.hasParameterization() || request.hasExtension$()) throw unsupported(`the parameterised package ${request.getName()}`);
  const wanted = { packageName: request.getName(), version: request.getVersion(), downloadUrl: request.getDownloadUrl() };
  const known = [...packages].find(([, other]) => JSON.stringify(other) === JSON.stringify(wanted));
  const reference = known?.[0] ?? randomUUID();
  packages.set(reference, wanted);
  const response = new resourceMessages.RegisterPackageResponse();
  response.setRef(reference);
  return response;
}

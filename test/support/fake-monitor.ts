import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineMessages, { type LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import monitorServices from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import monitorMessages from "@pulumi/pulumi/proto/resource_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";

/** A monitor that accepts every resource and gives it its inputs as outputs. */
export interface FakeMonitor extends AsyncDisposable {
  readonly address: string;
  /** Types of the resources registered so far. */
  readonly registered: readonly string[];
  /** What the program logged at level error. */
  readonly errors: readonly string[];
}

type Handler<Request, Response> = (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>) => void;

const FEATURES = [0, 1, 2, 3, 5, 9];

/** Listens on a free loopback port. */
export async function startFakeMonitor(): Promise<FakeMonitor> {
  const registered: string[] = [];
  const errors: string[] = [];
  const empty: Handler<unknown, InstanceType<typeof emptyMessages.Empty>> = (_call, done) => done(null, new emptyMessages.Empty());
  const server = new Server();
  server.addService(monitorServices.ResourceMonitorService, {
    getDeploymentInfo: (_call: unknown, done: sendUnaryData<unknown>) => {
      const answer = new monitorMessages.DeploymentInfo();
      done(null, answer.setProject("probe").setStack("dev").setOrganization("organization").setSupportedfeaturesList(FEATURES));
    },
    registerResource: ((call, done) => {
      const { request } = call;
      registered.push(request.getType());
      const answer = new monitorMessages.RegisterResourceResponse();
      answer.setUrn(`urn:pulumi:dev::probe::${request.getType()}::${request.getName()}`).setId(request.getCustom() ? "id" : "");
      done(null, answer.setObject(request.getObject()));
    }) as Handler<RegisterResourceRequest, InstanceType<typeof monitorMessages.RegisterResourceResponse>>,
    registerResourceOutputs: empty,
    signalAndWaitForShutdown: empty,
  } as never);
  server.addService(engineServices.EngineService, {
    log: ((call, done) => {
      if (call.request.getSeverity() === engineMessages.LogSeverity.ERROR) errors.push(call.request.getMessage());
      done(null, new emptyMessages.Empty());
    }) as Handler<LogRequest, InstanceType<typeof emptyMessages.Empty>>,
    setRootResource: (_call: unknown, done: sendUnaryData<unknown>) => done(null, new engineMessages.SetRootResourceResponse()),
  } as never);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    registered,
    errors,
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

import { type ClientUnaryCall, type ServiceError, status } from "@grpc/grpc-js";
import providerMessages from "@pulumi/pulumi/proto/provider_pb.js";
import statusMessages from "@pulumi/pulumi/proto/status_pb.js";
import { BusError } from "../core/errors.ts";
import { PartialFailure } from "./model.ts";
import { decodeStruct } from "./wire.ts";

/** Starts one call of a generated client, whose answer goes to `done`. */
export type UnaryCall<Response> = (done: (error: ServiceError | null, response: Response) => void) => ClientUnaryCall;

/**
 * Calls a provider.
 * @throws PartialFailure when the resource exists but did not become well
 * @throws BusError ERR_ENGINE_PROVIDER with the provider's message; `cause` is the gRPC error
 */
export function callProvider<Response>(call: UnaryCall<Response>): Promise<Response> {
  return new Promise((resolve, reject) => {
    call((error, response) => (error === null ? resolve(response) : reject(readError(error))));
  });
}

/** Like {@link callProvider}; resolves with undefined where the provider does not implement the method. */
export async function callOptional<Response>(call: UnaryCall<Response>): Promise<Response | undefined> {
  try {
    return await callProvider(call);
  } catch (error) {
    if (grpcCode(error) === status.UNIMPLEMENTED) return undefined;
    throw error;
  }
}

/** The gRPC status code behind an error of {@link callProvider}; undefined for other errors. Internal, DataLoss and Unknown leave the resource's state uncertain. */
export function grpcCode(error: unknown): status | undefined {
  const cause = error instanceof BusError ? error.cause : undefined;
  return typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "number" ? cause.code : undefined;
}

function readError(error: ServiceError): Error {
  const message = error.details === "" ? error.message : error.details;
  const failure = initFailure(error);
  if (failure === undefined) return new BusError("ERR_ENGINE_PROVIDER", message, { cause: error });
  const inputs = failure.getInputs();
  return new PartialFailure(
    message,
    {
      id: failure.getId(),
      outputs: decodeStruct(failure.getProperties()),
      ...(inputs === undefined ? {} : { inputs: decodeStruct(inputs) }),
    },
    failure.getReasonsList(),
  );
}

const INIT_FAILED = "pulumirpc.ErrorResourceInitFailed";

function initFailure(error: ServiceError): InstanceType<typeof providerMessages.ErrorResourceInitFailed> | undefined {
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (!(bytes instanceof Uint8Array)) return undefined;
  const details = statusMessages.Status.deserializeBinary(bytes).getDetailsList();
  for (const detail of details) {
    const failure = detail.unpack(providerMessages.ErrorResourceInitFailed.deserializeBinary, INIT_FAILED);
    if (failure !== null) return failure;
  }
  return undefined;
}

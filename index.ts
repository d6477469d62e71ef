/** The program: stack configuration and catalogues in, one message bus out. Run it with `npm run up`, or with `pulumi up`. */
import * as pulumi from "@pulumi/pulumi";
import { ACCOUNTS } from "./accounts/catalog.ts";
import { MessageBus } from "./components/message-bus.ts";
import { resolveBus } from "./components/resolve.ts";
import { isBusError } from "./core/errors.ts";
import { catalog } from "./streams/catalog.ts";

const stack = { stack: pulumi.getStack(), project: pulumi.getProject() };

/** A mistake of the user is told in words, without a stack trace. */
async function inWords<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isBusError(error)) throw error;
    throw new pulumi.RunError(`${error.message}${error.remedy === undefined ? "" : `\n  ${error.remedy}`} [${error.code}]`);
  }
}

const resolved = await inWords(() => resolveBus(pulumi.runtime.allConfig(), stack, { streams: catalog, accounts: ACCOUNTS }));
for (const warning of resolved.warnings) void pulumi.log.warn(warning);

const bus = await inWords(() => MessageBus.create("bus", { bus: resolved }));

/** Client URLs of the servers. */
export const servers = bus.servers;
/** URLs of the servers' monitor ports; plain HTTP on loopback unless asked otherwise. */
export const monitorUrls = bus.monitorUrls;
/** Version of nats-server. */
export const serverVersion = bus.serverVersion;
/** Map keyed by user: its credentials file, relative to the project. Contains no secret. */
export const credentials = bus.credentials;
/** File with the authorities of the bus, PEM, relative to the project. */
export const caFile = `${resolved.spec.process.directory}/ca.pem`;

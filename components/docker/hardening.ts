/** What every container of a bus must be, after the container part of the CIS Docker Benchmark: a table of our own, which tests and `natsbus check-config` ask. Pure. */
import type { ContainerPlan, DockerPlan } from "./plan.ts";

/** One rule. */
interface ContainerRule {
  /** What must hold, in words. */
  readonly title: string;
  /** Whether a container keeps it. */
  readonly holds: (container: ContainerPlan, plan: DockerPlan) => boolean;
}

const SECRET = /-----BEGIN|eyJ[A-Za-z0-9_-]{20}|\bS[UAOXCN][A-Z2-7]{56}\b/;
const ENGINE_SOCKET = /docker\.sock/;
const SYSTEM_FOLDERS = /^\/(bin|boot|dev|lib|proc|sbin|sys|usr)?$/;
const LOWEST_USER_PORT = 1024;

/** The rules. Read-only root, dropped capabilities and no new privileges are not options of a plan: every writer sets them, and its tests look for them. */
export const CONTAINER_RULES: readonly ContainerRule[] = [
  {
    title: "does not run as root, unless it ends after handing over the volumes",
    holds: ({ user, once }) => !user.startsWith("0:") || once,
  },
  {
    title: "keeps no capability, unless it hands over the volumes",
    holds: ({ capabilities, once }) => capabilities.length === 0 || (once && capabilities.join() === "CHOWN"),
  },
  { title: "has an image with a fixed version", holds: ({ image }) => /@sha256:|:(?!latest$)[^/:]+$/.test(image) },
  { title: "has a limit on processes", holds: ({ processes }) => processes > 0 && processes <= 4096 },
  {
    title: "has limits on memory and CPU, unless it is a server without limits in the stack file",
    holds: ({ memoryBytes, cpus, labels }) => labels["natsbus.part"] === "server" || (memoryBytes !== undefined && cpus !== undefined),
  },
  {
    title: "has no secret in environment, arguments or labels",
    holds: ({ environment, command, entrypoint = [], labels }) => !SECRET.test(JSON.stringify([environment, command, entrypoint, labels])),
  },
  {
    title: "does not hold the engine's socket",
    holds: ({ mounts }) => mounts.every((mount) => !ENGINE_SOCKET.test(JSON.stringify(mount))),
  },
  { title: "mounts nothing over a system folder", holds: ({ mounts }) => mounts.every(({ target }) => !SYSTEM_FOLDERS.test(target)) },
  { title: "listens on no privileged port inside", holds: ({ ports }) => ports.every(({ inside }) => inside >= LOWEST_USER_PORT) },
  {
    title: "publishes on a named address, not on every one by default",
    holds: ({ ports }) => ports.every(({ address }) => address !== ""),
  },
  {
    title: "has a health check, if it is a server",
    holds: ({ health, labels }) => labels["natsbus.part"] !== "server" || health !== undefined,
  },
  {
    title: "shares no network but a server's",
    holds: ({ networkOf }, { containers }) =>
      networkOf === undefined || containers.some(({ name, labels }) => name === networkOf && labels["natsbus.part"] === "server"),
  },
  { title: "is given time to leave", holds: ({ stopSeconds, labels }) => stopSeconds >= (labels["natsbus.part"] === "server" ? 45 : 10) },
  {
    title: "is named as part of the bus",
    holds: ({ labels }) => labels["natsbus.bus"] !== undefined && labels["natsbus.stack"] !== undefined,
  },
  { title: "rotates its log", holds: (_, { log }) => log.maxSizeBytes > 0 && log.maxFiles > 0 },
];

/** Every broken rule, with the container's name; empty when all hold. */
export function containerProblems(plan: DockerPlan): string[] {
  return plan.containers.flatMap((container) =>
    CONTAINER_RULES.filter(({ holds }) => !holds(container, plan)).map(({ title }) => `${container.name}: ${title}`),
  );
}

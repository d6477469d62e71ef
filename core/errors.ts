/**
 * Every code a {@link BusError} can carry, with the situation it stands for. `docs/errors.md` explains each; a meta test keeps the two equal.
 * Codes are stable: scripts may switch on them.
 */
export const ERROR_CODES = {
  // configuration and catalogue
  ERR_CONFIG: "the stack configuration or the catalogue holds one or more problems, all listed",
  ERR_CONFIG_VALUE: "a setting of the stack file has a value that is not allowed",
  ERR_CONFIG_KEY: "the stack file holds a key that does not exist",
  ERR_CONFIG_MISSING: "a key of the stack file has no value",
  ERR_CONFIG_CONFLICT: "two settings contradict each other",
  ERR_UNIT: "a duration or a size is not written as a number with a unit, or is too large to be exact",
  ERR_NAME: "a name holds characters NATS does not accept, or is too long",
  ERR_SUBJECT: "a subject is not well formed",
  ERR_SUBJECT_OVERLAP: "two streams of one account would store the same messages",
  ERR_REPLICAS: "more replicas are asked for than there are servers, or a number NATS does not allow",
  ERR_STREAM_LIMIT: "limits of a stream contradict each other or what a server accepts",
  ERR_STORAGE: "the streams' limits together exceed the servers' JetStream storage",
  ERR_PORT_CLASH: "two listeners are configured on one port",
  ERR_SERVER_VERSION: "the server version is outside the supported range or too old for a setting used",
  ERR_SERVER_BINARY: "no usable nats-server was found, and none of the ways to get one worked",
  ERR_SERVER_CONFIG: "a value cannot be written into a server configuration",
  // engine: state, secrets, project files, provider plugins, program
  ERR_ENGINE_PATH: "a property path of an option cannot be read, or leads nowhere",
  ERR_ENGINE_UNSUPPORTED: "the embedded engine does not cover a feature; the Pulumi CLI does",
  ERR_ENGINE_STATE_INTEGRITY: "the entries of a state contradict each other",
  ERR_ENGINE_ASSET: "the content of an asset or archive cannot be read",
  ERR_ENGINE_OPTION: "an option of a resource cannot be read",
  ERR_ENGINE_LISTEN: "the engine cannot open a port on this machine for its program and providers",
  ERR_ENGINE_UNKNOWN_VALUE: "a value that is not known yet was sent outside a preview",
  ERR_ENGINE_PLUGIN_MISSING: "a provider plugin that the program or the state needs is not installed",
  ERR_ENGINE_PLUGIN_START: "a provider plugin did not start, or ended on its own",
  ERR_ENGINE_PROVIDER: "a provider plugin refused or failed a call",
  ERR_ENGINE_SDK_MISSING: "the Pulumi SDK is not installed in the program's folder",
  ERR_STATE_LOCKED: "another run holds the stack's lock",
  ERR_STATE_CORRUPT: "a file of the state folder cannot be read as what it should be",
  ERR_STATE_VERSION: "the state was written by a version this engine does not understand",
  ERR_STATE_WRITE: "the state folder cannot be written",
  ERR_STATE_BACKEND: "the state backend's address is not a folder this engine can use",
  ERR_STACK_MISSING: "the stack does not exist in the state folder",
  ERR_PASSPHRASE_MISSING: "the stack's secrets need a passphrase and none was given",
  ERR_PASSPHRASE_WRONG: "the passphrase does not open the stack's secrets",
  ERR_SECRETS_PROVIDER: "the stack's secrets are kept by a service this engine does not speak to, or its settings are damaged",
  ERR_PROJECT: "Pulumi.yaml or the stack's settings file is missing or malformed",
  // connections to the servers
  ERR_CONNECT_OPTION: "a setting of a connection is not well formed",
  ERR_CONNECT_REFUSED: "no server of the connection answers",
  ERR_CONNECT_CREDENTIALS: "the server refused the credentials, or the text is no credentials",
  ERR_CONNECT_TLS: "the TLS handshake with a server failed",
  ERR_CONNECT_TIMEOUT: "a server did not answer the connection attempt in time",
  ERR_CONNECT_FORWARD: "no pod can be reached through the Kubernetes API",
  ERR_KUBECONFIG: "no usable kubeconfig was found, or it has no such context",
  // streams and what lives in them
  ERR_STREAM_KEY: "a stream, consumer or bucket has a setting that does not exist",
  ERR_STREAM_VALUE: "a setting of a stream, consumer or bucket has a value that is not allowed",
  ERR_STREAM_IMMUTABLE: "a change would lose messages or a consumer's position, and the policies forbid that",
  ERR_STREAM_FOREIGN: "a stream or consumer of that name exists and does not belong to this resource",
  ERR_STREAM_CONFLICT: "somebody else changed a stream or consumer at the same time",
  ERR_STREAM_MISSING: "the stream that a consumer belongs to does not exist",
  ERR_STREAM_OFFLINE: "the servers that hold a stream do not answer, so that nothing is known about it",
  ERR_STREAM_REFUSED: "the server refused a stream or consumer configuration",
  ERR_PEER_OFFLINE: "a server that replicas are to be placed on is not there, or has only just come back",
  ERR_STREAM_REPLICAS: "the replicas of a stream or consumer did not become current in time",
  ERR_STREAM_MIGRATION: "a stream could not be migrated; it and its copy are kept",
  ERR_STREAM_SET: "several objects of a set could not be reconciled; the others are done and recorded",
  ERR_JETSTREAM_OFF: "JetStream is not enabled for the account or on the servers",
  ERR_JETSTREAM_LEADER: "the cluster has no JetStream meta leader",
  ERR_JETSTREAM_TIMEOUT: "JetStream did not answer a request in time",
  // identity and TLS
  ERR_KEY: "a NATS key or seed is malformed or of the wrong kind",
  ERR_TOKEN: "a NATS token cannot be read, or its signature is wrong",
  ERR_CREDENTIALS: "a credentials file cannot be read or holds no user",
  ERR_ACCOUNT_ARGS: "an account, role or user of the catalogue is not well formed",
  ERR_ACCOUNT_UNREACHABLE: "not every server of the cluster answered, so the account was not pushed",
  ERR_ACCOUNT_PUSH: "a server refused an account, or did not take it over",
  ERR_ACCOUNT_REPLACE: "a change would give an account another identity and leave its streams behind",
  ERR_ACCOUNT_JETSTREAM: "a change would take JetStream from an account and hide its streams",
  ERR_ACCOUNT_IN_USE: "an account that still has streams cannot be deleted",
  ERR_CREDENTIALS_FOLDER: "the folder for credentials files cannot be written",
  ERR_TLS_ARGS: "a TLS setting is not well formed",
  ERR_TLS_FILE: "a certificate or key file is missing or unreadable",
  ERR_TLS_EXPIRED: "a certificate has ended or is not valid yet",
  ERR_TLS_NOT_CA: "a certificate given as an authority is none, or did not sign the server certificate",
  ERR_TLS_KEY: "a private key does not belong to its certificate",
  ERR_TLS_NAMES: "a server certificate does not cover a name clients use",
  // servers on this machine
  ERR_CLUSTER_NOT_READY: "the servers run but did not become a cluster with a meta leader and current replicas in time",
  ERR_PORT_IN_USE: "a port the configuration names is taken by another process",
  ERR_SERVER_START: "a server ended right after its start, or refused its configuration",
  ERR_SERVER_STOP: "a server process could not be ended",
  ERR_SCALE_DOWN: "servers would leave in a way that loses replicas: by a changed number, or with too few servers left",
  ERR_CLUSTER_IDENTITY: "the cluster name, a server name or the folder of a running cluster was changed",
  ERR_RUNTIME_FOLDER: "the runtime folder cannot be written, or holds what natsbus did not make",
  ERR_SERVERS_APPLIED: "the stack applied its servers itself, and a run without them would delete them",
  // servers on Kubernetes
  ERR_KUBERNETES_OBJECT: "something that the declared Kubernetes objects need is not there, is not what it should be, or is being deleted",
  // hosts reached over SSH
  ERR_HOST_ACCESS: "a host cannot be reached, or its user may not set up services",
  ERR_HOST_TOOL: "a program that a host needs is missing or too old",
  ERR_HOST_DISK: "a host has no room for the streams or for its files",
  ERR_IMAGE: "an image of a container is not on the engine and cannot be fetched",
  ERR_KUBERNETES: "the Kubernetes API refused a call, or did not answer",
  ERR_STORAGE_CLASS: "a storage class does not exist, or does not let volumes grow",
  ERR_ROLLOUT: "a rolling restart stopped before every server runs what is declared",
  ERR_VERSION_STEP: "a nats-server version would be skipped, or an older one would run over newer data",
  // command line
  ERR_USAGE: "a command line cannot be understood, or asks for what that command does not do",
  ERR_NO_TERMINAL: "a question would have to be asked and there is no terminal to ask it on",
  ERR_INTERRUPTED: "a question was answered with Ctrl-C, or a backup or restore was ended by it",
  ERR_MONITORING_START: "a monitoring process ended right after its start, or refused its configuration",
  ERR_PROBE_CONFIG: "the configuration of a probe cannot be read",
  ERR_NOT_UP: "the stack is not up, so that there is nothing to show or to connect to",
  ERR_USER_UNKNOWN: "the stack has no user of that name",
  ERR_ENGINE_MISSING: "the Pulumi CLI was asked for and is not on PATH",
  ERR_PUBLISH: "a message was refused by the server or not confirmed in time",
  ERR_READ: "messages of a stream cannot be read",
  ERR_PORTS_EXHAUSTED: "no free block of ports was found for an ephemeral cluster",
  ERR_VERIFY_DISRUPTIVE: "the acceptance suite would have to stop a server and was not allowed to",
  ERR_REPORT_FILE: "a report cannot be written to the file that was named, or read from it",
  ERR_BACKUP_FOLDER: "the folder for a backup holds something already, or cannot be written",
  ERR_BACKUP_DAMAGED: "a file of a backup is missing, truncated, changed or cannot be read",
  ERR_RESTORE_EXISTS: "a stream that is to be restored exists",
  // message bus client
  ERR_CLIENT_STACK: "the files of a stack, or a user's credentials among them, are not where the client looks",
  ERR_CLIENT_OPTION: "an option given to the message bus client has a value that is not allowed",
  ERR_CLIENT_CLOSED: "the message bus client is closed or closing",
  ERR_CLIENT_SUBJECT: "a subject definition is malformed, or a message has no literal subject to go to",
  ERR_CLIENT_SCHEMA: "a payload does not fit the schema of its subject",
  ERR_CLIENT_SIZE: "a message is larger than its subject or the server allows",
  ERR_CLIENT_PUBLISH: "a message was refused: nothing stores its subject, the user may not publish it, or the stream does not take it",
  ERR_CLIENT_DEADLINE: "a message was not confirmed before its deadline; it may or may not be stored",
  ERR_CLIENT_BACKPRESSURE: "more messages wait to be published than the client holds",
  ERR_CLIENT_CONSUMER: "a consumer does not exist, may not be read, or does not ask for acknowledgements",
  ERR_CLIENT_STREAM: "messages of a stream cannot be read",
  ERR_CLIENT_BATCH: "a batch was not stored, or only in part",
  ERR_CLIENT_REGISTRY: "the bucket of a schema registry cannot be read or written, or holds another schema under a version",
  ERR_CLIENT_INCOMPATIBLE: "a new version of a schema would break consumers or publishers of another one",
  ERR_CLIENT_REQUEST: "a request was refused, or nobody serves its subject",
  ERR_CLIENT_TIMEOUT: "a request was not answered in time; it may or may not have been handled",
  ERR_CLIENT_SERVICE: "a service answered a request with an error",
  ERR_CLIENT_REPLY: "the answer to a request does not fit its schema, or its signature is not accepted",
  ERR_CLIENT_SERVE: "a service or one of its endpoints cannot be offered",
  ERR_CLIENT_KEY: "a key for signing or verifying messages is not a user key of NATS",
  // components
  ERR_AUTH_MODE: "something was asked for that the stack's authentication mode does not have",
  // clusters that run already
  ERR_EXISTING_FILE: "a file that says how an existing cluster is reached cannot be read",
  ERR_EXISTING_MONITOR: "a monitor URL of an existing cluster is not that of one of its servers",
  ERR_EXISTING_OPERATOR: "the servers of an existing cluster do not take what the operator's key signs",
  ERR_EXISTING_SERVERS: "fewer servers of an existing cluster answer than the stack names",
  ERR_EXISTING_SYSTEM: "the login for accounts of an existing cluster is not one of the system account",
  // bugs
  ERR_INTERNAL: "natsbus itself is wrong; please report it",
} as const;

/** A stable error code. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** One thing wrong in user input. Problems are collected and reported together, never one by one. */
export interface Problem {
  /** Stable code. */
  readonly code: ErrorCode;
  /** Path of the offending setting, for instance `streams.ORDERS.maxAge`. */
  readonly path: string;
  /** What is wrong, with the value given and what is allowed; never a secret. */
  readonly message: string;
  /** What the user can do about it. */
  readonly remedy: string;
}

/** Options of a {@link BusError}. */
export interface BusErrorOptions {
  /** Path of the offending setting.
   * @default - none */
  readonly path?: string;
  /** What to do, one sentence.
   * @default - none */
  readonly remedy?: string;
  /** The single problems behind a collected error.
   * @default [] */
  readonly problems?: readonly Problem[];
  /** The original error.
   * @default - none */
  readonly cause?: unknown;
}

/** The one error class of natsbus: what happened, which value, what is allowed, what to do. Recognise it by `code`, also across processes. */
export class BusError extends Error {
  override readonly name = "BusError";
  /** Stable code. */
  readonly code: ErrorCode;
  /** Path of the offending setting, when there is one. */
  readonly path: string | undefined;
  /** What to do about it, when known. */
  readonly remedy: string | undefined;
  /** The single problems, when several were collected. */
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: BusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.remedy = options.remedy;
    this.problems = options.problems ?? [];
  }
}

/** Whether `error` is a {@link BusError}, also one that crossed a process or module boundary. */
export function isBusError(error: unknown): error is BusError {
  return (
    error instanceof Error && error.name === "BusError" && "code" in error && typeof error.code === "string" && error.code in ERROR_CODES
  );
}

/**
 * Throws one error that lists every problem; does nothing when there is none.
 * @throws the problem's own code for a single one, `ERR_CONFIG` for several
 */
export function assertNoProblems(problems: readonly Problem[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  if (others.length === 0)
    throw new BusError(first.code, `${first.path}: ${first.message}`, { path: first.path, remedy: first.remedy, problems });
  const list = problems.map((problem) => `  ${problem.path}: ${problem.message} [${problem.code}]\n    ${problem.remedy}`);
  throw new BusError("ERR_CONFIG", `${problems.length} problems:\n${list.join("\n")}`, { problems });
}

// Preloaded into the program and the dynamic provider host (`node --require=…`). It does three things.
//
// 1. Ends the process when the engine is gone. The engine holds the other end of the pipe on file descriptor 3; the kernel closes it however the
//    engine ends, SIGKILL included. Only this process ends: servers started by a provider are separate processes and live on.
// 2. Makes the start cheaper. The SDK loads a third of its modules for cases that most runs never reach (tracing, the Automation API, closure
//    parsing in the provider host). Those load on first use instead; nothing is replaced, only postponed.
// 3. Leaves out work of the SDK whose result nobody sees: debug messages, which the engine drops, and stack traces of promises, which are shown with
//    PULUMI_DEBUG_PROMISE_LEAKS only. A resource of eight properties took forty traces and four messages, each message a call that is waited for.
"use strict";

const Module = require("node:module");
const { Socket } = require("node:net");

const GUARD_DESCRIPTOR = 3;

/** Modules whose value is only read when used: the whole module is postponed. */
const POSTPONED = new Map([
  ["typescript", { esModule: false }],
  ["@npmcli/arborist", { esModule: true }],
  ["normalize-package-data", { esModule: false }],
  ["js-yaml", { esModule: true }],
  ["./automation", { esModule: true }],
]);

/** Modules that are taken apart while loading, into functions and classes used later: each member is postponed. */
const POSTPONED_MEMBERS = new Set([
  "@opentelemetry/resources",
  "@opentelemetry/sdk-trace-base",
  "@opentelemetry/exporter-zipkin",
  "@opentelemetry/instrumentation-grpc",
  "@opentelemetry/sdk-trace-node",
  "@opentelemetry/instrumentation",
]);

const SDK_FILE = /[\\/]@pulumi[\\/]pulumi[\\/]/;

function endWithEngine() {
  if (process.env.NATSBUS_CHILD_GUARD !== "1") return;
  // Children of this process must not look for a pipe they do not have.
  delete process.env.NATSBUS_CHILD_GUARD;
  const pipe = new Socket({ fd: GUARD_DESCRIPTOR, readable: true, writable: false });
  const end = () => {
    Module.flushCompileCache?.();
    // Not process.exit: exit handlers of the SDK would complain about unfinished work.
    process.kill(process.pid, "SIGKILL");
  };
  pipe.on("close", end).on("error", end).resume();
  pipe.unref();
}

function once(load) {
  let loaded = false;
  let value;
  return () => {
    if (!loaded) {
      value = load();
      loaded = true;
    }
    return value;
  };
}

// A function as target, because a module may be callable.
function postpone(load, esModule) {
  const real = once(load);
  return new Proxy(function postponed() {}, {
    get: (_target, key) => (key === "__esModule" ? esModule : real()[key]),
    set: (_target, key, value) => Reflect.set(real(), key, value),
    has: (_target, key) => key in real(),
    ownKeys: (target) => [...new Set([...Reflect.ownKeys(target), ...Reflect.ownKeys(real())])],
    getOwnPropertyDescriptor: (target, key) =>
      Reflect.getOwnPropertyDescriptor(target, key) ?? configurable(Reflect.getOwnPropertyDescriptor(real(), key)),
    apply: (_target, self, parameters) => Reflect.apply(real(), self, parameters),
    construct: (_target, parameters) => Reflect.construct(real(), parameters),
  });
}

function configurable(descriptor) {
  return descriptor === undefined ? undefined : { ...descriptor, configurable: true };
}

function postponeMembers(load) {
  const real = once(load);
  return new Proxy({}, { get: (_target, key) => (key === "__esModule" ? true : postpone(() => real()[key], false)) });
}

/** Functions of the SDK that are replaced, by the end of their module's name. */
const QUIETENED = [
  [/(^|\/)log$/, "debug", () => () => Promise.resolve()],
  ...(process.env.PULUMI_DEBUG_PROMISE_LEAKS ? [] : [[/\/debuggable$/, "debuggablePromise", withoutTraces]]),
];
const replacements = new WeakSet();

// At every load: in a circle of modules the first one comes before the function is there.
function quieten(request, loaded) {
  for (const [end, name, replace] of QUIETENED) {
    const original = end.test(request) ? loaded[name] : undefined;
    if (original === undefined || replacements.has(original)) continue;
    loaded[name] = replace(original);
    replacements.add(loaded[name]);
  }
  return loaded;
}

function withoutTraces(debuggablePromise) {
  return (promise, context) => {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      return debuggablePromise(promise, context);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  };
}

function loadLate() {
  const load = Module._load;
  const withSourceMaps = process.env.NATSBUS_SOURCE_MAPS === "1";
  Module._load = function (request, parent, isMain) {
    const now = () => load.call(this, request, parent, isMain);
    if (!SDK_FILE.test(parent?.filename ?? "")) return now();
    // Maps every stack trace of the SDK, which takes several traces per resource: 40 % of the program's CPU time.
    if (request === "source-map-support/register" && !withSourceMaps) return {};
    const whole = POSTPONED.get(request);
    if (whole !== undefined) return postpone(now, whole.esModule);
    if (POSTPONED_MEMBERS.has(request) && parent.filename.endsWith("tracing.js")) return postponeMembers(now);
    return quieten(request, now());
  };
}

endWithEngine();
if (process.env.NATSBUS_EAGER_SDK !== "1") loadLate();

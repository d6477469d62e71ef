/** A place where the engine departs from the recorded CLI on purpose. */
export interface Departure {
  readonly scenario: string;
  /** Step name. */
  readonly step: string;
  /** Prefix of the difference, `FIELD.path…`. */
  readonly field: string;
  readonly reason: string;
}

const UNSAVED =
  "after a crash the state is the checkpoint plus the journal, which the next run saves; the time of a save is not kept apart";
const IMPORT_TIME = "an import stamps the time at which it was made";
const LEAK = "resources that a leaked promise kept from registering are not deleted: the program's exit code is awaited first";
const RACE = "which of two registrations of one URN arrives first is not fixed, nor whether the good one is under way when the run stops";

/** Every intended departure. Whatever is not listed has to match. */
export const DEPARTURES: readonly Departure[] = [
  ...["killed", "locked", "cancel", "preview next"].map((step) => ({
    scenario: "killed-create",
    step,
    field: "state.deployment.manifest.time",
    reason: UNSAVED,
  })),
  ...["killed", "cancel"].map((step) => ({ scenario: "round-trip", step, field: "state.deployment.manifest.time", reason: UNSAVED })),
  ...["export and import", "import again", "taint z"].map((step) => ({
    scenario: "round-trip",
    step,
    field: "state.deployment.manifest.time",
    reason: IMPORT_TIME,
  })),
  ...["summary.resourceChanges", "history.resourceChanges", "events", "calls", "state", "stateOrder"].map((field) => ({
    scenario: "promise-leak",
    step: "leak",
    field,
    reason: LEAK,
  })),
  ...["calls", "events", "state", "stateOrder"].map((field) => ({ scenario: "promise-leak", step: "preview leak", field, reason: LEAK })),
  ...["summary.resourceChanges", "history.resourceChanges", "events", "calls"].map((field) => ({
    scenario: "promise-leak",
    step: "works",
    field,
    reason: LEAK,
  })),
  { scenario: "duplicate-urn", step: "duplicate", field: "summary.resourceChanges", reason: RACE },
  { scenario: "duplicate-urn", step: "duplicate", field: "events", reason: RACE },
  { scenario: "duplicate-urn", step: "duplicate", field: "history.resourceChanges", reason: RACE },
  {
    scenario: "empty-program",
    step: "destroy again",
    field: "history.resourceChanges",
    reason: "a run without changes says so with an empty map",
  },
  { scenario: "duplicate-urn", step: "preview duplicate", field: "calls", reason: RACE },
  ...["killed-create", "round-trip"].map((scenario) => ({
    scenario,
    step: "killed",
    field: "events",
    reason: "the events of a killed process are not collected",
  })),
  {
    scenario: "custom-timeouts",
    step: "bad",
    field: "events",
    reason: "a bad option is refused before the default provider is registered for its sake",
  },
  { scenario: "fail-update", step: "fails", field: "events.1.new.id", reason: "the id of a failed update is told on its old side only" },
  ...["preview unrelated change", "unrelated change", "used change and a secret", "removed"].flatMap((step) =>
    ["events.2.diffs", "events.3.diffs"].map((field) => ({
      scenario: "config-change",
      step,
      field,
      reason: "changed settings of a provider are named",
    })),
  ),
  ...["preview replace", "replace"].flatMap((step) =>
    ["events.10.keys", "events.11.keys"].map((field) => ({
      scenario: "replace-delete-first",
      step,
      field,
      reason: "why a dependent is made anew is not told again",
    })),
  ),
  { scenario: "import", step: "import", field: "events", reason: "a refused import leaves nothing uncertain" },
  { scenario: "import", step: "option with another id", field: "events", reason: "the old side of a refused import is told too" },
  ...["import", "option with another id"].map((step) => ({
    scenario: "import",
    step,
    field: "summary.maybeCorrupt",
    reason: "option import is refused before any provider is asked, so nothing can be corrupt",
  })),
];

/** Steps that ask for what only the CLI covers: they must fail with ERR_ENGINE_UNSUPPORTED. The steps after them start from another state. */
export const UNSUPPORTED_FROM: Readonly<Record<string, string>> = { targets: "target a" };

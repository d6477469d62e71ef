import { randomBytes } from "node:crypto";
import { isBusError } from "../core/errors.ts";
import { checkText } from "./check-text.ts";
import { applyIgnoreChanges, applyReplaceOnChanges, diffInputs, NO_CHANGE } from "./diff.ts";
import { deepEqual } from "./equality.ts";
import type { Goal } from "./goal.ts";
import { aliasUrns, inheritFromParent } from "./goal.ts";
import type { Ledger } from "./ledger.ts";
import type { DiffAnswer, Provider, ResourceEntry } from "./model.ts";
import type { Decision } from "./plan.ts";
import { decideFromDiff, decideWithoutDiff, deletesFirst, draftEntry, forcedReplacement, isImport, stepsOf } from "./plan.ts";
import { providerWasReplaced } from "./provider-change.ts";
import type { ProviderRegistry } from "./registry.ts";
import { findDependents } from "./replaced-dependents.ts";
import type { Reporter } from "./reporter.ts";
import type { RunState } from "./run-state.ts";
import type { Step, Subject } from "./step.ts";
import { createDelete, createFinalDelete, createStep } from "./step.ts";
import { createUrn, parseUrn } from "./urn.ts";
import type { PropertyMap } from "./values.ts";

/** What deciding needs. */
export interface GeneratorContext {
  readonly stack: string;
  readonly project: string;
  readonly preview: boolean;
  readonly ledger: Ledger;
  readonly registry: ProviderRegistry;
  readonly reporter: Reporter;
  readonly state: RunState;
  /** Whether a resource is to be replaced even if unchanged. */
  readonly isRequested: (urn: string) => boolean;
}

/** A decision could not be made; the reason has been told. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** What is to be done with one resource. */
export interface Generated {
  readonly subject: Subject;
  readonly steps: readonly Step[];
}

/** A resource that is only looked up. */
export interface ReadGoal {
  readonly goal: Goal;
  /** May be the unknown sentinel in a preview. */
  readonly id: string;
}

/** Decides, one resource at a time, which steps bring it to what the program wants. Calls must not overlap. */
export class Generator {
  readonly #context: GeneratorContext;
  readonly #goals = new Map<string, Goal>();
  /** URN to the former URN under which the old entry was found. */
  readonly #aliased = new Map<string, string>();
  readonly #replaced = new Set<string>();
  readonly #condemned = new Set<string>();
  readonly #deleted = new Set<string>();

  constructor(context: GeneratorContext) {
    this.#context = context;
  }

  /** The goal of a resource registered in this run. */
  goal(urn: string): Goal | undefined {
    return this.#goals.get(urn);
  }

  /** Whether the run deletes the resource. */
  readonly isDeleted = (urn: string): boolean => this.#deleted.has(urn);

  /**
   * Decides about a registration.
   * @throws Refused when it must not be carried out
   */
  async register(asked: Goal): Promise<Generated> {
    const goal = inheritFromParent(asked, this.#goals.get(asked.parent));
    const urn = this.#claim(goal);
    const { old, renamedFrom } = this.#find(urn, goal);
    const subject: Subject = {
      urn,
      type: goal.type,
      old,
      new: draftEntry(urn, goal, old),
      ...(renamedFrom === undefined ? {} : { renamedFrom }),
    };
    const recreating = old !== undefined && this.#condemned.has(old.urn);
    const facts = { goal, old, recreating };
    if (isImport(facts)) return { subject, steps: stepsOf(decideWithoutDiff(facts) ?? { kind: "create" }, subject, goal) };
    const provider = await this.#guard(urn, () => this.#context.registry.of(wanted(subject)));
    const fresh = recreating || old?.external === true || old?.taint === true || this.#context.isRequested(urn);
    const inputs = this.#withIgnored(goal, old);
    this.#setInputs(subject, await this.#check(subject, provider, { olds: fresh ? {} : (old?.inputs ?? {}), news: inputs }));
    const decision = decideWithoutDiff(facts) ?? (await this.#compare(subject, goal, provider));
    return { subject, steps: await this.#plan(decision, { subject, goal, provider, isFresh: fresh }) };
  }

  /**
   * Decides about a read.
   * @throws Refused when it must not be carried out
   */
  async read({ goal: asked, id }: ReadGoal): Promise<Generated> {
    const goal = inheritFromParent(asked, this.#goals.get(asked.parent));
    const urn = this.#claim(goal);
    const { old } = this.#find(urn, goal);
    const draft: ResourceEntry = { ...draftEntry(urn, goal, old), external: true, id };
    const subject: Subject = { urn, type: goal.type, old, new: draft };
    if (old === undefined || old.external === true) return { subject, steps: [createStep("read", subject)] };
    this.#replaced.add(urn);
    return { subject, steps: [createStep("read-replacement", subject, { keepsOld: true }), createStep("replace", subject)] };
  }

  /** Deletes of everything that is flagged for it or was not asked for in this run, in layers to be carried out one after the other. */
  deletes(): readonly (readonly Step[])[] {
    const steps = new Map<ResourceEntry, Step>();
    const claimed = new Set([...this.#goals.keys(), ...this.#aliased.values()]);
    for (const entry of this.#context.ledger.remaining().toReversed()) {
      if (entry.delete !== true && claimed.has(entry.urn)) continue;
      steps.set(entry, createFinalDelete(entry));
      this.#deleted.add(entry.urn);
    }
    const layers = this.#context.ledger.graph().deletionLayers([...steps.keys()]);
    return layers.map((layer) => layer.flatMap((entry) => steps.get(entry) ?? []));
  }

  #claim(goal: Goal): string {
    const { stack, project } = this.#context;
    const urn = createUrn({ stack, project, parent: goal.parent, type: goal.type, name: goal.name });
    if (this.#goals.has(urn)) throw this.#refuse(urn, `Duplicate resource URN '${urn}'; try giving it a unique name`);
    if (goal.parent !== "" && !this.#goals.has(goal.parent)) {
      throw this.#refuse(urn, `the parent ${goal.parent} of ${urn} was not registered in this run`);
    }
    this.#goals.set(urn, goal);
    return urn;
  }

  #find(urn: string, goal: Goal): { old: ResourceEntry | undefined; renamedFrom: string | undefined } {
    const { ledger, stack, project } = this.#context;
    const own = ledger.old(urn);
    if (own !== undefined) return { old: own, renamedFrom: undefined };
    const parentAlias = this.#aliased.get(goal.parent);
    for (const alias of aliasUrns(goal, { stack, project, parentAlias })) {
      const old = ledger.old(alias);
      if (old === undefined || this.#goals.has(alias)) continue;
      this.#aliased.set(urn, alias);
      return { old, renamedFrom: alias };
    }
    return { old: undefined, renamedFrom: undefined };
  }

  #withIgnored(goal: Goal, old: ResourceEntry | undefined): PropertyMap {
    if (old === undefined || !goal.custom || goal.ignoreChanges.length === 0) return goal.inputs;
    let inputs = goal.inputs;
    for (const path of goal.ignoreChanges) {
      try {
        inputs = applyIgnoreChanges(old.inputs, inputs, [path]);
      } catch (error) {
        if (!isBusError(error)) throw error;
        this.#context.reporter.warn(`option ignoreChanges: ${error.message}`, old.urn);
      }
    }
    return inputs;
  }

  async #check(subject: Subject, provider: Provider | undefined, sides: { olds: PropertyMap; news: PropertyMap }): Promise<PropertyMap> {
    if (provider === undefined) return sides.news;
    const { urn, type } = subject;
    const { name } = parseUrn(urn);
    const request = { urn, type, name, ...sides, randomSeed: new Uint8Array(randomBytes(32)) };
    const { inputs, failures } = await this.#guard(urn, () => this.#context.reporter.asking(urn, () => provider.check(request)));
    if (failures.length === 0) return inputs;
    for (const failure of failures) this.#context.reporter.error(checkText(subject.urn, failure, sides.news), urn);
    this.#context.state.fail({ urn, duringStep: false });
    throw new Refused(`check of ${urn} failed`);
  }

  async #compare(subject: Subject, goal: Goal, provider: Provider | undefined): Promise<Decision> {
    const { old } = subject;
    if (old === undefined) return { kind: "create" };
    const diff = await this.#guard(subject.urn, async () => {
      const forced = forcedReplacement(goal, old, {
        requested: this.#context.isRequested(subject.urn),
        wasReplaced: (urn) => this.#replaced.has(urn),
        providerReplaced: await this.#providerReplaced(old, wanted(subject)),
      });
      const found = forced ?? (await this.#diff(subject, goal, provider));
      return applyReplaceOnChanges(found, goal.replaceOnChanges, (old.initErrors ?? []).length > 0);
    });
    return decideFromDiff(old, diff);
  }

  async #providerReplaced(old: ResourceEntry, next: ResourceEntry): Promise<boolean> {
    const { ledger, registry } = this.#context;
    return providerWasReplaced(old.provider ?? "", next.provider ?? "", { ledger, registry, aliased: this.#aliased });
  }

  async #diff(subject: Subject, goal: Goal, provider: Provider | undefined): Promise<DiffAnswer> {
    const { old, urn, type } = subject;
    const news = wanted(subject).inputs;
    if (old === undefined) return NO_CHANGE;
    if (provider === undefined) return deepEqual(old.inputs, news) ? NO_CHANGE : { ...NO_CHANGE, changes: "some" };
    const { name } = parseUrn(urn);
    const sides = { oldInputs: old.inputs, oldOutputs: old.outputs, news };
    const request = { urn, type, name, id: old.id ?? "", ...sides, ignoreChanges: goal.ignoreChanges };
    const answer = await this.#context.reporter.asking(urn, () => provider.diff(request));
    if (answer.changes !== "unknown") return answer;
    return {
      ...diffInputs(old.inputs, news),
      replaces: answer.replaces,
      stables: answer.stables,
      deleteBeforeReplace: answer.deleteBeforeReplace,
    };
  }

  async #plan(
    decision: Decision,
    about: { subject: Subject; goal: Goal; provider: Provider | undefined; isFresh: boolean },
  ): Promise<readonly Step[]> {
    const { subject, goal, provider, isFresh } = about;
    const steps = stepsOf(decision, subject, goal);
    if (decision.kind === "recreate" || decision.kind === "replace-external") this.#replaced.add(subject.urn);
    if (decision.kind !== "replace") return steps;
    this.#assertReplaceable(subject, goal);
    // Where the first check was without old inputs already, it has given fresh ones.
    if (!isFresh) this.#setInputs(subject, await this.#check(subject, provider, { olds: {}, news: goal.inputs }));
    this.#replaced.add(subject.urn);
    if (!deletesFirst(goal, decision.diff) || subject.old === undefined) return steps;
    return [...(await this.#makeRoom(subject, subject.old)), ...steps];
  }

  #assertReplaceable({ urn, old }: Subject, goal: Goal): void {
    if (old?.protect === true && goal.protect === true) {
      this.#object(
        urn,
        `unable to replace resource "${urn}"\nas it is currently marked for protection. To unprotect the resource, remove the \`protect\` flag from ` +
          "the resource in your Pulumi program and run `pulumi up`",
      );
    }
    if (goal.importId === "") return;
    const message = `previously-imported resources that still specify an ID may not be replaced; remove the option import of ${urn}`;
    if (this.#context.preview) this.#context.reporter.warn(message, urn);
    else throw this.#refuse(urn, message);
  }

  /** Deletes what stands in the way of a new one: dependents that must be replaced too, last first, then the resource itself. */
  async #makeRoom(subject: Subject, old: ResourceEntry): Promise<readonly Step[]> {
    const { ledger, registry } = this.#context;
    const dependents = await this.#guard(subject.urn, () => findDependents(old, ledger.graph(), registry));
    const steps: Step[] = [];
    for (const found of dependents.toReversed()) {
      const dependent = ledger.latest(found);
      if (ledger.old(dependent.urn) !== dependent || this.#condemned.has(dependent.urn)) continue;
      if (dependent.protect === true) {
        this.#object(
          dependent.urn,
          `unable to replace resource "${dependent.urn}" as part of replacing "${old.urn}": it is marked for protection`,
        );
      }
      steps.push(createDelete(dependent, { replaced: true, keepsOld: true }));
      this.#condemned.add(dependent.urn);
      this.#deleted.add(dependent.urn);
    }
    if (old.pendingReplacement !== true) steps.push(createDelete(old, { replaced: true, keepsOld: true }));
    return steps;
  }

  #setInputs(subject: Subject, inputs: PropertyMap): void {
    subject.new = { ...wanted(subject), inputs };
  }

  async #guard<T>(urn: string, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      if (error instanceof Refused) throw error;
      throw this.#refuse(urn, error instanceof Error ? error.message : String(error));
    }
  }

  #refuse(urn: string, message: string): Refused {
    this.#context.reporter.error(message, urn);
    this.#context.state.fail({ urn, duringStep: false });
    return new Refused(message);
  }

  // A preview goes on, so that it shows the rest too.
  #object(urn: string, message: string): void {
    if (!this.#context.preview) throw this.#refuse(urn, message);
    this.#context.reporter.error(message, urn);
    this.#context.state.failOnly();
  }
}

function wanted(subject: Subject): ResourceEntry {
  if (subject.new === undefined) throw new Refused(`${subject.urn} has no goal`);
  return subject.new;
}

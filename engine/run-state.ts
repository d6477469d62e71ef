/** Whether a run goes on, and why not. */
export class RunState {
  readonly #stop = new AbortController();
  #failed = false;
  #stepFailed = false;
  #cancelled = false;
  #programFailed = false;
  #skipped = new Set<string>();
  readonly #continues: boolean;

  /** @param continueOnError whether a failure leaves the rest of the run going */
  constructor(continueOnError: boolean) {
    this.#continues = continueOnError;
  }

  /** Aborted when no step may begin any more. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** Whether anything went wrong. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Whether a step failed while it was carried out (and not while it was decided). */
  get stepFailed(): boolean {
    return this.#stepFailed;
  }

  /** Whether the program ended with an error of its own. */
  get programFailed(): boolean {
    return this.#programFailed;
  }

  /** Whether the run was stopped from outside. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** URNs that failed, or were not tried because something they need failed. */
  get spoilt(): ReadonlySet<string> {
    return this.#skipped;
  }

  /** Records a failure; without continue-on-error the run stops. */
  fail(cause: { readonly urn?: string; readonly duringStep: boolean }): void {
    this.#failed = true;
    this.#stepFailed ||= cause.duringStep;
    if (cause.urn !== undefined) this.#skipped.add(cause.urn);
    if (!this.#continues) this.#stop.abort();
  }

  /** Records a failure that does not keep others from being tried. */
  failOnly(urn?: string): void {
    this.#failed = true;
    this.#stepFailed = true;
    if (urn !== undefined) this.#skipped.add(urn);
  }

  /** Records that the program ended with an error of its own. */
  failProgram(): void {
    this.#programFailed = true;
    this.fail({ duringStep: false });
  }

  /** Leaves out a resource because something it needs failed. */
  skip(urn: string): void {
    this.#skipped.add(urn);
  }

  /** Records a failure after which the run cannot go on, whatever was asked for. */
  stop(): void {
    this.#failed = true;
    this.#stop.abort();
  }

  /** Stops the run from outside. */
  cancel(): void {
    this.#cancelled = true;
    this.stop();
  }
}

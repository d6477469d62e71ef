/** What `up`, `preview`, `refresh` and `destroy` ask an engine for, whichever runs it. */
export interface DeployRequest {
  readonly kind: "up" | "refresh" | "destroy";
  /** Look only. */
  readonly previewOnly: boolean;
  readonly stack: string;
  /** Do not ask. */
  readonly yes: boolean;
  /** Do not look first. */
  readonly skipPreview: boolean;
  /** Show property differences instead of one line a resource. */
  readonly diff: boolean;
  readonly json: boolean;
  /** Print a preview as Markdown.
   * @default false */
  readonly markdown?: boolean;
  /** Read the real state of every resource first. */
  readonly refresh: boolean;
  /** Steps side by side.
   * @default - the engine's own */
  readonly parallel?: number;
  readonly continueOnError: boolean;
  readonly expectNoChanges: boolean;
  /** Forget creates that a crashed run left unfinished (`refresh`). */
  readonly clearPendingCreates: boolean;
  /** Leave the servers to others and reconcile what lives inside them (`up`).
   * @default false */
  readonly contentsOnly?: boolean;
  /** Text for the history.
   * @default - none */
  readonly message?: string;
  readonly color: "auto" | "always" | "never";
}

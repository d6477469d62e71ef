// Walking, unwrapping and searching values: traversal.ts. Equality: equality.ts. Wire form: wire.ts. Form in the state file: state-values.ts.

/** Property values as the engine sees them: plain JSON plus the special values of Pulumi's wire format, each its own class. */
export type Value =
  | null
  | boolean
  | number
  | string
  | readonly Value[]
  | PropertyMap
  | Secret
  | Computed
  | Asset
  | Archive
  | ResourceReference
  | OutputValue;

/** A property bag. Keys with undefined values do not exist. */
export interface PropertyMap {
  readonly [key: string]: Value;
}

/** A value whose content must not be shown and is encrypted in state. */
export class Secret {
  readonly element: Value;
  constructor(element: Value) {
    this.element = element;
  }
}

/** A value not known yet; exists only in previews. */
export class Computed {}

/** The one unknown value. */
export const COMPUTED = new Computed();

/** A file-like value: exactly one of text, path, uri; `hash` is SHA-256 of the bytes. */
export class Asset {
  readonly hash: string;
  readonly content: { readonly text?: string; readonly path?: string; readonly uri?: string };
  constructor(hash: string, content: Asset["content"]) {
    this.hash = hash;
    this.content = content;
  }
}

/** A folder-like value. */
export class Archive {
  readonly hash: string;
  readonly content: { readonly assets?: PropertyMap; readonly path?: string; readonly uri?: string };
  constructor(hash: string, content: Archive["content"]) {
    this.hash = hash;
    this.content = content;
  }
}

/** A reference to another resource; `id` is undefined for components and {@link COMPUTED} when unknown. */
export class ResourceReference {
  readonly urn: string;
  readonly id: string | Computed | undefined;
  readonly packageVersion: string;
  constructor(urn: string, id: string | Computed | undefined, packageVersion = "") {
    this.urn = urn;
    this.id = id;
    this.packageVersion = packageVersion;
  }
}

/** An output with its own dependencies; `element` is undefined when unknown. */
export class OutputValue {
  readonly element: Value | undefined;
  readonly secret: boolean;
  readonly dependencies: readonly string[];
  constructor(element: Value | undefined, secret: boolean, dependencies: readonly string[]) {
    this.element = element;
    this.secret = secret;
    this.dependencies = dependencies;
  }
}

/** What a subject asks of a schema, whichever library it is written with. */

/** A JSON Schema: an object of keywords. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a check came to: the value, as the schema transforms it, or why it does not fit, without the payload's values. */
type Checked<Out> = { readonly error?: undefined; readonly value: Out } | { readonly error: string };

/** A schema ready to check payloads. `In` is what is published, `Out` what consumers get. */
export interface PayloadSchema<In, Out> {
  /** Checks a value; never throws. */
  readonly check: (value: unknown) => Checked<Out>;
  /** The schema of what is published, as JSON Schema 2020-12; parts it cannot express accept everything.
   * @throws ERR_CLIENT_SCHEMA when the schema has no such form */
  readonly document: () => JsonSchema;
  /** Only for the compiler: what may be published. */
  readonly accepts?: (value: In) => void;
}

/** Collections that values pass through quickly. Each table that a Map has outgrown keeps its entries and points to the next one, so that one of them that lived long keeps alive
 * whatever passed through since; the Maps here hold numbers only, and drop what they are rid of at once. */

/** Values by key that come and go. */
export class PassingValues<Key, Value> {
  readonly #places = new Map<Key, number>();
  readonly #keys: Key[] = [];
  readonly #values: Value[] = [];

  /** How many there are. */
  get size(): number {
    return this.#values.length;
  }

  /** The value of a key; `undefined` when there is none. */
  get(key: Key): Value | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#values[place];
  }

  /** Adds a value under a key that has none. */
  add(key: Key, value: Value): void {
    this.#places.set(key, this.#values.length);
    this.#keys.push(key);
    this.#values.push(value);
  }

  /** Takes a value out; `undefined` when there is none. */
  take(key: Key): Value | undefined {
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    const value = this.#values[place];
    this.#places.delete(key);
    const [lastKey, lastValue] = [this.#keys.pop() as Key, this.#values.pop() as Value];
    if (place < this.#values.length) {
      this.#places.set(lastKey, place);
      this.#keys[place] = lastKey;
      this.#values[place] = lastValue;
    }
    return value;
  }

  /** All of them, in no order. */
  all(): readonly Value[] {
    return this.#values;
  }
}

/** Values by name, of which the oldest is forgotten when there are too many. */
export class RecentValues<Value> {
  readonly #most: number;
  readonly #places = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #values: Value[] = [];
  #next = 0;

  /** @param most how many are remembered */
  constructor(most: number) {
    this.#most = most;
  }

  /** The value of a name; `undefined` when it is not remembered. */
  get(name: string): Value | undefined {
    const place = this.#places.get(name);
    return place === undefined ? undefined : this.#values[place];
  }

  /** Remembers a value under a name that has none. */
  add(name: string, value: Value): void {
    const forgotten = this.#names[this.#next];
    if (forgotten !== undefined) this.#places.delete(forgotten);
    this.#names[this.#next] = name;
    this.#values[this.#next] = value;
    this.#places.set(name, this.#next);
    this.#next = (this.#next + 1) % this.#most;
  }
}

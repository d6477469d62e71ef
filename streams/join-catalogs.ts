/** Puts what was imported beside what is declared. Pure. */

type Entries<E> = Readonly<Record<string, E>>;
type WithConsumers = { readonly consumers?: Entries<unknown> };

/** A catalogue, as far as joining looks at it. */
interface Joinable {
  readonly streams: Entries<WithConsumers>;
  readonly keyValue: Entries<object>;
  readonly objectStores: Entries<object>;
}

/** Both catalogues. What `own` declares counts; a stream that both name has the consumers of both. */
export function joinCatalogs<C extends Joinable>(own: C, further: Joinable): C {
  return {
    ...own,
    streams: { ...further.streams, ...mapValues(own.streams, (name, stream) => withConsumers(stream, further.streams[name])) },
    keyValue: { ...further.keyValue, ...own.keyValue },
    objectStores: { ...further.objectStores, ...own.objectStores },
  };
}

function withConsumers<S extends WithConsumers>(own: S, further: WithConsumers | undefined): S {
  return further?.consumers === undefined ? own : { ...own, consumers: { ...further.consumers, ...own.consumers } };
}

function mapValues<E>(entries: Entries<E>, map: (name: string, entry: E) => E): Entries<E> {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, map(name, entry)]));
}

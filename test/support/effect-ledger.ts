import { DatabaseSync } from "node:sqlite";

/** What handlers did, kept where several processes write and a killed one loses nothing that it committed. */
export class EffectLedger implements Disposable {
  readonly #database: DatabaseSync;

  constructor(file: string) {
    this.#database = new DatabaseSync(file, { timeout: 30_000 });
    // Processes are killed here, not the machine.
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    this.#database.exec("CREATE TABLE IF NOT EXISTS effects (id TEXT PRIMARY KEY) WITHOUT ROWID");
    this.#database.exec("CREATE TABLE IF NOT EXISTS totals (name TEXT PRIMARY KEY, count INTEGER NOT NULL)");
    this.#database.exec("INSERT OR IGNORE INTO totals VALUES ('effects', 0), ('runs', 0)");
  }

  /** Has the effect of a message once: its id and the effect are one transaction. */
  apply(id: string): void {
    const database = this.#database;
    database.exec("BEGIN IMMEDIATE");
    const { changes } = database.prepare("INSERT OR IGNORE INTO effects VALUES (?)").run(id);
    const count = database.prepare("UPDATE totals SET count = count + 1 WHERE name = ?");
    if (changes === 1) count.run("effects");
    count.run("runs");
    database.exec("COMMIT");
  }

  /** Different messages seen, effects had, and handler runs that got to their end. */
  totals(): { readonly ids: number; readonly effects: number; readonly runs: number } {
    const one = (sql: string): number => Number(Object.values(this.#database.prepare(sql).get() ?? {})[0] ?? 0);
    return {
      ids: one("SELECT count(*) FROM effects"),
      effects: one("SELECT count FROM totals WHERE name = 'effects'"),
      runs: one("SELECT count FROM totals WHERE name = 'runs'"),
    };
  }

  /** Ids of the different messages seen. */
  ids(): ReadonlySet<string> {
    return new Set(
      this.#database
        .prepare("SELECT id FROM effects")
        .all()
        .map(({ id }) => String(id)),
    );
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** Answers about subjects that are asked again with every message. */

// Subjects that hold ids are endless.
const MOST = 1_000;

/** Remembers what a pure function answers about a subject; everything is forgotten when it is too much. */
export class SubjectMemo<Answer> {
  readonly #work: (subject: string) => Answer;
  readonly #known = new Map<string, Answer>();

  constructor(work: (subject: string) => Answer) {
    this.#work = work;
  }

  /** The answer about a subject. */
  of(subject: string): Answer {
    const known = this.#known.get(subject);
    if (known !== undefined) return known;
    const answer = this.#work(subject);
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(subject, answer);
    return answer;
  }
}

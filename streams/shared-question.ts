/** A question that many ask at the same time and that is put once for all of them. */
export class SharedQuestion<T> {
  #asking: Promise<unknown> = Promise.resolve();
  #next: Promise<T> | undefined;

  /** The answer to a question put after this call: who asks while another is on its way waits for the next one, together with everyone else who does. */
  ask(put: () => Promise<T>): Promise<T> {
    this.#next ??= this.#after(put);
    return this.#next;
  }

  async #after(put: () => Promise<T>): Promise<T> {
    await this.#asking;
    this.#next = undefined;
    const answer = put();
    this.#asking = answer.catch(() => undefined);
    return answer;
  }
}

/** Tasks of the same name run one after another, in the order in which they came; tasks of different names do not wait for each other. */
export class NamedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs the task when those before it are done, whether they succeeded or not; settles as the task does. */
  async run<Value>(name: string, task: () => Promise<Value>): Promise<Value> {
    const before = this.#tails.get(name) ?? Promise.resolve();
    const result = before.then(task, task);
    this.#tails.set(name, result);
    try {
      return await result;
    } finally {
      if (this.#tails.get(name) === result) this.#tails.delete(name);
    }
  }
}

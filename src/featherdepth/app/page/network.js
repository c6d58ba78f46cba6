// The page's end of the worker: questions with an answer each.

export class Network {
  #waiting = new Map();
  #number = 0;
  #worker;

  constructor() {
    this.#worker = new Worker("./worker.js", { type: "module", name: "network" });
    this.#worker.onmessage = ({ data: { id, answer, error } }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) resolve(answer);
      else reject(new Error(error));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const error = new Error(event.message || "the network's part of the page could not be loaded");
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
  }

  /** Open the network. @returns {Promise<{way: string, threads: number, notes: string[]}>} */
  load(about, wanted) {
    return this.#ask("load", { about, wanted });
  }

  /** The map of a photo; the bitmap goes over to the worker. */
  see(bitmap, name) {
    return this.#ask("see", { bitmap, name }, [bitmap]);
  }

  /** The last map as a file. @returns {Promise<Blob>} */
  async save() {
    return (await this.#ask("save", {})).file;
  }

  close() {
    this.#worker.terminate();
  }

  #ask(action, rest, transfer = []) {
    const id = this.#number++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, action, ...rest }, transfer);
    });
  }
}

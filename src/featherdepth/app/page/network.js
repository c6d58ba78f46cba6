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
      this.#refuse(error);
    };
  }

  /** Open the network. @returns {Promise<{way: string, threads: number, notes: string[]}>} */
  load(about, wanted) {
    return this.#ask("load", { about, wanted });
  }

  /** The map of a photo; the bitmap goes over to the worker. */
  see(bitmap) {
    return this.#ask("see", { bitmap }, [bitmap]);
  }

  /** A map as a file, whichever worker made it. @returns {Promise<Blob>} */
  async save(about, result) {
    return (await this.#ask("save", { about, result })).file;
  }

  /** End it; what still waits for an answer is told that none comes. */
  close() {
    this.#worker.terminate();
    this.#refuse(new Error("the network was closed before it was done; try again"));
  }

  #refuse(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #ask(action, rest, transfer = []) {
    const id = this.#number++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, action, ...rest }, transfer);
    });
  }
}

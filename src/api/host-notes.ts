import type { Notebook, Notes } from '../engine/notes.ts';
import type { Event, EventBody } from '../events/event.ts';
import { safeJson } from '../model/unsafe-text.ts';
import { RunKeeper } from '../store/hosts/keep.ts';

/** Leaves a summary of the run on every host that it touches, with each step that another controller would go on from. */
export class HostNotes implements Notes {
  readonly #keeper = new RunKeeper();
  readonly #emit: (body: EventBody) => void;
  #hosts: ReadonlyMap<string, Notebook> = new Map();

  constructor(emit: (body: EventBody) => void) {
    this.#emit = emit;
  }

  attach(hosts: ReadonlyMap<string, Notebook>): void {
    this.#hosts = hosts;
    for (const [host, notebook] of hosts) {
      let isSaid = false;
      notebook.onUnkept = () => {
        if (isSaid) return;
        isSaid = true;
        const message = 'this run could not be kept on the host, as its disk is full, or its folder is not writable';
        this.#emit({ type: 'warning', host, message: `${message}; the run goes on` });
      };
    }
  }

  hear(event: Event): void {
    for (const host of this.#keeper.apply(event)) {
      const kept = this.#keeper.runOn(host);
      if (kept !== undefined) this.#keep(host, 'runs', kept);
    }
    if (event.type !== 'run_finished') return;
    const { bad } = this.#keeper;
    // Everywhere, touched or not: the host that went back may be the one that is gone when it is asked for.
    if (bad !== undefined) for (const host of this.#hosts.keys()) this.#keep(host, 'bad', bad);
  }

  #keep(host: string, folder: 'runs' | 'bad', value: { readonly run: string }): void {
    const text = safeJson(JSON.stringify(value));
    this.#hosts.get(host)?.keep({ folder, name: `${value.run}.json`, text });
  }
}

// The users of pods with users of their own (`hostUsers: false`): each such pod has 65536 ids of the node, which no other pod
// has. They stand in a file in the pod's folder, as upstream's do: an agent that is started anew finds them there, and they are
// free again when the folder goes.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Turns } from '../../system/turns.ts';
import type { IDMapping } from '../cri/messages.ts';

/** How many ids a pod has. The node's own, among them all that its services run as, are below. */
const length = 65_536;
/** Ids are numbers of 32 bits, and the last means nobody. */
const slots = 2 ** 32 / length - 1;

export interface UserNamespacesOptions {
  /** Where what belongs to a pod is. */
  readonly podDir: (uid: string) => string;
  /** UIDs of pods that have a folder. */
  readonly known: () => Promise<readonly string[]>;
}

export class UserNamespaces {
  readonly #options: UserNamespacesOptions;
  readonly #turns = new Turns();

  constructor(options: UserNamespacesOptions) {
    this.#options = options;
  }

  /** What the pod was given; undefined when it was given nothing. Rejects when the file says what was never written. */
  async of(uid: string): Promise<IDMapping | undefined> {
    const text = await readFile(this.#file(uid), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return text === undefined ? undefined : parse(text);
  }

  /** Gives the pod ids that no other has. One at a time: two pods must not find the same to be free. */
  allocate(uid: string): Promise<IDMapping> {
    return this.#turns.take(() => this.#allocate(uid));
  }

  async #allocate(uid: string): Promise<IDMapping> {
    const known = await this.of(uid);
    if (known) return known;
    // A file that is spoilt is its own pod's trouble.
    const all = await Promise.all((await this.#options.known()).map((one) => this.of(one).catch(() => undefined)));
    const taken = new Set(all.map((one) => one?.hostId));
    for (let slot = 1; slot < slots; slot++) {
      const mapping = { hostId: slot * length, containerId: 0, length };
      if (taken.has(mapping.hostId)) continue;
      const file = this.#file(uid);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, JSON.stringify({ uidMappings: [mapping], gidMappings: [mapping] }));
      return mapping;
    }
    throw new Error('could not find an empty slot to allocate a user namespace');
  }

  #file(uid: string): string {
    return join(this.#options.podDir(uid), 'userns');
  }
}

function parse(text: string): IDMapping {
  const { uidMappings: [mapping] = [] } = JSON.parse(text) as { uidMappings?: Partial<IDMapping>[] };
  const { hostId = 0, containerId } = mapping ?? {};
  const isOurs = hostId >= length && hostId % length === 0 && containerId === 0 && mapping?.length === length;
  if (!isOurs) throw new Error(`invalid user namespace mappings file: ${text}`);
  return { hostId, containerId, length };
}

// Whether a packet is in an ipset.
import type { IpSet } from '../ipvs/ruleset.ts';
import { isWithin } from './address.ts';
import type { FoundElement } from './packet.ts';
import type { PacketState } from './state.ts';

interface Known {
  readonly set: IpSet;
  readonly members: ReadonlySet<string>;
}

export class IpSets {
  readonly #sets: ReadonlyMap<string, Known>;

  constructor(sets: readonly IpSet[]) {
    this.#sets = new Map(sets.map((set) => [set.name, { set, members: new Set(set.members) }]));
  }

  /** The member that the packet's fields make, by `flags` such as `dst,dst,src`: one for each part of the set's type. */
  find(name: string, flags: string, state: PacketState): FoundElement | undefined {
    const known = this.#sets.get(name);
    if (!known) return undefined;
    const directions = flags.split(',');
    const [kind = '', parts = ''] = known.set.type.split(':');
    const texts = parts.split(',').map((part, i) => {
      const side = directions[i] === 'src' ? state.source : state.destination;
      if (part !== 'port') return side.address;
      return kind === 'bitmap' ? String(side.port) : `${state.protocol}:${side.port}`;
    });
    const member = texts.join(',');
    if (known.members.has(member)) return { set: name, key: member, value: '' };
    if (!parts.endsWith('net')) return undefined;
    const range = known.set.members.find((candidate) => {
      const pieces = candidate.split(',');
      return texts.every((text, i) => text === pieces[i] || isWithin(text, pieces[i] ?? ''));
    });
    return range === undefined ? undefined : { set: name, key: range, value: '' };
  }
}

// What to change so that one ruleset becomes another. Wanted things come first and unwanted ones go last, so that no
// packet in between meets less than it should.
import type {
  AddressCommand,
  IpSet,
  IpvsRuleset,
  IpvsUpdate,
  RealServer,
  ServerCommand,
  ServerName,
  SetCommand,
  VirtualServer,
} from './ruleset.ts';

/** A text that is equal for equal servers only. */
export function serverKey({ protocol, address, port }: ServerName): string {
  return `${protocol} ${address} ${port}`;
}

export function realKey({ address, port }: Pick<RealServer, 'address' | 'port'>): string {
  return `${address} ${port}`;
}

/** Says what becomes of a real server that is no longer wanted: `keep` it without new connections, or remove it. */
export type Retire = (server: VirtualServer, real: RealServer) => 'keep' | 'remove';

function diffSets(from: readonly IpSet[], to: readonly IpSet[]): SetCommand[] {
  const present = new Map(from.map((set) => [set.name, set]));
  return to.flatMap((set): SetCommand[] => {
    const old = new Set(present.get(set.name)?.members);
    const wanted = new Set(set.members);
    return [
      ...(present.has(set.name) ? [] : [{ verb: 'create', set } as const]),
      ...set.members.filter((m) => !old.has(m)).map((member) => ({ verb: 'add', set: set.name, member }) as const),
      ...[...old].filter((m) => !wanted.has(m)).map((member) => ({ verb: 'del', set: set.name, member }) as const),
    ];
  });
}

function diffAddresses(from: readonly string[], to: readonly string[]): AddressCommand[] {
  const [old, wanted] = [new Set(from), new Set(to)];
  return [
    ...to.filter((ip) => !old.has(ip)).map((address) => ({ verb: 'add', address }) as const),
    ...from.filter((ip) => !wanted.has(ip)).map((address) => ({ verb: 'del', address }) as const),
  ];
}

function diffRealServers(old: VirtualServer | undefined, server: VirtualServer, retire: Retire): ServerCommand[] {
  const present = new Map(old?.realServers.map((real) => [realKey(real), real]));
  const commands = server.realServers.flatMap((real): ServerCommand[] => {
    const before = present.get(realKey(real));
    present.delete(realKey(real));
    if (!before) return [{ verb: 'add-real', server, real }];
    return before.weight === real.weight ? [] : [{ verb: 'edit-real', server, real }];
  });
  for (const real of present.values()) {
    if (retire(server, real) === 'remove') commands.push({ verb: 'delete-real', server, real });
    else if (real.weight !== 0) commands.push({ verb: 'edit-real', server, real: { ...real, weight: 0 } });
  }
  return commands;
}

function sameFacts(a: VirtualServer, b: VirtualServer): boolean {
  return (
    a.scheduler === b.scheduler && a.schedulerFlags === b.schedulerFlags && a.persistentSeconds === b.persistentSeconds
  );
}

/** Virtual servers that are not wanted are removed whole, with their connections. */
export function diffServers(
  from: readonly VirtualServer[],
  to: readonly VirtualServer[],
  retire: Retire = () => 'remove',
): ServerCommand[] {
  const present = new Map(from.map((server) => [serverKey(server), server]));
  const commands = to.flatMap((server): ServerCommand[] => {
    const old = present.get(serverKey(server));
    present.delete(serverKey(server));
    const own: ServerCommand[] = !old
      ? [{ verb: 'add-server', server }]
      : sameFacts(old, server)
        ? []
        : [{ verb: 'edit-server', server }];
    return [...own, ...diffRealServers(old, server, retire)];
  });
  for (const server of present.values()) commands.push({ verb: 'delete-server', server });
  return commands;
}

/** Sets of `from` that `to` does not know stay: rules of others may use them. */
export function diff(from: IpvsRuleset, to: IpvsRuleset): IpvsUpdate {
  return {
    sets: diffSets(from.sets, to.sets),
    servers: diffServers(from.servers, to.servers),
    addresses: diffAddresses(from.addresses, to.addresses),
  };
}

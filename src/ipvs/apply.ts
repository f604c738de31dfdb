// What a kernel holds after an update: it refuses what the kernel would refuse.
import { realKey, serverKey } from './diff.ts';
import type { IpSet, IpvsRuleset, IpvsUpdate, RealServer, ServerCommand, VirtualServer } from './ruleset.ts';

function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

function applySets(sets: readonly IpSet[], commands: IpvsUpdate['sets']): IpSet[] {
  const result = new Map(sets.map((set) => [set.name, { set, members: new Set(set.members) }]));
  for (const command of commands) {
    if (command.verb === 'create') {
      must(!result.has(command.set.name), `set ${command.set.name} is there`);
      result.set(command.set.name, { set: command.set, members: new Set() });
      continue;
    }
    const members = result.get(command.set)?.members;
    must(members !== undefined, `no set ${command.set}`);
    must(members.has(command.member) === (command.verb === 'del'), `${command.verb} ${command.set} ${command.member}`);
    if (command.verb === 'add') members.add(command.member);
    else members.delete(command.member);
  }
  return [...result.values()].map(({ set, members }) => ({ ...set, members: [...members].sort() }));
}

interface Entry {
  readonly server: Omit<VirtualServer, 'realServers'>;
  readonly real: Map<string, RealServer>;
}

function applyServer(servers: Map<string, Entry>, command: ServerCommand): void {
  const key = serverKey(command.server);
  const entry = servers.get(key);
  must((entry === undefined) === (command.verb === 'add-server'), `${command.verb} ${key}`);
  switch (command.verb) {
    case 'add-server':
    case 'edit-server': {
      const { realServers: _, ...server } = { realServers: [], ...command.server };
      servers.set(key, { server, real: entry?.real ?? new Map() });
      return;
    }
    case 'delete-server':
      servers.delete(key);
      return;
    default: {
      const name = realKey(command.real);
      must(entry!.real.has(name) === (command.verb !== 'add-real'), `${command.verb} ${key} ${name}`);
      if (command.verb === 'delete-real') entry!.real.delete(name);
      else entry!.real.set(name, command.real);
    }
  }
}

function applyServers(servers: readonly VirtualServer[], commands: readonly ServerCommand[]): VirtualServer[] {
  const result = new Map(
    servers.map(({ realServers, ...server }): [string, Entry] => [
      serverKey(server),
      { server, real: new Map(realServers.map((real) => [realKey(real), real])) },
    ]),
  );
  for (const command of commands) applyServer(result, command);
  return [...result.values()].map(({ server, real }) => ({ ...server, realServers: [...real.values()] }));
}

/** Throws an Error that names the command which the ruleset does not allow. */
export function apply(ruleset: IpvsRuleset, update: IpvsUpdate): IpvsRuleset {
  const addresses = new Set(ruleset.addresses);
  for (const { verb, address } of update.addresses) {
    must(addresses.has(address) === (verb === 'del'), `${verb} ${address}`);
    if (verb === 'add') addresses.add(address);
    else addresses.delete(address);
  }
  return {
    addresses: [...addresses],
    sets: applySets(ruleset.sets, update.sets),
    servers: applyServers(ruleset.servers, update.servers),
  };
}

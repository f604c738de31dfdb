// Reads what `ipvsadm -Ln`, `ipset save` and `ip -json addr` print.
import { splitHostPort } from '../net/ip.ts';
import { realKey, serverKey } from './diff.ts';
import type { IpSet, RealServer, VirtualServer } from './ruleset.ts';

/** Connections of a real server: those that carry data, and those that are about to end or only just began. */
export interface Connections {
  readonly active: number;
  readonly inactive: number;
}

export interface ServerListing {
  readonly servers: readonly VirtualServer[];
  /** How many connections a real server has; none for one that is not listed. */
  connections(server: VirtualServer, real: RealServer): Connections;
}

function addressPort(text: string): { address: string; port: number } {
  const { host: address, port } = splitHostPort(text);
  return { address, port };
}

const serverLine = /^(TCP|UDP|SCTP) +(\S+) (\S+)(.*)$/;
const realLine = /^ +-> (\S+) +\S+ +(\d+) +(\d+) +(\d+)/;

/** The listing of `ipvsadm -Ln`. Virtual servers of firewall marks are passed over. */
export function parseServers(text: string): ServerListing {
  const servers: (VirtualServer & { realServers: RealServer[] })[] = [];
  const counts = new Map<string, Connections>();
  const countKey = (server: VirtualServer, real: RealServer) => `${serverKey(server)} ${realKey(real)}`;
  let current: (typeof servers)[number] | undefined;
  for (const line of text.split('\n')) {
    const [, protocol, name = '', scheduler = '', rest = ''] = serverLine.exec(line) ?? [];
    const [, realName = '', weight, active, inactive] = realLine.exec(line) ?? [];
    if (protocol) {
      const flags = /\(([^)]+)\)/.exec(rest)?.[1];
      const seconds = /persistent (\d+)/.exec(rest)?.[1];
      current = {
        protocol: protocol.toLowerCase() as VirtualServer['protocol'],
        ...addressPort(name),
        scheduler,
        ...(flags && { schedulerFlags: flags }),
        persistentSeconds: seconds === undefined ? undefined : Number(seconds),
        realServers: [],
      };
      servers.push(current);
    } else if (/^FWM /.test(line)) {
      current = undefined;
    } else if (current && weight !== undefined) {
      const real = { ...addressPort(realName), weight: Number(weight) };
      current.realServers.push(real);
      counts.set(countKey(current, real), { active: Number(active), inactive: Number(inactive) });
    }
  }
  return { servers, connections: (server, real) => counts.get(countKey(server, real)) ?? { active: 0, inactive: 0 } };
}

/** The sets of `ipset save` whose names the filter takes. */
export function parseSets(text: string, wanted: (name: string) => boolean): IpSet[] {
  const sets = new Map<string, IpSet & { members: string[] }>();
  for (const line of text.split('\n')) {
    const [verb, name = '', value = ''] = line.split(' ');
    if (verb === 'create' && wanted(name)) {
      const family = line.includes(' family inet6 ') ? 'inet6' : 'inet';
      sets.set(name, { name, type: value as IpSet['type'], family, members: [] });
    } else if (verb === 'add') {
      sets.get(name)?.members.push(value);
    }
  }
  return [...sets.values()];
}

export interface Interface {
  readonly name: string;
  readonly addresses: readonly { readonly ip: string; readonly scope: string }[];
}

/** With a filter (`up`), ip prints an empty object for each interface that it leaves out. */
interface ListedInterface {
  readonly ifname?: string;
  readonly addr_info?: readonly { readonly local?: string; readonly scope?: string }[];
}

/** The listing of `ip -json addr`. */
export function parseInterfaces(text: string): Interface[] {
  const listed: readonly ListedInterface[] = text.trim() === '' ? [] : JSON.parse(text);
  return listed.flatMap(({ ifname: name, addr_info: info = [] }) => {
    const addresses = info.flatMap(({ local: ip, scope = 'global' }) => (ip === undefined ? [] : [{ ip, scope }]));
    return name === undefined ? [] : [{ name, addresses }];
  });
}

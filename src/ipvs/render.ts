// The text of virtual servers, sets and addresses, as `ipvsadm --restore`, `ipset restore` and `ip -batch` read it.
import type { IpSet, VirtualServer } from './ruleset.ts';

const protocolFlags = { tcp: '-t', udp: '-u', sctp: '--sctp-service' } as const;

function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The server and its real servers, a line each. */
export function renderVirtualServer(server: VirtualServer): string {
  const { protocol, address, port, scheduler, persistentSeconds, realServers } = server;
  const name = `${protocolFlags[protocol]} ${hostPort(address, port)}`;
  const persistence = persistentSeconds === undefined ? '' : ` -p ${persistentSeconds}`;
  const real = realServers.map((r) => `-a ${name} -r ${hostPort(r.address, r.port)} -m -w ${r.weight}\n`).join('');
  return `-A ${name} -s ${scheduler}${persistence}\n${real}`;
}

/** The set and its members, a line each. */
export function renderIpSet({ name, type, family, members }: IpSet): string {
  const options = type === 'bitmap:port' ? 'range 0-65535' : `family ${family} hashsize 1024 maxelem 65536`;
  return `create ${name} ${type} ${options}\n${members.map((member) => `add ${name} ${member}\n`).join('')}`;
}

/** A device that carries the addresses, so that the kernel takes packets for them. */
export function renderAddresses(device: string, addresses: readonly string[]): string {
  const lines = addresses.map((ip) => `addr replace ${ip}/${ip.includes(':') ? 128 : 32} dev ${device}\n`);
  return `link add ${device} type dummy\n${lines.join('')}`;
}

// The text of rulesets and of their changes, as `ipvsadm --restore`, `ipset restore` and `ip -batch` read it.
import { joinHostPort } from '../net/ip.ts';
import type {
  AddressCommand,
  IpSet,
  RealServer,
  ServerCommand,
  ServerFacts,
  ServerName,
  SetCommand,
  VirtualServer,
} from './ruleset.ts';

const protocolFlags = { tcp: '-t', udp: '-u', sctp: '--sctp-service' } as const;

function nameOf({ protocol, address, port }: ServerName): string {
  return `${protocolFlags[protocol]} ${joinHostPort(address, port)}`;
}

function factsOf({ scheduler, schedulerFlags, persistentSeconds }: ServerFacts): string {
  const flags = schedulerFlags === undefined ? '' : ` -b ${schedulerFlags}`;
  return `-s ${scheduler}${flags}${persistentSeconds === undefined ? '' : ` -p ${persistentSeconds}`}`;
}

function realOf({ address, port }: Pick<RealServer, 'address' | 'port'>): string {
  return `-r ${joinHostPort(address, port)}`;
}

/** A line for `ipvsadm --restore`, which takes all of ipvsadm's commands, and goes on after one that fails. */
export function renderServerCommand(command: ServerCommand): string {
  const name = nameOf(command.server);
  switch (command.verb) {
    case 'add-server':
      return `-A ${name} ${factsOf(command.server)}\n`;
    case 'edit-server':
      return `-E ${name} ${factsOf(command.server)}\n`;
    case 'delete-server':
      return `-D ${name}\n`;
    case 'add-real':
      return `-a ${name} ${realOf(command.real)} -m -w ${command.real.weight}\n`;
    case 'edit-real':
      return `-e ${name} ${realOf(command.real)} -m -w ${command.real.weight}\n`;
    case 'delete-real':
      return `-d ${name} ${realOf(command.real)}\n`;
  }
}

/** The server and its real servers, a line each. */
export function renderVirtualServer(server: VirtualServer): string {
  const real = server.realServers.map((r) => renderServerCommand({ verb: 'add-real', server, real: r }));
  return `${renderServerCommand({ verb: 'add-server', server })}${real.join('')}`;
}

/** A line for `ipset restore`. */
export function renderSetCommand(command: SetCommand): string {
  if (command.verb !== 'create') return `${command.verb} ${command.set} ${command.member}\n`;
  const { name, type, family } = command.set;
  const options = type === 'bitmap:port' ? 'range 0-65535' : `family ${family} hashsize 1024 maxelem 65536`;
  return `create ${name} ${type} ${options}\n`;
}

/** The set and its members, a line each. */
export function renderIpSet(set: IpSet): string {
  const members = set.members.map((member) => renderSetCommand({ verb: 'add', set: set.name, member }));
  return `${renderSetCommand({ verb: 'create', set })}${members.join('')}`;
}

/** A line for `ip -batch`. */
export function renderAddressCommand(device: string, { verb, address }: AddressCommand): string {
  // A replaced address need not have been there.
  return `addr ${verb === 'add' ? 'replace' : verb} ${address}/${address.includes(':') ? 128 : 32} dev ${device}\n`;
}

/** A device that carries the addresses, so that the kernel takes packets for them. */
export function renderAddresses(device: string, addresses: readonly string[]): string {
  const lines = addresses.map((address) => renderAddressCommand(device, { verb: 'add', address }));
  return `link add ${device} type dummy\n${lines.join('')}`;
}

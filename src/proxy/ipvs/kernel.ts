// The programs that read and write IPVS, ipsets and addresses. No decisions in here.
import { parseInterfaces, parseServers, parseSets, type ServerListing } from '../../ipvs/parse.ts';
import { renderAddressCommand, renderServerCommand, renderSetCommand } from '../../ipvs/render.ts';
import type { IpSet, IpvsUpdate, ServerCommand } from '../../ipvs/ruleset.ts';
import type { IPFamily } from '../../net/ip.ts';
import type { Exec } from '../../system/exec.ts';
import { familyOf } from '../address.ts';
import { SyncError } from '../backend.ts';
import { ipvsDevice } from './ruleset.ts';
import { isOwnSet } from './sets.ts';
import type { IpvsSettings } from './settings.ts';
import { sysctlsOf, timeoutsOf } from './sysctls.ts';

async function run(exec: Exec, command: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await exec.run(command, input === undefined ? {} : { input });
  // A restore of ipvsadm ends with the code of its last line, but tells of every one that failed.
  if (code !== 0 || (command[0] === 'ipvsadm' && stderr.trim() !== '')) {
    throw new SyncError(`${command[0]}: ${stderr.trim().split('\n')[0] || `exit code ${code}`}`);
  }
  return stdout;
}

export class IpvsKernel {
  readonly #exec: Exec;

  constructor(exec: Exec) {
    this.#exec = exec;
  }

  /** What the mode needs and this machine lacks, and what to do about it, in one line; undefined when all is there. */
  async lacks(): Promise<string | undefined> {
    const others = 'or use --proxy-mode nftables or iptables';
    for (const program of ['ipvsadm', 'ipset']) {
      try {
        await this.#exec.run([program, '--version']);
      } catch {
        return `the ipvs mode needs the program ${program}: install the package ${program}, ${others}`;
      }
    }
    const { code } = await this.#exec.run(['ipvsadm', '-Ln']);
    if (code === 0) return undefined;
    return `the kernel of this machine has no IPVS: load its module with \`modprobe ip_vs\`, ${others}`;
  }

  async prepare(settings: IpvsSettings): Promise<void> {
    const release = await run(this.#exec, ['uname', '-r']);
    await run(this.#exec, ['sysctl', '-qw', ...sysctlsOf(settings, release)]);
    const timeouts = timeoutsOf(settings);
    if (timeouts) await run(this.#exec, ['ipvsadm', '--set', ...timeouts]);
    if (!(await this.hasDevice())) await run(this.#exec, ['ip', 'link', 'add', ipvsDevice, 'type', 'dummy']);
  }

  async hasDevice(): Promise<boolean> {
    const { code } = await this.#exec.run(['ip', 'link', 'show', 'dev', ipvsDevice]);
    return code === 0;
  }

  async removeDevice(): Promise<void> {
    await run(this.#exec, ['ip', 'link', 'del', ipvsDevice]);
  }

  /** Of interfaces that are up, as ours is not; without loopback and link-local addresses. */
  async localAddresses(family: IPFamily): Promise<string[]> {
    const interfaces = parseInterfaces(await run(this.#exec, ['ip', '-json', 'addr', 'show', 'up']));
    const addresses = interfaces
      .filter(({ name }) => name !== 'lo' && name !== ipvsDevice)
      .flatMap((found) => found.addresses)
      .filter(({ ip, scope }) => scope !== 'link' && scope !== 'host' && familyOf(ip) === family);
    // Several interfaces may have the same one.
    return [...new Set(addresses.map(({ ip }) => ip))];
  }

  async carriedAddresses(): Promise<string[]> {
    const text = await run(this.#exec, ['ip', '-json', 'addr', 'show', 'dev', ipvsDevice]);
    const found = parseInterfaces(text).flatMap(({ addresses }) => addresses);
    return found.filter(({ scope }) => scope !== 'link').map(({ ip }) => ip);
  }

  async servers(): Promise<ServerListing> {
    return parseServers(await run(this.#exec, ['ipvsadm', '-Ln']));
  }

  async sets(): Promise<IpSet[]> {
    return parseSets(await run(this.#exec, ['ipset', 'save']), isOwnSet);
  }

  async applySets(commands: IpvsUpdate['sets']): Promise<void> {
    if (commands.length === 0) return;
    await run(this.#exec, ['ipset', 'restore', '-exist'], commands.map(renderSetCommand).join(''));
  }

  async destroySets(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await run(this.#exec, ['ipset', 'restore'], names.map((name) => `destroy ${name}\n`).join(''));
  }

  async applyServers(commands: readonly ServerCommand[]): Promise<void> {
    if (commands.length === 0) return;
    await run(this.#exec, ['ipvsadm', '--restore'], commands.map(renderServerCommand).join(''));
  }

  async applyAddresses(commands: IpvsUpdate['addresses']): Promise<void> {
    if (commands.length === 0) return;
    const lines = commands.map((command) => renderAddressCommand(ipvsDevice, command));
    await run(this.#exec, ['ip', '-batch', '-'], lines.join(''));
  }
}

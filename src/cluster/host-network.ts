// The network of a cluster on the host: one bridge, one namespace per node, one veth pair between them, and what the host
// lets through. Deciding (`planHostNetwork`, `egressRules`) is apart from doing.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { Exec } from '../system/exec.ts';
import { Failure } from './failure.ts';
import type { NetworkLayout } from './layout.ts';

const namespaceFolder = '/run/netns';

export interface HostNetworkState {
  readonly links: ReadonlySet<string>;
  /** By their names. */
  readonly namespaces: ReadonlySet<string>;
  /** Processes that keep the namespaces of nodes that run, by the names that these had. */
  readonly holders: ReadonlyMap<string, number>;
  readonly ipv6: boolean;
}

/**
 * Commands for `ip -batch` that bring the host to the layout from what is there. Addresses, and whether links are up and where
 * they belong, are said again each time: somebody may have changed them by hand.
 */
export function planHostNetwork(layout: NetworkLayout, state: HostNetworkState): string[] {
  const { bridge, v4, v6 } = layout;
  const commands = [
    ...(state.links.has(bridge) ? [] : [`link add ${bridge} type bridge`]),
    `addr replace ${v4.host}/${v4.prefix} dev ${bridge}`,
    ...(state.ipv6 ? [`addr replace ${v6.host}/${v6.prefix} dev ${bridge} nodad`] : []),
    `link set ${bridge} up`,
  ];
  for (const node of layout.nodes) {
    const isNew = !state.namespaces.has(node.namespace);
    const holder = state.holders.get(node.namespace);
    if (isNew) commands.push(holder ? `netns attach ${node.namespace} ${holder}` : `netns add ${node.namespace}`);
    if ((isNew && !holder) || !state.links.has(node.hostLink)) {
      commands.push(`link add ${node.hostLink} type veth peer name eth0 netns ${node.namespace}`);
    }
    commands.push(`link set ${node.hostLink} master ${bridge} up`);
  }
  return commands;
}

/** Commands for `ip -batch` inside a node's namespace. They may be repeated. */
export function nodeNetworkCommands(
  layout: NetworkLayout,
  node: NetworkLayout['nodes'][number],
  ipv6: boolean,
): string[] {
  const commands = [
    'link set lo up',
    'link set eth0 up',
    `addr replace ${node.addresses[0]}/${layout.v4.prefix} dev eth0`,
    `route replace default via ${layout.v4.host}`,
  ];
  if (ipv6) {
    commands.push(
      `addr replace ${node.addresses[1]}/${layout.v6.prefix} dev eth0 nodad`,
      `route replace default via ${layout.v6.host}`,
    );
  }
  return commands;
}

/** Names of the network devices of the namespace that this process is in. */
export async function linkNames(exec: Exec): Promise<Set<string>> {
  const { stdout } = await exec.run(['ip', '-j', 'link', 'show']);
  return new Set((JSON.parse(stdout || '[]') as { ifname: string }[]).map((l) => l.ifname));
}

/** A namespace's name stands for a namespace only while something is mounted on its file. */
async function isNamespace(name: string): Promise<boolean> {
  const [file, folder] = await Promise.all([
    stat(`${namespaceFolder}/${name}`).catch(() => undefined),
    stat(namespaceFolder).catch(() => undefined),
  ]);
  return file !== undefined && folder !== undefined && file.dev !== folder.dev;
}

/** Makes what is missing of the bridge, namespaces and links. What is there already is left as it is. */
export async function makeHostNetwork(
  exec: Exec,
  layout: NetworkLayout,
  holders: HostNetworkState['holders'],
): Promise<void> {
  const namespaces = new Set<string>();
  for (const { namespace } of layout.nodes) {
    if (await isNamespace(namespace)) namespaces.add(namespace);
    else await rm(`${namespaceFolder}/${namespace}`, { force: true });
  }
  const state = { links: await linkNames(exec), namespaces, holders, ipv6: hasIPv6() };
  const commands = planHostNetwork(layout, state);
  await runBatch(exec, commands);
}

/** Runs `ip -batch` with these lines. Fails at the first that is refused; those before it stand. */
export async function runBatch(exec: Exec, commands: readonly string[]): Promise<void> {
  if (commands.length === 0) return;
  const { code, stderr } = await exec.run(['ip', '-batch', '-'], { input: `${commands.join('\n')}\n` });
  if (code !== 0) throw new Failure(`making the node network failed: ${stderr.trim().split('\n')[0]}`);
}

export const hasIPv6 = (): boolean => existsSync('/proc/sys/net/ipv6');

/** The nftables script of the host for a cluster; replaces the table as a whole. */
export function egressRules(table: string, layout: NetworkLayout, egress: boolean): string {
  const { bridge, v4 } = layout;
  const chains = egress
    ? `  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" accept
    oifname "${bridge}" ct state established,related accept
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${v4.subnet} oifname != "${bridge}" masquerade
  }`
    : `  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" oifname != "${bridge}" drop
  }`;
  return `table inet ${table}\ndelete table inet ${table}\ntable inet ${table} {\n${chains}\n}\n`;
}

const forwarding = '/proc/sys/net/ipv4/ip_forward';

/**
 * Opens or closes the host for traffic of the cluster's pods. Opening needs forwarding, which is a setting of the whole
 * host: its former value is noted in `${runDir}/ip_forward` for `restoreForwarding`.
 */
export async function setEgress(
  exec: Exec,
  options: {
    readonly table: string;
    readonly layout: NetworkLayout;
    readonly egress: boolean;
    readonly runDir: string;
  },
): Promise<void> {
  const rules = egressRules(options.table, options.layout, options.egress);
  const { code, stderr } = await exec.run(['nft', '-f', '-'], { input: rules });
  if (code !== 0) throw new Failure(`nft refused the host's rules: ${stderr.trim().split('\n')[0]}`);
  if (!options.egress) return;
  const before = (await readFile(forwarding, 'utf8')).trim();
  if (before === '1') return;
  await mkdir(options.runDir, { recursive: true });
  await writeFile(`${options.runDir}/ip_forward`, before);
  await writeFile(forwarding, '1');
}

/**
 * Gives the host's forwarding the value it had before `setEgress`, when that changed it. Another cluster that needs it does so at
 * its own end: the note goes to `heir`, its run folder.
 */
export async function restoreForwarding(runDir: string, heir: string | undefined): Promise<void> {
  const before = await readFile(`${runDir}/ip_forward`, 'utf8').catch(() => undefined);
  if (before !== undefined) await writeFile(heir === undefined ? forwarding : `${heir}/ip_forward`, before);
}

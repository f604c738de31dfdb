// `portico rules`: what the proxy of a node would load into its kernel, from manifests and without root.
import type { Command } from 'commander';
import type { Service } from '../api/core/v1/types.generated.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { canonicalIP, type IPFamily } from '../net/ip.ts';
import type { ProxyMode } from '../proxy/settings.ts';
import { trouble } from './describe-failure.ts';
import { usage } from './flag-values.ts';
import { networkOfThisMachine } from './network-settings.ts';
import { addObjectOptions, isOfThisMachine, type ObjectFlags, objectsOf } from './objects.ts';
import { addConfigurationFlags, givenFlags, readConfiguration } from './proxy-configuration.ts';

interface Flags extends ObjectFlags {
  readonly node: string;
  readonly family?: string;
  readonly nodeAddresses?: string;
  readonly config?: string;
  readonly explain?: boolean;
  readonly diff?: string;
  readonly serviceClusterIpRange?: string;
  readonly live?: string | true;
}

/** Those flags of `portico proxy` that say something of rules. */
const proxyFlags = [
  'proxy-mode',
  'cluster-cidr',
  'detect-local-mode',
  'pod-bridge-interface',
  'pod-interface-name-prefix',
  'bind-address',
  'nodeport-addresses',
  'iptables-localhost-nodeports',
  'masquerade-all',
  'iptables-masquerade-bit',
  'ipvs-scheduler',
  'feature-gates',
];

const kinds = ['Node', 'Service', 'EndpointSlice'] as const;

const exitCodes = `
Exit codes: 0 done, and with --diff nothing differs; 1 something differs; 2 it could not be said.`;

async function run(flags: Flags, given: ReadonlyMap<string, string>): Promise<void> {
  await printRules(flags, given).catch((error: unknown) => {
    throw trouble('rules', error);
  });
}

async function printRules(flags: Flags, given: ReadonlyMap<string, string>): Promise<void> {
  if (flags.live !== undefined) {
    const { printLiveRules } = await import('./live-rules.ts');
    return printLiveRules({ ...flags, live: flags.live }, unusableWithLive(flags, given));
  }
  const families = familiesOf(flags.family);
  const [{ configuration }, { settingsOf }, { listOf }, { rulesText }] = await Promise.all([
    readConfiguration(given, flags.config),
    import('../proxy/configuration/to-settings.ts'),
    import('../proxy/settings.ts'),
    import('../proxy/offline.ts'),
  ]);
  // A cluster of this machine has ranges that are known; of others, and of manifests, only what is said.
  const running = isOfThisMachine(flags) ? await networkOfThisMachine(flags) : undefined;
  const settings = settingsOf(
    {
      ...configuration,
      clusterCIDR: configuration.clusterCIDR || (running?.podCIDRs ?? ''),
      mode: configuration.mode || (running?.proxyMode ?? ''),
    },
    listOf(flags.serviceClusterIpRange ?? running?.serviceCIDRs),
  );
  const objects = await judged(await objectsOf(flags, 'rules', kinds), flags);
  const interfaceAddresses = flags.nodeAddresses === undefined ? undefined : addressesOf(listOf(flags.nodeAddresses));
  const text = await rulesText({ objects, nodeName: flags.node, settings, families, interfaceAddresses });
  if (flags.explain) {
    const { explainRules, explainedText } = await import('../explain/rules/explain-rules.ts');
    process.stdout.write(explainedText(explainRules(objects, text)));
  } else if (flags.diff === undefined) process.stdout.write(text);
  else {
    const other = await otherSide(flags, flags.diff, objects);
    const mode = other.mode ?? settings.mode;
    const same = other.nodeName === flags.node ? { interfaceAddresses } : {};
    const otherText = await rulesText({ ...other, ...same, settings: { ...settings, mode }, families });
    await printDifference(text, otherText);
  }
}

interface OtherSide {
  readonly nodeName: string;
  readonly objects: readonly KubeObject[];
  readonly mode?: ProxyMode;
}

/** What `--diff` compares with: another node, another mode, or another moment. */
async function otherSide(flags: Flags, what: string, objects: readonly KubeObject[]): Promise<OtherSide> {
  const { proxyModes } = await import('../proxy/settings.ts');
  const [, node] = /^node\/(.+)$/.exec(what) ?? [];
  if (node !== undefined) return { nodeName: node, objects };
  const mode = proxyModes.find((known) => known === what);
  if (mode) return { nodeName: flags.node, objects, mode };
  return { nodeName: flags.node, objects: await objectsOf({ ...flags, at: what }, 'rules', kinds) };
}

async function printDifference(before: string, after: string): Promise<void> {
  const { changeLines, lineChanges } = await import('../explain/line-changes.ts');
  const lines = changeLines(lineChanges(before.split('\n'), after.split('\n')));
  if (lines.length === 0) return;
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exitCode = 1;
}

/** --live asks the node for what it has: nothing else has a say in that. */
function unusableWithLive(flags: Flags, given: ReadonlyMap<string, string>): string[] {
  const others = ['at', 'family', 'nodeAddresses', 'config', 'explain', 'diff', 'serviceClusterIpRange'] as const;
  const names = others.filter((name) => flags[name] !== undefined) as string[];
  return [...given.keys(), ...(flags.filename.length > 0 ? ['filename'] : []), ...names];
}

/** What manifests say is judged first, as an API server would; a cluster's objects have been. */
async function judged(objects: readonly KubeObject[], { filename }: Flags): Promise<readonly KubeObject[]> {
  if (filename.length === 0) return objects;
  const { validObjects } = await import('./valid-objects.ts');
  const valid = validObjects(objects, kinds);
  const waiting = valid.filter((object): object is Service => object.kind === 'Service').filter(lacksClusterIP);
  for (const { metadata } of waiting) {
    const name = `${metadata.namespace ?? 'default'}/${metadata.name}`;
    process.stderr.write(`portico: rules: Service ${name} has no cluster IP yet, and so no rules\n`);
  }
  return valid;
}

function lacksClusterIP({ spec }: Service): boolean {
  return spec?.type !== 'ExternalName' && !spec?.clusterIP;
}

function familiesOf(family: string | undefined): readonly IPFamily[] {
  if (family === undefined) return ['IPv4', 'IPv6'];
  if (family === 'ipv4') return ['IPv4'];
  if (family === 'ipv6') return ['IPv6'];
  throw usage(`rules: --family: ${JSON.stringify(family)} is neither ipv4 nor ipv6`);
}

function addressesOf(texts: readonly string[]): readonly string[] {
  return texts.map((text) => {
    const address = canonicalIP(text);
    if (address === undefined) {
      throw usage(`rules: --node-addresses: ${JSON.stringify(text)} is no IP address`);
    }
    return address;
  });
}

export function register(command: Command): void {
  command
    .requiredOption('--node <name>', 'the node whose rules to print')
    .option('--family <family>', 'only ipv4 or only ipv6')
    .option('--node-addresses <ips>', "addresses of the node's interfaces, where they differ from those of its object")
    .option('--live [service]', 'what the proxy of a running node last wrote, of all Services or NAMESPACE/NAME')
    .option('--service-cluster-ip-range <cidrs>', 'addresses of Services, comma-separated')
    .option('--explain', 'over each rule, the objects and fields that it was made of')
    .option('--diff <other>', 'only what differs from node/NAME, from another mode, or from a moment as --at takes it')
    .option('--config <file>', 'a KubeProxyConfiguration; flags win over it');
  addConfigurationFlags(command, proxyFlags);
  addObjectOptions(command)
    .addHelpText('after', exitCodes)
    .action((flags: Flags) => run(flags, givenFlags(command, proxyFlags)));
}

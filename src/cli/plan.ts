// `portico plan`: what the network would be like after a change, before it is made.
import type { Command } from 'commander';
import { type KubeObject, objectKey } from '../apimachinery/object.ts';
import { Failure } from '../cluster/failure.ts';
import type { ProxyMode } from '../proxy/settings.ts';
import { addOutputOption, usage } from './cluster-options.ts';
import { addSourceOptions, isOfThisMachine, type ObjectFlags, objectsOf } from './objects.ts';

interface Flags {
  readonly filename: readonly string[];
  readonly without: readonly string[];
  readonly from: readonly string[];
  readonly kubeconfig?: string;
  readonly name: string;
  readonly dataDir?: string;
  readonly namespace: string;
  readonly proxyMode: string;
  readonly clusterCidr?: string;
  readonly serviceClusterIpRange?: string;
  readonly clusterDomain: string;
  readonly rules?: boolean;
  readonly output?: 'text' | 'json';
}

const append = (value: string, earlier: string[]): string[] => [...earlier, value];

/** As `kubectl diff`: 0 nothing would change, 1 something would, above 1 an error. */
async function run(flags: Flags): Promise<void> {
  if (flags.filename.length === 0 && flags.without.length === 0) {
    throw failed('say what to change: -f FILE, or --without pod/NAME, node/NAME or service/NAME');
  }
  const [{ planChange }, { isEmptyPlan }, { planText }, { withObjects, withoutObjects, overlaid }, settingsOf] =
    await Promise.all([
      import('../explain/plan/plan-change.ts'),
      import('../explain/plan/plan.ts'),
      import('../explain/plan/text.ts'),
      import('../explain/plan/change.ts'),
      import('../proxy/settings.ts'),
    ]);
  const source: ObjectFlags = { ...flags, filename: flags.from };
  const mode = settingsOf.proxyModes.find((known): known is ProxyMode => known === flags.proxyMode);
  if (!mode)
    throw failed(`--proxy-mode: ${JSON.stringify(flags.proxyMode)} is none of ${settingsOf.proxyModes.join(', ')}`);
  const running = isOfThisMachine(source) ? await import('../cluster/layout.ts') : undefined;
  const settings = {
    mode,
    clusterCIDRs: settingsOf.listOf(flags.clusterCidr ?? running?.podCIDRs),
    serviceCIDRs: settingsOf.listOf(flags.serviceClusterIpRange ?? running?.serviceCIDRs),
    nodePortAddresses: [],
  };
  const wrong = settingsOf.settingsError(settings);
  if (wrong) throw failed(wrong);
  try {
    const before = (await objectsOf(source, 'plan', ['Node', 'Service', 'EndpointSlice', 'Pod'])).map((object) =>
      placed(object, flags),
    );
    const manifests = await manifestsOf(flags);
    const offline = { present: [], objects: manifests.map((manifest) => overlaid(before, manifest)) };
    const changed: Planned = flags.from.length > 0 ? offline : await dryRun(source, manifests);
    const after = withoutObjects(
      withObjects(before, changed.objects),
      flags.without.map((text) => goneOf(text, before, flags)),
    );
    const present = withObjects(before, changed.present);
    const plan = await planChange({ before: present, after, settings, clusterDomain: flags.clusterDomain });
    const text =
      flags.output === 'json'
        ? JSON.stringify(plan, undefined, 2)
        : planText(plan, { withRules: flags.rules ?? false });
    process.stdout.write(`${text}\n`);
    if (!isEmptyPlan(plan)) process.exitCode = 1;
  } catch (error) {
    if (error instanceof Failure && error.exitCode > 1) throw error;
    throw failed(error instanceof Error ? error.message : String(error));
  }
}

function failed(message: string): Failure {
  return usage(message.startsWith('plan: ') ? message : `plan: ${message}`);
}

/** Objects without a namespace are in the one that the flags say; nodes are in none. */
function placed(object: KubeObject, { namespace }: Pick<Flags, 'namespace'>): KubeObject {
  if (object.metadata.namespace || ['Node', 'Namespace'].includes(object.kind ?? '')) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

async function manifestsOf(flags: Flags): Promise<KubeObject[]> {
  if (flags.filename.length === 0) return [];
  const { readManifests } = await import('./manifests.ts');
  return (await readManifests(flags.filename)).map((object) => placed(object, flags));
}

interface Planned {
  /** The manifests' objects as they are, where there are any. */
  readonly present: readonly KubeObject[];
  /** … and as they would be. */
  readonly objects: readonly KubeObject[];
}

/** Lets the API server say what would become of the manifests: defaults, addresses, refusals. */
async function dryRun(source: ObjectFlags, manifests: readonly KubeObject[]): Promise<Planned> {
  if (manifests.length === 0) return { present: [], objects: [] };
  const [{ clientOf }, { discoverResources }, { overlaid }, { isNotFound }, { apiVersionOf }] = await Promise.all([
    import('./objects.ts'),
    import('../client/discovery.ts'),
    import('../explain/plan/change.ts'),
    import('../apimachinery/status.ts'),
    import('../apimachinery/object.ts'),
  ]);
  const client = await clientOf(source, 'plan');
  const { resources } = await discoverResources(client);
  const present: KubeObject[] = [];
  const objects: KubeObject[] = [];
  for (const manifest of manifests) {
    const { kind, apiVersion } = manifest;
    const served = resources.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
    if (!served) throw failed(`the cluster serves no ${kind} of ${apiVersion}`);
    const resource = client.resource<KubeObject>(served);
    const wanted = served.namespaced
      ? manifest
      : { ...manifest, metadata: { ...manifest.metadata, namespace: undefined } };
    const { name, namespace } = wanted.metadata;
    const live = await resource.get(name, namespace).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    const options = { dryRun: true, fieldManager: 'portico-plan' };
    const result = live
      ? await resource.update(overlaid([{ ...live, kind: kind ?? '' }], wanted as KubeObject), options)
      : await resource.create(wanted as KubeObject, options);
    if (live) present.push({ ...live, kind: kind ?? '' });
    objects.push({ ...result, kind: kind ?? '' });
  }
  return { present, objects };
}

const kinds = { pod: 'Pod', node: 'Node', service: 'Service', svc: 'Service' } as const;

function goneOf(text: string, objects: readonly KubeObject[], { namespace }: Pick<Flags, 'namespace'>) {
  const [kindName = '', first = '', second] = text.split('/');
  const kind = Object.hasOwn(kinds, kindName) ? kinds[kindName as keyof typeof kinds] : undefined;
  if (!kind || first === '')
    throw failed(`--without: ${JSON.stringify(text)} is not pod/NAME, pod/NAMESPACE/NAME, node/NAME or service/NAME`);
  const gone = { kind, namespace: second === undefined ? namespace : first, name: second ?? first };
  const key = kind === 'Node' ? gone.name : `${gone.namespace}/${gone.name}`;
  if (!objects.some((object) => object.kind === kind && objectKey(object) === key))
    throw failed(`--without: there is no ${kind} ${key}`);
  return gone;
}

export function register(command: Command): void {
  addSourceOptions(command)
    .option('-f, --filename <file>', 'what to apply: a file, a folder, or - ; may be repeated', append, [])
    .option('--without <object>', 'what to leave out: pod/NAME, node/NAME or service/NAME; may be repeated', append, [])
    .option('--from <file>', 'the objects that there are, in place of a cluster; may be repeated', append, [])
    .option('-n, --namespace <name>', 'of objects that name none', 'default')
    .option('--proxy-mode <mode>', 'nftables, iptables or ipvs', 'nftables')
    .option('--cluster-cidr <cidrs>', 'addresses of pods, comma-separated')
    .option('--service-cluster-ip-range <cidrs>', 'addresses of Services, comma-separated')
    .option('--cluster-domain <domain>', 'of DNS names', 'cluster.local')
    .option('--rules', 'print the rules that come and go, not only how many');
  addOutputOption(command).action(run);
}

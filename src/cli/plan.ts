// `portico plan`: what the network would be like after a change, before it is made.
import type { Command } from 'commander';
import type { KubeObject } from '../apimachinery/object.ts';
import { addOutputOption, tools } from './cluster-options.ts';
import { trouble } from './describe-failure.ts';
import { repeated, usage } from './flag-values.ts';
import { addNetworkOptions, clusterDomainOf, type NetworkFlags, networkSettings } from './network-settings.ts';
import { addSourceOptions, type ObjectFlags } from './objects.ts';

interface Flags extends NetworkFlags {
  readonly filename: readonly string[];
  readonly without: readonly string[];
  readonly from: readonly string[];
  readonly kubeconfig?: string;
  readonly name: string;
  readonly dataDir?: string;
  readonly namespace: string;
  readonly rules?: boolean;
  readonly output?: 'text' | 'json';
}

const exitCodes = `
Exit codes, as of kubectl diff: 0 nothing would change, 1 something would, 2 it could not be said.`;

async function run(flags: Flags): Promise<void> {
  try {
    if (flags.filename.length === 0 && flags.without.length === 0) {
      throw usage('say what to change: -f FILE, or --without pod/NAME, node/NAME, service/NAME or networkpolicy/NAME');
    }
    const [{ planChange }, { isEmptyPlan }, { planText }, { askConnections }, { proposedWorlds }] = await Promise.all([
      import('../explain/plan/plan-change.ts'),
      import('../explain/plan/plan.ts'),
      import('../explain/plan/text.ts'),
      import('../explain/live/connections.ts'),
      import('./proposed-worlds.ts'),
    ]);
    const source: ObjectFlags = { ...flags, filename: flags.from };
    const settings = await networkSettings(flags, source);
    const clusterDomain = await clusterDomainOf(flags, source);
    const { without, namespace } = flags;
    const proposal = { manifests: await manifestsOf(flags), without, namespace };
    const { client, ...worlds } = await proposedWorlds(source, 'plan', proposal);
    const plan = await planChange({
      ...worlds,
      settings,
      clusterDomain,
      now: tools.clock.now(),
      ...(client && { connections: () => askConnections(client, worlds.before) }),
    });
    const text =
      flags.output === 'json'
        ? JSON.stringify(plan, undefined, 2)
        : planText(plan, { withRules: flags.rules ?? false });
    process.stdout.write(`${text}\n`);
    if (!isEmptyPlan(plan)) process.exitCode = 1;
  } catch (error) {
    throw trouble('plan', error);
  }
}

async function manifestsOf({ filename }: Flags): Promise<KubeObject[]> {
  if (filename.length === 0) return [];
  const { readManifests } = await import('./manifests.ts');
  return readManifests(filename);
}

export function register(command: Command): void {
  addSourceOptions(command)
    .option('-f, --filename <file>', 'what to apply: a file, a folder, or - ; may be repeated', repeated, [])
    .option(
      '--without <object>',
      'what to leave out: pod/NAME, node/NAME, service/NAME or networkpolicy/NAME; may be repeated',
      repeated,
      [],
    )
    .option('--from <file>', 'the objects that there are, in place of a cluster; may be repeated', repeated, [])
    .option('-n, --namespace <name>', 'of objects that name none', 'default')
    .option('--rules', 'print the rules that come and go, not only how many');
  addOutputOption(addNetworkOptions(command)).addHelpText('after', exitCodes).action(run);
}

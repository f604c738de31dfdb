// `portico ui`: a link to the page that shows the Service world of a cluster.
import type { Command } from 'commander';
import { addOutputOption, tools } from './cluster-options.ts';
import { networkOfThisMachine } from './network-settings.ts';
import { addSourceOptions, answered, clientOf, isOfThisMachine } from './objects.ts';

interface Flags {
  readonly kubeconfig?: string;
  readonly name: string;
  readonly dataDir?: string;
  readonly output?: 'text' | 'json';
}

async function run(flags: Flags): Promise<void> {
  const url = await pageLink(flags);
  if (flags.output === 'json') console.log(JSON.stringify({ url }));
  else console.log(`${url}\n\nOpens once, within ten minutes, in a browser on the machine of the API server.`);
}

/** A link that opens the page once. Builds the page first in a checkout whose sources are newer. Throws a Failure. */
export async function pageLink(flags: Omit<Flags, 'output'>): Promise<string> {
  const [{ buildPageIfStale }, { askForLink }] = await Promise.all([
    import('../cluster/page/build.ts'),
    import('../cluster/page/ask-for-link.ts'),
  ]);
  await buildPageIfStale(tools.exec, (line) => process.stderr.write(`portico: ${line}\n`));
  const source = { ...flags, filename: [] };
  const { proxyMode, reach } = isOfThisMachine(source) ? await networkOfThisMachine(source) : {};
  return answered('ui', askForLink(await clientOf(source, 'ui'), { proxyMode, reach }));
}

export function register(command: Command): void {
  addOutputOption(addSourceOptions(command)).action(run);
}

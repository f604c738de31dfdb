// `portico images`: the images that the nodes have.
import type { Command } from 'commander';
import { listImages } from '../cluster/images/import.ts';
import { addClusterOptions, addOutputOption, type ClusterFlags, pathsOf, tools } from './cluster-options.ts';
import { describeFailure } from './describe-failure.ts';
import { nodesOf } from './nodes-of.ts';
import { table } from './table.ts';

async function run(flags: ClusterFlags & { readonly output?: string }): Promise<void> {
  const paths = await pathsOf(flags);
  const nodes = await nodesOf('images', paths, flags);
  const asked = await Promise.allSettled(nodes.map((node) => listImages(tools.exec, paths.node(node))));
  const lists = asked.map((answer, i) => {
    if (answer.status === 'fulfilled') return answer.value;
    console.error(`portico: ${nodes[i]}: ${describeFailure(answer.reason).line}`);
    process.exitCode = 1;
    return [];
  });
  const where = new Map<string, string[]>();
  for (const [i, images] of lists.entries()) {
    for (const image of images) where.set(image, [...(where.get(image) ?? []), nodes[i] ?? '']);
  }
  const rows = [...where].sort(([a], [b]) => (a < b ? -1 : 1));
  if (flags.output === 'json')
    console.log(
      JSON.stringify(
        rows.map(([image, on]) => ({ image, nodes: on })),
        null,
        2,
      ),
    );
  else
    console.log(
      table(
        ['IMAGE', 'NODES'],
        rows.map(([image, on]) => [image, on.join(',')]),
      ),
    );
}

export function register(command: Command): void {
  addOutputOption(addClusterOptions(command)).action(run);
}

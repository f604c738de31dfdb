// `portico image load FILE`: puts an image archive on every node.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Failure } from '../cluster/failure.ts';
import { importImages } from '../cluster/images/import.ts';
import { withPlainArchive } from '../cluster/images/plain-archive.ts';
import { addClusterOptions, addOutputOption, type ClusterFlags, pathsOf, tools } from './cluster-options.ts';
import { nodesOf } from './nodes-of.ts';

interface Flags extends ClusterFlags {
  readonly output?: string;
}

async function load(file: string, flags: Flags): Promise<void> {
  const archive = resolve(file);
  if (!existsSync(archive)) throw new Failure(`there is no file ${archive}`);
  const paths = await pathsOf(flags);
  const nodes = await nodesOf('image load', paths, flags);
  const loaded = await withPlainArchive(archive, (plain) =>
    Promise.all(
      nodes.map(async (node) => ({ node, images: await importImages(tools.exec, paths.node(node), archive, plain) })),
    ),
  );
  if (flags.output === 'json') console.log(JSON.stringify(loaded, null, 2));
  else {
    const where = loaded.length === 1 ? '1 node' : `${loaded.length} nodes`;
    for (const image of new Set(loaded.flatMap((l) => l.images))) console.log(`${image} is on ${where}`);
  }
}

export function register(command: Command): void {
  addOutputOption(
    addClusterOptions(command.command('load').argument('<file>', 'an OCI or docker archive (.tar, .tar.gz, .tar.zst)')),
  )
    .description('Put an image archive on every node.')
    .action(load);
}

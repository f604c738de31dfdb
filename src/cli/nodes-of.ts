import { Failure } from '../cluster/failure.ts';
import { type ClusterPaths, nodeNames } from '../cluster/layout.ts';
import { requireRoot } from '../cluster/preflight.ts';
import { readRecord } from '../cluster/record.ts';
import { type ClusterFlags, tools, upCommand } from './cluster-options.ts';

/** Names of the nodes of a cluster that is up on this machine, for a command that needs root. */
export async function nodesOf(command: string, paths: ClusterPaths, flags: ClusterFlags): Promise<string[]> {
  requireRoot(command);
  const record =
    (await tools.files.read(paths.runRecord)) === undefined ? undefined : await readRecord(tools.files, paths);
  if (!record) throw new Failure(`the cluster ${flags.name} is not up; start it with: ${upCommand(flags)}`);
  return nodeNames(record.nodes);
}

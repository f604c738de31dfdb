// Where the commands that explain take their objects from: manifests, a cluster of this machine, or any other.
import type { Command } from 'commander';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import type { Client } from '../client/types.ts';
import { Failure } from '../cluster/failure.ts';
import { addClusterOptions, pathsOf, tools } from './cluster-options.ts';

export interface ObjectFlags {
  readonly filename: readonly string[];
  readonly kubeconfig?: string;
  readonly name: string;
  readonly dataDir?: string;
}

export type ObjectKind = 'Node' | 'Service' | 'EndpointSlice' | 'Pod';

const append = (value: string, earlier: string[]): string[] => [...earlier, value];

/** Which cluster is asked. */
export function addSourceOptions(command: Command): Command {
  const kubeconfig = ['--kubeconfig <file>', 'the cluster to ask, in place of the one on this machine'] as const;
  return addClusterOptions(command).option(...kubeconfig);
}

export function addObjectOptions(command: Command): Command {
  return addSourceOptions(command).option(
    '-f, --filename <file>',
    'manifests: a file, a folder, or - ; may be repeated',
    append,
    [],
  );
}

/** Whether the objects come from a cluster of this machine, whose ranges are known. */
export function isOfThisMachine({ filename, kubeconfig }: ObjectFlags): boolean {
  return filename.length === 0 && !kubeconfig;
}

/** The objects of the manifests, or those of some kinds in the cluster; `command` is for complaints. */
export async function objectsOf(
  flags: ObjectFlags,
  command: string,
  kinds: readonly ObjectKind[],
): Promise<KubeObject[]> {
  if (flags.filename.length > 0) {
    const { readManifests } = await import('./manifests.ts');
    return readManifests(flags.filename);
  }
  const client = await clientOf(flags, command);
  const resources = await import('../client/resources.ts');
  const resourceOf: Readonly<Record<ObjectKind, GroupVersionResource>> = {
    Node: resources.nodes,
    Service: resources.services,
    EndpointSlice: resources.endpointSlices,
    Pod: resources.pods,
  };
  const lists = await Promise.all(
    kinds.map(async (kind) => {
      const { items } = await client.resource<KubeObject>(resourceOf[kind]).list();
      return items.map((item) => ({ ...item, kind }));
    }),
  );
  return lists.flat();
}

/** A client of the cluster that the flags mean; fails with one line when there is none. */
export async function clientOf(flags: ObjectFlags, command: string): Promise<Client> {
  const { adminClient } = await import('../cluster/admin-client.ts');
  const kubeconfig = flags.kubeconfig ?? (await pathsOf(flags)).kubeconfig;
  if ((await tools.files.read(kubeconfig)) === undefined) {
    throw new Failure(
      `${command}: there is no ${kubeconfig}: start the cluster with \`portico up\`, or give manifests with a file`,
    );
  }
  return adminClient(kubeconfig, tools);
}

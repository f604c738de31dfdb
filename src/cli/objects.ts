// Where the commands that explain take their objects from: manifests, a cluster of this machine, or any other.
import type { Command } from 'commander';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { StatusError } from '../apimachinery/status.ts';
import type { Client } from '../client/types.ts';
import { Failure } from '../cluster/failure.ts';
import { addClusterOptions, neverUp, pathsOf, tools } from './cluster-options.ts';
import { repeated, usage } from './flag-values.ts';

export interface ObjectFlags {
  readonly filename: readonly string[];
  readonly kubeconfig?: string;
  readonly name: string;
  readonly dataDir?: string;
  /** A resourceVersion, or a time as RFC 3339 has it. */
  readonly at?: string;
}

export type ObjectKind = 'Node' | 'Service' | 'EndpointSlice' | 'Pod' | 'Namespace' | 'NetworkPolicy';

/** Which cluster is asked. */
export function addSourceOptions(command: Command): Command {
  const kubeconfig = ['--kubeconfig <file>', 'the cluster to ask, in place of the one on this machine'] as const;
  return addClusterOptions(command).option(...kubeconfig);
}

export function addObjectOptions(command: Command): Command {
  return addSourceOptions(command)
    .option('-f, --filename <file>', 'manifests: a file, a folder, or - ; may be repeated', repeated, [])
    .option('--at <moment>', 'as it was at a resourceVersion, or at a time such as 2026-01-31T12:00:00Z');
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
    if (flags.at !== undefined) throw usage(`${command}: --at: manifests have no history`);
    const [{ readManifests }, { withOwnKind }] = await Promise.all([
      import('./manifests.ts'),
      import('../explain/object-id.ts'),
    ]);
    return (await readManifests(flags.filename)).map(withOwnKind);
  }
  const client = await clientOf(flags, command);
  if (flags.at !== undefined)
    return (await answered(command, objectsAt(client, flags.at))).filter(({ kind }) =>
      kinds.includes(kind as ObjectKind),
    );
  const resources = await import('../client/resources.ts');
  const resourceOf: Readonly<Record<ObjectKind, GroupVersionResource>> = {
    Node: resources.nodes,
    Service: resources.services,
    EndpointSlice: resources.endpointSlices,
    Pod: resources.pods,
    Namespace: resources.namespaces,
    NetworkPolicy: resources.networkPolicies,
  };
  const list = async (kind: ObjectKind) => {
    const { items } = await client.resource<KubeObject>(resourceOf[kind]).list();
    return items.map((item) => ({ ...item, kind }));
  };
  const lists = await answered(command, Promise.all(kinds.map(list)));
  return lists.flat();
}

/** A client of the cluster that the flags mean; fails with one line when there is none. */
export async function clientOf(flags: ObjectFlags, command: string): Promise<Client> {
  const { adminClient } = await import('../cluster/admin-client.ts');
  const kubeconfig = flags.kubeconfig ?? (await pathsOf(flags)).kubeconfig;
  if ((await tools.files.read(kubeconfig)) === undefined) {
    if (flags.kubeconfig !== undefined) throw new Failure(`${command}: there is no file ${kubeconfig}`);
    throw new Failure(`${command}: ${neverUp(flags, { kubeconfig }).message}`);
  }
  return adminClient(kubeconfig, tools).catch((error: unknown) => {
    throw new Failure(`${command}: ${kubeconfig}: ${errorMessage(error)}`, { cause: error });
  });
}

/** What the API server answers to the first that is asked of it; a Failure that says what to do when nobody is there. */
export async function answered<T>(command: string, asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (error instanceof StatusError) throw new Failure(`${command}: ${refusal(error)}`, { cause: error });
    if (code === 'CERT_NOT_YET_VALID' || code === 'CERT_HAS_EXPIRED') {
      const now = new Date(tools.clock.now()).toISOString();
      throw new Failure(
        `${command}: the API server shows a certificate that does not hold now (${errorMessage(error)}): this machine's clock says ${now}; where that is right, start the server again`,
        { cause: error },
      );
    }
    if (/CERT|TLS|VERIFY/.test(code)) {
      throw new Failure(
        `${command}: the API server is none that the kubeconfig knows (${errorMessage(error)}): another cluster may have its port now; take that one's kubeconfig`,
        { cause: error },
      );
    }
    if (!unreachable.includes(code)) throw error;
    throw new Failure(
      `${command}: the API server does not answer (${errorMessage(error)}): see whether the cluster is up with \`portico status\`, or which one the kubeconfig means`,
      { cause: error },
    );
  }
}

function refusal({ status, message }: StatusError): string {
  if (status.code === 401) return `${message}: the cluster does not know the user of the kubeconfig`;
  return status.code === 403 ? `${message}: use the kubeconfig of somebody who may` : message;
}

const unreachable = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
];

/** The objects as they were, from the history that the API server keeps. */
async function objectsAt(client: Client, at: string): Promise<KubeObject[]> {
  const [{ historyPath }, { readText }] = await Promise.all([
    import('../cluster/page/paths.ts'),
    import('../client/watch-stream.ts'),
  ]);
  const response = await client.raw({ method: 'GET', path: `${historyPath}?${new URLSearchParams({ at })}` });
  const answer = JSON.parse(await readText(response.body)) as { objects?: KubeObject[]; message?: string };
  if (answer.objects) return answer.objects;
  throw usage(`--at ${at}: ${answer.message ?? `status ${response.status}`}`);
}

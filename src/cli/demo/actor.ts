// Who changes things in the demo: stock kubectl where there is one, else the same requests over HTTP.

import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KubeObject } from '../../apimachinery/object.ts';
import { table } from '../../apimachinery/table.ts';
import { deployments, pods, services } from '../../client/resources.ts';
import { resourcePath } from '../../client/rest-client.ts';
import type { Client } from '../../client/types.ts';
import { Failure } from '../../cluster/failure.ts';
import type { Exec } from '../../system/exec.ts';
import { readManifests } from '../manifests.ts';
import { shellWord } from '../shell-word.ts';

export interface Actor {
  /** Each returns what to show the user: the command and what it said. */
  apply(file: string): Promise<string>;
  deletePod(name: string): Promise<string>;
  labelPod(name: string, label: string, value: string): Promise<string>;
  setSelector(service: string, selector: Readonly<Record<string, string | null>>): Promise<string>;
  scale(deployment: string, replicas: number): Promise<string>;
}

/** A manifest of examples/, by the path from the user's folder where it lies below that. */
export function example(name: string): string {
  const path = fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
  const below = relative(process.cwd(), path);
  return below.startsWith('..') ? path : below;
}

export function kubectlActor(exec: Exec, kubectl: string, kubeconfig: string): Actor {
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await exec.run([kubectl, ...args], { env: { KUBECONFIG: kubeconfig } });
    if (code !== 0) throw new Failure(`kubectl ${args.join(' ')} failed: ${stderr.trim() || stdout.trim()}`);
    return `$ kubectl ${args.map(shellWord).join(' ')}\n${stdout.trimEnd()}`;
  };
  return {
    apply: (file) => run('apply', '-f', file),
    deletePod: (name) => run('delete', 'pod', name, '--wait=false'),
    labelPod: (name, label, value) => run('label', 'pod', name, `${label}=${value}`, '--overwrite'),
    setSelector: (service, selector) => run('patch', 'service', service, '-p', JSON.stringify({ spec: { selector } })),
    scale: (deployment, replicas) => run('scale', 'deployment', deployment, `--replicas=${replicas}`),
  };
}

const namespace = 'default';

export function httpActor(client: Client): Actor {
  return {
    apply: (file) => applyOverHttp(client, file),
    async deletePod(name) {
      await client.resource(pods).delete(name, namespace);
      return `DELETE ${resourcePath(pods, { namespace, name })}`;
    },
    async labelPod(name, label, value) {
      await client
        .resource(pods)
        .patch({ name, namespace, type: 'merge', body: { metadata: { labels: { [label]: value } } } });
      return `PATCH ${resourcePath(pods, { namespace, name })} (label ${label}=${value})`;
    },
    async setSelector(service, selector) {
      await client.resource(services).patch({ name: service, namespace, type: 'merge', body: { spec: { selector } } });
      return `PATCH ${resourcePath(services, { namespace, name: service })} ${JSON.stringify({ spec: { selector } })}`;
    },
    async scale(deployment, replicas) {
      const body = { spec: { replicas } };
      await client
        .resource(deployments)
        .patch({ name: deployment, namespace, type: 'merge', body }, { subresource: 'scale' });
      return `PATCH ${resourcePath(deployments, { namespace, name: deployment })}/scale ${JSON.stringify(body)}`;
    },
  };
}

const resourceOfKind = table<typeof pods>({ Deployment: deployments, Service: services, Pod: pods });

async function applyOverHttp(client: Client, file: string): Promise<string> {
  await readFile(file); // a missing file gets Node's own message
  const lines: string[] = [];
  for (const object of (await readManifests([file])) as KubeObject[]) {
    const resource = resourceOfKind[object.kind ?? ''];
    const name = object.metadata?.name ?? '';
    if (!resource) throw new Failure(`${file}: the demo applies no ${object.kind}`);
    await client
      .resource(resource)
      .patch({ name, namespace, type: 'apply', body: object, force: true }, { fieldManager: 'portico-demo' });
    lines.push(`PATCH ${resourcePath(resource, { namespace, name })} (server-side apply)`);
  }
  return lines.join('\n');
}

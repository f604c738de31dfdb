// Manifests for the tests of workloads on hollow nodes, and how they are applied.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestServer } from '../fixtures/portico-process.ts';

export type Manifest = Readonly<Record<string, unknown>>;

const containers = [{ name: 'web', image: 'web:1', ports: [{ containerPort: 80 }] }];

/** A pod template with these labels; `annotations` tell hollow nodes what the pod does. */
function template(app: string, annotations: Record<string, string> = {}, spec: Manifest = {}): Manifest {
  return { metadata: { labels: { app }, annotations }, spec: { containers, ...spec } };
}

/** A workload that selects its pods by `app: NAME`. */
export function workload(kind: string, name: string, spec: Manifest): Manifest {
  const selector = { matchLabels: { app: name } };
  return { apiVersion: 'apps/v1', kind, metadata: { name }, spec: { selector, template: template(name), ...spec } };
}

export function job(name: string, annotations: Record<string, string>, spec: Manifest = {}): Manifest {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { template: jobTemplate(annotations), ...spec },
  };
}

export function jobTemplate(annotations: Record<string, string>): Manifest {
  return { metadata: { annotations }, spec: { restartPolicy: 'Never', containers } };
}

export async function apply(server: TestServer, ...manifests: readonly Manifest[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'portico-manifests-'));
  const file = join(folder, 'list.json');
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
  try {
    await server.kubectl('apply', '-f', file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The values of a JSONPath, one for each object, by name. */
export async function values(server: TestServer, what: readonly string[], path: string): Promise<string[]> {
  const output = await server.kubectl(
    'get',
    ...what,
    '--sort-by=.metadata.name',
    '-o',
    `jsonpath={range .items[*]}${path}{"\\n"}{end}`,
  );
  return output.split('\n').filter((line) => line !== '');
}

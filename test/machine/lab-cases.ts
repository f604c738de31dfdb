// The packet lab's cases and what is recorded of them, all at once: their addresses and ports differ.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/apimachinery/object.ts';
import { shared } from '../fixtures/portico-process.ts';

const lab = join(shared, 'proxy-lab');

export interface LabCase {
  readonly name: string;
  readonly objects: readonly KubeObject[];
  /** By probe, what it sees: with kube-proxy's iptables mode, since none was recorded under IPVS. */
  readonly outcomes: Readonly<Record<string, readonly string[]>>;
  /** What kube-proxy had loaded in ipvs mode, by the program that printed it. */
  readonly loaded: ReadonlyMap<string, readonly string[]>;
}

function objectsOf(file: string): KubeObject[] {
  return parseAllDocuments(readFileSync(join(lab, 'cases', file), 'utf8')).map((document) => document.toJS());
}

/** The lines below each `# program …` line. */
function sectionsOf(text: string): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    const title = /^# (\S+)/.exec(line)?.[1];
    if (title) {
      lines = sections.get(title) ?? [];
      sections.set(title, lines);
    } else if (line.trim() !== '') {
      lines.push(line.trim());
    }
  }
  return sections;
}

/** The nodes, and the API server's own Service. */
export function clusterObjects(): KubeObject[] {
  return objectsOf('_cluster.yaml');
}

export function labCases(): LabCase[] {
  const names = readdirSync(join(lab, 'cases'))
    .filter((file) => file.endsWith('.yaml') && !file.startsWith('_'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
  return names.map((name) => ({
    name,
    objects: objectsOf(`${name}.yaml`),
    outcomes: JSON.parse(readFileSync(join(lab, 'outcomes', `${name}.json`), 'utf8')).iptables,
    loaded: sectionsOf(readFileSync(join(lab, 'rules', `${name}.ipvs`), 'utf8')),
  }));
}

/** The objects under names of their own: some cases use the same names, which IPVS never sees. */
export function renamed({ name, objects }: LabCase): KubeObject[] {
  const label = 'kubernetes.io/service-name';
  const suffix = name.slice(0, 2);
  return objects.map((object) => {
    const labels = object.metadata.labels;
    const service = labels?.[label];
    return {
      ...object,
      metadata: {
        ...object.metadata,
        name: `${object.metadata.name}-${suffix}`,
        ...(labels && { labels: { ...labels, ...(service && { [label]: `${service}-${suffix}` }) } }),
      },
    };
  });
}

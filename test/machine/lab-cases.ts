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

/** The health check node port of the lab's one Service that has one. */
const recordedHealthPort = '32085';

function textOf(folder: string, file: string): string {
  return readFileSync(join(lab, folder, file), 'utf8');
}

function objectsIn(text: string): KubeObject[] {
  return parseAllDocuments(text).map((document) => document.toJS());
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
  return objectsIn(textOf('cases', '_cluster.yaml'));
}

/**
 * The cases, with another health check node port in objects and recordings: the proxy listens on it, on the machine that runs the
 * tests, where somebody else may have that of the lab.
 */
export function labCases(healthPort: number): LabCase[] {
  const moved = (text: string) => text.replaceAll(recordedHealthPort, String(healthPort));
  const names = readdirSync(join(lab, 'cases'))
    .filter((file) => file.endsWith('.yaml') && !file.startsWith('_'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
  return names.map((name) => ({
    name,
    objects: objectsIn(moved(textOf('cases', `${name}.yaml`))),
    outcomes: JSON.parse(textOf('outcomes', `${name}.json`)).iptables,
    loaded: sectionsOf(moved(textOf('rules', `${name}.ipvs`))),
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

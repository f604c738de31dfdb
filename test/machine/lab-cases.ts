// The packet lab's cases and what is recorded of them, all at once: their addresses and ports differ.
import type { KubeObject } from '../../src/apimachinery/object.ts';
import { cases, labText, objectsIn, objectsOf } from '../labs/proxy-cases.ts';

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
  return objectsOf('_cluster');
}

/**
 * The cases, with another health check node port in objects and recordings: the proxy listens on it, on the machine that runs the
 * tests, where somebody else may have that of the lab.
 */
export function labCases(healthPort: number): LabCase[] {
  const moved = (text: string) => text.replaceAll(recordedHealthPort, String(healthPort));
  return cases.map((name) => ({
    name,
    objects: objectsIn(moved(labText('cases', `${name}.yaml`))),
    outcomes: JSON.parse(labText('outcomes', `${name}.json`)).iptables,
    loaded: sectionsOf(moved(labText('rules', `${name}.ipvs`))),
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

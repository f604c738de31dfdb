// APIService objects for what this server answers itself, which nobody has to write: for each built-in group and version
// (made at start, then left to their owner) and each version of a custom resource (made and removed with its definition).
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import type { APIService } from '../../api/apiregistration/v1/types.generated.ts';
import { apiVersionOf } from '../../apimachinery/object.ts';
import { builtinPriority, customPriority, type Priority } from './priorities.ts';

const managedLabel = 'kube-aggregator.kubernetes.io/automanaged';

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

function local({ group, version }: GroupVersion, priority: Priority, managed: 'onstart' | 'true'): APIService {
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `${version}.${group}`, labels: { [managedLabel]: managed } },
    spec: {
      ...(group && { group }),
      version,
      groupPriorityMinimum: priority.group,
      versionPriority: priority.version,
    },
  };
}

/** Of the built-in groups and versions those that upstream registers. */
export function builtinServices(served: readonly GroupVersion[]): APIService[] {
  const unique = new Map(served.map((one) => [apiVersionOf(one), one]));
  return [...unique].flatMap(([text, one]) => {
    const priority = builtinPriority(text);
    return priority ? [local(one, priority, 'onstart')] : [];
  });
}

/** Of the custom resources that are established. */
export function customServices(definitions: readonly Readonly<CustomResourceDefinition>[]): APIService[] {
  const found = new Map<string, APIService>();
  for (const { spec, status } of definitions) {
    if (!status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) continue;
    for (const { name: version, served } of spec.versions) {
      if (!served) continue;
      const service = local({ group: spec.group, version }, customPriority, 'true');
      found.set(service.metadata.name, service);
    }
  }
  return [...found.values()];
}

export interface ServiceChanges {
  readonly create: readonly APIService[];
  /** Names. */
  readonly remove: readonly string[];
}

/** What is missing, and what stands for custom resources that are gone. What someone else has written is left alone. */
export function planServices(wanted: readonly APIService[], present: readonly Readonly<APIService>[]): ServiceChanges {
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  const there = new Set(present.map(({ metadata }) => metadata.name));
  return {
    create: wanted.filter(({ metadata }) => !there.has(metadata.name)),
    remove: present
      .filter(({ metadata }) => metadata.labels?.[managedLabel] === 'true' && !names.has(metadata.name))
      .map(({ metadata }) => metadata.name),
  };
}

// All resources of the API: the facts of each (api-facts/resources.tsv), made a definition by what its kind adds.
import { type KubeObject, parseApiVersion, printResource } from '../apimachinery/object.ts';
import { defineResource, type Kind } from './define.ts';
import { table } from './facts/resources.generated.ts';
import { kinds } from './kinds.ts';
import type { ResourceDefinition, ResourceFacts } from './resource.ts';

/** The rows of a table of facts, one per resource and subresource. */
export function parseResourceFacts(text: string): ResourceFacts[] {
  const list = (cell: string | undefined): string[] => (cell ? cell.split(',') : []);
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => {
      const [groupVersion = '', resource = '', kind = '', singular = '', scope, short, categories, verbs, own] =
        line.split('\t');
      return {
        ...parseApiVersion(groupVersion),
        resource,
        kind,
        singular,
        namespaced: scope === 'namespaced',
        shortNames: list(short),
        categories: list(categories),
        verbs: list(verbs),
        ...(own && { kindGroupVersion: parseApiVersion(own) }),
      };
    });
}

/** `services`, or `deployments.apps`: the name of a kind's entry in kinds.ts. */
function qualifiedResource({ group, version, resource }: ResourceFacts): string {
  if (group === 'autoscaling') return `${resource}.${version}.${group}`;
  return printResource({ group, resource });
}

/** Every resource that the API server serves by itself (custom resources come on top). Made anew at each call. */
export function builtinResources(): readonly ResourceDefinition[] {
  const facts = parseResourceFacts(table);
  return facts
    .filter(({ resource }) => !resource.includes('/'))
    .map((fact) => {
      const subresources = facts.filter(
        (sub) =>
          sub.group === fact.group && sub.version === fact.version && sub.resource.startsWith(`${fact.resource}/`),
      );
      const kind: Kind<KubeObject> = kinds[qualifiedResource(fact)] ?? {};
      return defineResource(fact, subresources, kind);
    });
}

// For tests of kinds: what the API server would say to an object, or to a change of one.
import { builtinResources } from '../api/registry.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import { isObject } from '../apimachinery/json/value.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { fieldErrorMessage } from '../apimachinery/validation/field-error.ts';

export type Body = Readonly<Record<string, unknown>>;

const definitions = builtinResources();

export interface Judge {
  /** Messages about a new object; none is right. */
  create(body: Body): string[];
  /** Messages about a change of `body` by what `change` says. */
  update(body: Body, change: Body): string[];
  /** Messages about the status of `body` becoming `after`, where it was `before`. */
  updateStatus(body: Body, before: unknown, after: unknown): string[];
  warnings(body: Body): string[];
}

/** `name`: `jobs`, or `events.events.k8s.io` where two groups have the resource. */
export function judgeOf(name: string): Judge {
  const definition = definitionOf(name);
  return {
    create: (body) => definition.strategy.validate!(prepare(definition, body)).map(fieldErrorMessage),
    update(body, change) {
      const old = prepare(definition, body);
      const object = merge(structuredClone(old) as unknown as Body, change) as unknown as KubeObject;
      definition.strategy.default?.(object);
      definition.strategy.prepareForUpdate?.(object, old);
      return definition.strategy.validateUpdate!(object, old).map(fieldErrorMessage);
    },
    updateStatus(body, before, after) {
      const old = { ...prepare(definition, body), status: before };
      const object = { ...structuredClone(old), status: after };
      return definition.strategy.validateStatusUpdate!(object, old).map(fieldErrorMessage);
    },
    warnings: (body) => definition.strategy.warnings?.(prepare(definition, body)) ?? [],
  };
}

/** A new object as it is stored: with its defaults, without what a client may not bring. */
export function prepared(name: string, body: Body): KubeObject & Record<string, unknown> {
  return prepare(definitionOf(name), body) as KubeObject & Record<string, unknown>;
}

function definitionOf(name: string): ResourceDefinition {
  const definition = definitions.find(({ resource, group }) => name === resource || name === `${resource}.${group}`);
  if (!definition) throw new Error(`${name} is not served`);
  return definition;
}

function prepare(definition: ResourceDefinition, body: Body): KubeObject {
  const metadata = { name: 'x', ...(definition.namespaced && { namespace: 'demo' }) };
  const object = merge({ metadata }, structuredClone(body)) as unknown as KubeObject;
  definition.strategy.default?.(object);
  definition.strategy.prepareForCreate?.(object);
  return object;
}

function merge(target: Body, change: Body): Body {
  const result: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(change)) {
    const present = result[key];
    result[key] = isObject(present) && isObject(value) ? merge(present as Body, value as Body) : value;
  }
  return result;
}

// The resource definitions of all established CustomResourceDefinitions. A definition object stays the same while what it
// says changes, so that watches that hold it go on; it is told that it is gone when it is.
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from '../../api/apiextensions/v1/types.generated.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { Schemas } from '../../api/schema.ts';
import { StatusError } from '../../apimachinery/status.ts';
import type { Random } from '../../system/random.ts';
import { type ConversionReview, type Convert, convertByName, webhookConversion } from './conversion.ts';
import { Family } from './family.ts';
import { customResourceDefinition } from './resource-definition.ts';
import { Rules } from './rules.ts';
import { compareVersions } from './version-order.ts';

/** Sends reviews to the webhook of a definition; loads what it needs for that when it is first called. */
export type ReviewSender = (
  webhook: NonNullable<NonNullable<CustomResourceDefinition['spec']['conversion']>['webhook']>,
  review: ConversionReview,
) => Promise<unknown>;

export interface ServedSetOptions {
  readonly schemas: Schemas;
  readonly random: Random;
  readonly reviewSender: ReviewSender;
  /** Told of a definition that cannot be served. */
  readonly onError: (error: unknown) => void;
}

interface Entry {
  readonly definition: ResourceDefinition;
  readonly gone: AbortController;
  version: CustomResourceDefinitionVersion;
}

interface Member {
  readonly uid: string | undefined;
  /** What the entries were made from: made anew when it changes. */
  state: string;
  /** By version. */
  readonly entries: Map<string, Entry>;
}

const metaType = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

export class ServedSet {
  readonly #options: ServedSetOptions;
  /** By the name of the CustomResourceDefinition. */
  readonly #members = new Map<string, Member>();

  constructor(options: ServedSetOptions) {
    this.#options = options;
  }

  /** All definitions, when anything changed; undefined when nothing did. */
  update(established: readonly Readonly<CustomResourceDefinition>[]): readonly ResourceDefinition[] | undefined {
    const names = new Set(established.map(({ metadata }) => metadata.name));
    let changed = false;
    for (const [name, member] of this.#members) {
      if (names.has(name)) continue;
      end(member);
      this.#members.delete(name);
      changed = true;
    }
    for (const crd of established) {
      try {
        changed = this.#updateMember(crd) || changed;
      } catch (error) {
        // One that somebody spoilt in storage.
        this.#options.onError(error);
      }
    }
    if (!changed) return undefined;
    const entries = [...this.#members.values()].flatMap((member) => [...member.entries.values()]);
    return entries.filter(({ version }) => version.served).map(({ definition }) => definition);
  }

  /** The version in which objects are stored, be it served or not. */
  storageDefinition(name: string): ResourceDefinition | undefined {
    const entries = [...(this.#members.get(name)?.entries.values() ?? [])];
    return entries.find(({ version }) => version.storage)?.definition;
  }

  #updateMember(crd: CustomResourceDefinition): boolean {
    const { name, uid, generation } = crd.metadata;
    const { acceptedNames, conditions } = crd.status ?? {};
    const terminating = conditions?.find(({ type }) => type === 'Terminating')?.status;
    const state = JSON.stringify([generation, acceptedNames, terminating]);
    let member = this.#members.get(name);
    if (member && member.uid !== uid) {
      end(member);
      member = undefined;
    }
    if (member?.state === state) return false;
    member ??= { uid, state, entries: new Map() };
    member.state = state;
    this.#members.set(name, member);
    this.#fill(member, crd);
    return true;
  }

  #fill({ entries }: Member, crd: CustomResourceDefinition): void {
    const metadata = this.#options.schemas.typeSchema(metaType);
    if (!metadata) throw new Error(`the tables of facts do not have ${metaType}`);
    const family = new Family(crd, this.#conversionOf(crd));
    const wanted = crd.spec.versions.filter(({ served, storage }) => served || storage);
    for (const [name, { version, gone }] of entries) {
      if (version.served && !wanted.some((one) => one.name === name && one.served)) gone.abort();
      if (!wanted.some((one) => one.name === name) || gone.signal.aborted) entries.delete(name);
    }
    for (const version of wanted) {
      const present = entries.get(version.name);
      const gone = present?.gone ?? new AbortController();
      const schema = version.schema?.openAPIV3Schema;
      const rules = schema && new Rules(schema);
      const made = customResourceDefinition({ crd, version, family, rules, metadata, gone: gone.signal });
      if (present) {
        replace(present.definition, made);
        present.version = version;
      } else entries.set(version.name, { definition: made, gone, version });
    }
  }

  #conversionOf({ spec }: CustomResourceDefinition): Convert {
    const { strategy, webhook } = spec.conversion ?? { strategy: 'None' };
    if (strategy !== 'Webhook' || !webhook) return convertByName;
    const { random, reviewSender } = this.#options;
    const reviewVersion = webhook.conversionReviewVersions.find((version) => version === 'v1' || version === 'v1beta1');
    if (reviewVersion === undefined) {
      return () => {
        throw new StatusError({ code: 500, message: 'no supported conversion review versions' });
      };
    }
    return webhookConversion({
      send: (review) => reviewSender(webhook, review),
      uuid: () => random.uuid(),
      reviewVersion,
    });
  }
}

/** Makes one definition say what another says. */
function replace(definition: ResourceDefinition, by: ResourceDefinition): void {
  const target = definition as unknown as Record<string, unknown>;
  for (const key of Object.keys(target)) if (!(key in by)) delete target[key];
  Object.assign(target, by);
}

function end({ entries }: Member): void {
  for (const { gone } of entries.values()) gone.abort();
}

/** Groups by name, versions by preference, resources by name. */
export function byDiscovery(a: ResourceDefinition, b: ResourceDefinition): number {
  if (a.group !== b.group) return a.group < b.group ? -1 : 1;
  return compareVersions(a.version, b.version) || (a.resource < b.resource ? -1 : 1);
}

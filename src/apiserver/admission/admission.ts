// What is checked and added on a write beyond what the kind itself asks for: one small plugin per concern, in upstream's
// order and upstream's two phases. Plugins see the cache, never storage.

import type { Duplex } from 'node:stream';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { Schemas } from '../../api/schema.ts';
import { andThen, type Later } from '../../apimachinery/later.ts';
import { type GroupVersionKind, type KubeObject, printResource } from '../../apimachinery/object.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { Authorizer } from '../access-control.ts';
import type { DialTarget } from '../aggregation/service-target.ts';
import type { Registry } from '../registry/registry.ts';
import type { User } from '../request.ts';

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** Upstream's admission.Attributes. */
export interface AdmissionRequest {
  readonly operation: AdmissionOperation;
  readonly definition: ResourceDefinition;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** Of `object`: a Scale for `scale`, an Eviction for `eviction`, a PodExecOptions for a CONNECT to `exec`. */
  readonly kind: GroupVersionKind;
  readonly namespace: string;
  /** Empty in the first phase of a create with generateName. */
  readonly name: string;
  /** The name in the request's path, empty of a POST to a collection; absent: as `name`. */
  readonly pathName?: string;
  /** May be changed in place in the first phase; undefined for DELETE. */
  readonly object: KubeObject | undefined;
  /** What is there: for UPDATE and DELETE. */
  readonly old: Readonly<KubeObject> | undefined;
  readonly user: User;
  readonly dryRun: boolean;
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions as the client gave them; undefined for CONNECT. */
  readonly options: Readonly<Record<string, unknown>> | undefined;
  /** Texts for the Warning header of the answer are added here. */
  readonly warnings: Set<string>;
  /** Annotations for the audit event, by `plugin.example.com/key`. */
  readonly auditAnnotations: Map<string, string>;
  /** One of the objects of a DELETE of many. */
  readonly isCollection?: boolean;
  /** The request as the client made it, where this is the same in another version of its resource. */
  readonly asRequested?: AdmissionRequest;
}

/** What plugins may look up. */
export interface AdmissionView {
  readonly random: Random;
  readonly clock: Clock;
  /** An object of the core group, or of another; undefined when it is not there. */
  find<T extends KubeObject>(resource: string, at: ObjectPlace): Readonly<T> | undefined;
  /** All objects of a resource, or those of one namespace. */
  all<T extends KubeObject>(resource: string, group: string, namespace?: string): readonly Readonly<T>[];
  /** The same resource in other versions or groups. */
  equivalents(definition: ResourceDefinition): readonly ResourceDefinition[];
  /** How many objects of a resource there are. */
  count(resource: string, group: string): number;
  /** All objects of a resource that is served, in its version. */
  allOf(definition: ResourceDefinition, namespace?: string): readonly Readonly<KubeObject>[];
  /** The resource of a kind that is served. */
  definitionOf(kind: GroupVersionKind): ResourceDefinition | undefined;
  readonly schemas: Schemas;
  readonly authorizer: Authorizer;
  /** Opens a connection to an endpoint of a Service. */
  readonly dial: (target: DialTarget) => Promise<Duplex>;
  /** For whoever counts. */
  readonly webhookAsked?: (outcome: WebhookOutcome) => void;
}

/** What came of asking one webhook. */
export interface WebhookOutcome {
  readonly name: string;
  readonly type: 'admit' | 'validating';
  readonly operation: AdmissionOperation;
  /** Milliseconds. */
  readonly duration: number;
  /** `failed-open`: no answer could be had, and that is allowed. `error`: it is not. */
  readonly result: 'allowed' | 'rejected' | 'failed-open' | 'error';
  /** The status of a rejection. */
  readonly code?: number;
}

export interface ObjectPlace {
  readonly group?: string;
  readonly namespace?: string;
  readonly name: string;
}

/** Throws a StatusError to refuse. */
export type Step<T> = (subject: T, view: AdmissionView) => Later<void>;

export type AdmissionStep = Step<AdmissionRequest>;

/** A step of the first phase that may ask for another round. */
export type MutationStep = Step<AdmissionRound>;

/** The first phase runs once more when a webhook or a policy changed the object, so that each sees what others did. */
export interface AdmissionRound {
  readonly request: AdmissionRequest;
  readonly isSecond: boolean;
  /** Asks for the second round; of no effect in it. */
  askAgain(): void;
}

/** At least one step. A plugin that has nothing to do returns at once and makes no promise. */
export interface AdmissionPlugin {
  /** As upstream names it: `NamespaceLifecycle`. */
  readonly name: string;
  /** The resources that concern it, with their subresources: `pods`, `ingresses.networking.k8s.io`. Absent: all. */
  readonly resources?: readonly string[];
  /** First phase: may change the object. The object is decoded and defaulted, and not yet validated. */
  readonly admit?: AdmissionStep;
  /** The same for plugins that others configure: what they change may matter to those before them. */
  readonly mutate?: MutationStep;
  /** Second phase, after all changes and the kind's own validation: may only refuse. */
  readonly validate?: AdmissionStep;
}

export interface AdmissionOptions {
  readonly registry: Registry;
  readonly random: Random;
  readonly clock: Clock;
  readonly schemas: Schemas;
  readonly authorizer: Authorizer;
  readonly dial: AdmissionView['dial'];
  readonly webhookAsked?: (outcome: WebhookOutcome) => void;
  /** In order. */
  readonly plugins: readonly AdmissionPlugin[];
}

/** Where objects are kept: the same for all versions of a resource. */
function storagePlace({ group, resource, storage }: ResourceDefinition): string {
  return storage ? `${storage.group}/${storage.resource}` : `${group}/${resource}`;
}

/** What requests for one resource go through. */
interface Phases {
  readonly mutations: readonly MutationStep[];
  readonly validations: readonly AdmissionStep[];
}

function phasesFor(definition: ResourceDefinition, plugins: readonly AdmissionPlugin[]): Phases {
  const name = printResource(definition);
  const concerned = plugins.filter(({ resources }) => resources?.includes(name) ?? true);
  return {
    mutations: concerned.flatMap(({ admit, mutate }) => {
      if (admit) return [({ request }: AdmissionRound, view: AdmissionView) => admit(request, view)];
      return mutate ? [mutate] : [];
    }),
    validations: concerned.flatMap(({ validate }) => (validate ? [validate] : [])),
  };
}

export class Admission {
  readonly view: AdmissionView;
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #phases = new WeakMap<ResourceDefinition, Phases>();

  constructor({ registry, plugins, ...parts }: AdmissionOptions) {
    this.#plugins = plugins;
    this.view = {
      ...parts,
      find<T extends KubeObject>(resource: string, { group = '', namespace = '', name }: ObjectPlace) {
        const store = registry.coreStore(resource, group);
        return store.cache.get(store.key(namespace, name))?.object as Readonly<T> | undefined;
      },
      all<T extends KubeObject>(resource: string, group: string, namespace = '') {
        return registry.coreStore(resource, group).objects<T>(namespace);
      },
      allOf(definition, namespace = '') {
        return registry.store(definition).objects(namespace);
      },
      equivalents(definition) {
        const place = storagePlace(definition);
        return registry.definitions.filter((one) => one !== definition && storagePlace(one) === place);
      },
      count: (resource, group) => registry.coreStore(resource, group).cache.size,
      definitionOf: ({ group, version, kind }) =>
        registry.definitions.find((one) => one.group === group && one.version === version && one.kind === kind),
    };
  }

  /** The first phase: changes `request.object`, or throws a StatusError. */
  admit(request: AdmissionRequest): Later<void> {
    let isChanged = false;
    const askAgain = () => {
      isChanged = true;
    };
    return andThen(this.#admitRound({ request, isSecond: false, askAgain }), () =>
      isChanged ? this.#admitRound({ request, isSecond: true, askAgain }) : undefined,
    );
  }

  #admitRound(round: AdmissionRound): Later<void> {
    return this.#takeAll(this.#phasesOf(round.request).mutations, round);
  }

  /** The second phase: throws a StatusError, or lets pass. */
  validate(request: AdmissionRequest): Later<void> {
    return this.#takeAll(this.#phasesOf(request).validations, request);
  }

  /** Worked out once for each resource: most plugins concern few. */
  #phasesOf({ definition }: AdmissionRequest): Phases {
    let phases = this.#phases.get(definition);
    if (!phases) {
      phases = phasesFor(definition, this.#plugins);
      this.#phases.set(definition, phases);
    }
    return phases;
  }

  /** One step after another; the rest is a promise once a step makes one, which few do. */
  #takeAll<T>(steps: readonly Step<T>[], subject: T, from = 0): Later<void> {
    for (let i = from; i < steps.length; i++) {
      const waiting = steps[i]!(subject, this.view);
      if (waiting) return waiting.then(() => this.#takeAll(steps, subject, i + 1));
    }
  }
}

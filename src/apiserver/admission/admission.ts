// What is checked and added on a write beyond what the kind itself asks for: one small plugin per concern, in upstream's
// order. Plugins see the cache, never storage.

import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Random } from '../../system/random.ts';
import type { Registry } from '../registry/registry.ts';
import type { User } from '../request.ts';
import { certificateRequestor } from './certificate-requestor.ts';
import { defaultTolerations } from './default-tolerations.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { priority } from './priority.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { serviceAccount } from './service-account.ts';

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly definition: ResourceDefinition;
  /** Empty for the object itself. */
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** May be changed by plugins; undefined for DELETE. */
  readonly object: KubeObject | undefined;
  readonly old: Readonly<KubeObject> | undefined;
  readonly user: User;
}

/** What plugins may look up. */
export interface AdmissionView {
  readonly random: Random;
  /** An object of the core group, or of another; undefined when it is not there. */
  find<T extends KubeObject>(resource: string, at: ObjectPlace): Readonly<T> | undefined;
  /** All objects of a resource. */
  all<T extends KubeObject>(resource: string, group: string): readonly Readonly<T>[];
}

export interface ObjectPlace {
  readonly group?: string;
  readonly namespace?: string;
  readonly name: string;
}

/** Throws a StatusError to refuse. */
export type AdmissionPlugin = (request: AdmissionRequest, view: AdmissionView) => void;

const plugins: readonly AdmissionPlugin[] = [
  namespaceLifecycle,
  serviceAccount,
  priority,
  defaultTolerations,
  certificateRequestor,
  rbacEscalation,
];

export class Admission {
  readonly #view: AdmissionView;

  constructor(registry: Registry, random: Random) {
    this.#view = {
      random,
      find<T extends KubeObject>(resource: string, { group = '', namespace = '', name }: ObjectPlace) {
        const store = registry.coreStore(resource, group);
        return store.cache.get(store.key(namespace, name))?.object as Readonly<T> | undefined;
      },
      all<T extends KubeObject>(resource: string, group: string) {
        const store = registry.coreStore(resource, group);
        return store.cache.list(store.prefix).map((stored) => stored.object as Readonly<T>);
      },
    };
  }

  admit(request: AdmissionRequest): void {
    for (const plugin of plugins) plugin(request, this.#view);
  }
}

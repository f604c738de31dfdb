// Keeps the status of ValidatingAdmissionPolicies: which generation was checked, and what the check of types found.
import type { ValidatingAdmissionPolicy } from '../../../api/admissionregistration/v1/types.generated.ts';
import type { Schemas } from '../../../api/schema.ts';
import { jsonCopy } from '../../../apimachinery/json/value.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { isConflict, isNotFound } from '../../../apimachinery/status.ts';
import type { Registry } from '../../registry/registry.ts';
import type { ResourceStore } from '../../registry/resource-store.ts';

export interface PolicyStatusOptions {
  readonly registry: Registry;
  readonly schemas: Schemas;
  readonly onError: (error: unknown) => void;
}

type Policy = KubeObject & ValidatingAdmissionPolicy;

export class PolicyStatus {
  readonly #options: PolicyStatusOptions;
  readonly #store: ResourceStore;
  #wake: () => void = () => {};

  constructor(options: PolicyStatusOptions) {
    this.#options = options;
    this.#store = options.registry.coreStore('validatingadmissionpolicies', 'admissionregistration.k8s.io');
  }

  /** Looks at every policy whose generation was not looked at yet, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = this.#store.cache.subscribe(() => this.#wake());
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    try {
      while (!signal.aborted) {
        // Made before the look: a change during it is not missed.
        const changed = new Promise<void>((resolve) => (this.#wake = resolve));
        for (const policy of this.#pending()) await this.#attend(policy, signal);
        await changed;
      }
    } finally {
      stop();
    }
  }

  #pending(): readonly Readonly<Policy>[] {
    return this.#store
      .objects<Policy>()
      .filter(({ metadata, status }) => status?.observedGeneration !== metadata.generation);
  }

  async #attend(policy: Readonly<Policy>, signal: AbortSignal): Promise<void> {
    try {
      const { typeCheck } = await import('./type-check.ts');
      const { registry, schemas } = this.#options;
      const expressionWarnings = typeCheck(policy, { definitions: registry.definitions, schemas });
      const { generation } = policy.metadata;
      await this.#store.update({
        namespace: '',
        name: policy.metadata.name,
        dryRun: false,
        warnings: new Set(),
        strategy: {},
        transform(old) {
          const object = jsonCopy(old) as unknown as Policy;
          const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {};
          object.status = { ...object.status, ...(generation && { observedGeneration: generation }), typeChecking };
          return object;
        },
      });
    } catch (error) {
      // Deleted or changed meanwhile: the change brings it back here.
      if (!isNotFound(error) && !isConflict(error) && !signal.aborted) this.#options.onError(error);
    }
  }
}

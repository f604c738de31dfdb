// Says of each request to which flow it belongs, by the FlowSchemas and PriorityLevelConfigurations as they are now.
import { compareFlowSchemas } from '../../api/flowcontrol/v1/flowschema.ts';
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from '../../api/flowcontrol/v1/mandatory.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../../api/flowcontrol/v1/types.generated.ts';
import type { Registry } from '../registry/registry.ts';
import type { ResourceStore } from '../registry/resource-store.ts';
import type { User } from '../request.ts';
import { isLongRunning, type RequestInfo } from '../request-info.ts';
import { type FlowRules, firstMatch, readFlowRules, rulesFor } from './matching.ts';

export interface Flow {
  readonly schema: string;
  /** What a response says of it: the objects' UIDs, empty for one that is not stored. */
  readonly headers: Readonly<Record<string, string>>;
}

const group = 'flowcontrol.apiserver.k8s.io';

/** Every request comes by here: also what somebody spoilt in storage has one, of no name. */
function levelOf(spec: FlowSchema['spec'] | null | undefined): string {
  return spec?.priorityLevelConfiguration?.name ?? '';
}

export class Flows {
  readonly #schemas: ResourceStore;
  readonly #levels: ResourceStore;
  /** Undefined: to be read anew. */
  #rules: readonly FlowRules<Flow>[] | undefined;
  /** Users of connections and of token files are asked about again and again. */
  #byUser = new WeakMap<User, readonly FlowRules<Flow>[]>();

  constructor(registry: Registry) {
    this.#schemas = registry.coreStore('flowschemas', group);
    this.#levels = registry.coreStore('prioritylevelconfigurations', group);
    const forget = () => {
      this.#rules = undefined;
    };
    this.#schemas.cache.subscribe(forget);
    this.#levels.cache.subscribe(forget);
  }

  /** Undefined where a request is not counted: one that lasts as long as its client likes, and is no watch. */
  of(user: User, info: RequestInfo): Flow | undefined {
    if (info.verb !== 'watch' && isLongRunning(info)) return undefined;
    if (!this.#rules) {
      this.#rules = this.#read();
      this.#byUser = new WeakMap();
    }
    let own = this.#byUser.get(user);
    if (!own) {
      own = rulesFor(this.#rules, user);
      this.#byUser.set(user, own);
    }
    return firstMatch(own, info) ?? this.#rules.find(({ flow }) => flow.schema === 'catch-all')?.flow;
  }

  /** In the order in which they are asked; what refers to a level that is not there is not. The mandatory ones always are. */
  #read(): FlowRules<Flow>[] {
    const levels = new Map([...mandatoryPriorityLevels.keys()].map((name) => [name, '']));
    for (const { metadata } of this.#levels.objects<PriorityLevelConfiguration>()) {
      levels.set(metadata.name, metadata.uid ?? '');
    }
    const rulesOf = (name: string, uid: string, spec: FlowSchema['spec']) => {
      const level = levelOf(spec);
      const headers = {
        'x-kubernetes-pf-flowschema-uid': uid,
        'x-kubernetes-pf-prioritylevel-uid': levels.get(level) ?? '',
      };
      return readFlowRules(spec, { schema: name, headers });
    };
    const usable = this.#schemas.objects<FlowSchema>().filter(({ spec }) => levels.has(levelOf(spec)));
    const rules = usable
      .sort(compareFlowSchemas)
      .map(({ metadata, spec }) => rulesOf(metadata.name, metadata.uid ?? '', spec));
    const stored = new Set(usable.map(({ metadata }) => metadata.name));
    for (const [name, spec] of mandatoryFlowSchemas) {
      if (stored.has(name)) continue;
      if (spec.matchingPrecedence === 1) rules.unshift(rulesOf(name, '', spec));
      else rules.push(rulesOf(name, '', spec));
    }
    return rules;
  }
}

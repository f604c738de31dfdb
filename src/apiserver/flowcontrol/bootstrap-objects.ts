// The FlowSchemas and PriorityLevelConfigurations of a new cluster, as a table: the facts of Kubernetes 1.36
// (apiserver/pkg/apis/flowcontrol/bootstrap).
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from '../../api/flowcontrol/v1/mandatory.ts';
import type {
  FlowSchema,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
  Subject,
} from '../../api/flowcontrol/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';

/** `"true"`: the server keeps the object's spec as it should be. */
export const autoUpdate = 'apf.kubernetes.io/autoupdate-spec';
const apiVersion = 'flowcontrol.apiserver.k8s.io/v1';

export type FlowSchemaObject = KubeObject & FlowSchema;
export type PriorityLevelObject = KubeObject & PriorityLevelConfiguration;

/** These are always as they are here, whatever users do to them. */
export const mandatoryNames: ReadonlySet<string> = new Set(mandatoryFlowSchemas.keys());

function metadata(name: string): KubeObject['metadata'] {
  return { name, annotations: { [autoUpdate]: 'true' } };
}

function priorityLevel(name: string, spec: PriorityLevelConfigurationSpec): PriorityLevelObject {
  return { apiVersion, kind: 'PriorityLevelConfiguration', metadata: metadata(name), spec };
}

/** Shares, the percentage that others may borrow, and queues (number, hand size) of 50 requests each. */
function queued(name: string, numbers: readonly [number, number, number, number]): PriorityLevelObject {
  const [nominalConcurrencyShares, lendablePercent, queues, handSize] = numbers;
  return priorityLevel(name, {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares,
      lendablePercent,
      limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
    },
  });
}

export const bootstrapPriorityLevels: readonly PriorityLevelObject[] = [
  ...[...mandatoryPriorityLevels].map(([name, spec]) => priorityLevel(name, spec)),
  queued('system', [30, 33, 64, 6]),
  queued('node-high', [40, 25, 64, 6]),
  queued('leader-election', [10, 0, 16, 4]),
  queued('workload-high', [40, 50, 128, 6]),
  queued('workload-low', [100, 90, 128, 6]),
  queued('global-default', [20, 50, 128, 6]),
];

const groups = (...names: readonly string[]): Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }));
const users = (...names: readonly string[]): Subject[] => names.map((name) => ({ kind: 'User', user: { name } }));
const kubeSystemAccounts: Subject[] = [
  { kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'kube-system' } },
];
const everybody = groups('system:unauthenticated', 'system:authenticated');

const anyResource: ResourcePolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] },
];
const anyPath: NonResourcePolicyRule[] = [{ verbs: ['*'], nonResourceURLs: ['*'] }];
const anything = { resourceRules: anyResource, nonResourceRules: anyPath };

function leases(verbs: string[]): ResourcePolicyRule {
  return { verbs, apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] };
}

interface Row {
  readonly level: string;
  readonly precedence: number;
  readonly by?: 'ByUser' | 'ByNamespace';
  readonly subjects: Subject[];
  readonly resourceRules?: ResourcePolicyRule[];
  readonly nonResourceRules?: NonResourcePolicyRule[];
}

function flowSchema(name: string, { level, precedence, by, ...rules }: Row): FlowSchemaObject {
  const spec: FlowSchemaSpec = {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence: precedence,
    ...(by && { distinguisherMethod: { type: by } }),
    rules: [rules],
  };
  return flowSchemaOf(name, spec);
}

function flowSchemaOf(name: string, spec: FlowSchemaSpec): FlowSchemaObject {
  return { apiVersion, kind: 'FlowSchema', metadata: metadata(name), spec };
}

export const bootstrapFlowSchemas: readonly FlowSchemaObject[] = [
  ...[...mandatoryFlowSchemas].map(([name, spec]) => flowSchemaOf(name, spec)),
  flowSchema('system-nodes', {
    ...{ level: 'system', precedence: 500, by: 'ByUser' },
    subjects: groups('system:nodes'),
    ...anything,
  }),
  flowSchema('system-node-high', {
    ...{ level: 'node-high', precedence: 400, by: 'ByUser' },
    subjects: groups('system:nodes'),
    resourceRules: [
      { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ['*'] },
      leases(['*']),
    ],
  }),
  flowSchema('probes', {
    ...{ level: 'exempt', precedence: 2 },
    subjects: everybody,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  flowSchema('system-leader-election', {
    ...{ level: 'leader-election', precedence: 100, by: 'ByUser' },
    subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...kubeSystemAccounts],
    resourceRules: [leases(['get', 'create', 'update'])],
  }),
  flowSchema('kube-controller-manager', {
    ...{ level: 'workload-high', precedence: 800, by: 'ByNamespace' },
    subjects: users('system:kube-controller-manager'),
    ...anything,
  }),
  flowSchema('kube-scheduler', {
    ...{ level: 'workload-high', precedence: 800, by: 'ByNamespace' },
    subjects: users('system:kube-scheduler'),
    ...anything,
  }),
  flowSchema('kube-system-service-accounts', {
    ...{ level: 'workload-high', precedence: 900, by: 'ByNamespace' },
    subjects: kubeSystemAccounts,
    ...anything,
  }),
  flowSchema('service-accounts', {
    ...{ level: 'workload-low', precedence: 9000, by: 'ByUser' },
    subjects: groups('system:serviceaccounts'),
    ...anything,
  }),
  flowSchema('global-default', {
    ...{ level: 'global-default', precedence: 9900, by: 'ByUser' },
    subjects: everybody,
    ...anything,
  }),
];

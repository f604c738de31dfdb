import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../apimachinery/object.ts';
import { fieldErrorMessage } from '../apimachinery/validation/field-error.ts';
import { builtinResources } from './registry.ts';
import type { ResourceDefinition } from './resource.ts';

const definitions = new Map(builtinResources().map((definition) => [definition.resource, definition]));

type Body = Readonly<Record<string, unknown>>;
const container = { name: 'c', image: 'x:1' };
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [container] } };
const selector = { matchLabels: { a: 'b' } };
const jobTemplate = { spec: { restartPolicy: 'Never', containers: [container] } };

/** The spec that each kind is valid with. */
const specs: Readonly<Record<string, Body>> = {
  deployments: { selector, template },
  replicasets: { selector, template },
  statefulsets: { selector, template, serviceName: 's' },
  daemonsets: { selector, template },
  replicationcontrollers: { template },
  jobs: { template: jobTemplate },
  cronjobs: { schedule: '* * * * *', jobTemplate: { spec: { template: jobTemplate } } },
};

function make(resource: string, spec: Body, rest: Body = {}): { definition: ResourceDefinition; object: KubeObject } {
  const definition = definitions.get(resource)!;
  const object = structuredClone({
    metadata: { name: 'x', namespace: 'demo', uid: 'u' },
    spec: { ...specs[resource], ...spec },
    ...rest,
  }) as unknown as KubeObject;
  definition.strategy.default?.(object);
  definition.strategy.prepareForCreate?.(object);
  return { definition, object };
}

const refusals = (resource: string, spec: Body, rest?: Body): string[] => {
  const { definition, object } = make(resource, spec, rest);
  return definition.strategy.validate!(object).map(fieldErrorMessage);
};

test.each(Object.keys(specs))('%s: what is right', (resource) => expect(refusals(resource, {})).toEqual([]));

const notMatching =
  'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`';

describe.each<[string, readonly [string, Body, string[]][]]>([
  [
    'deployments',
    [
      ['another selector', { selector: { matchLabels: { x: 'y' } } }, [notMatching]],
      [
        'a deadline that comes first',
        { progressDeadlineSeconds: 5, minReadySeconds: 5 },
        ['spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds'],
      ],
      [
        'a label that is none',
        { template: { ...template, metadata: { labels: { a: 'b', '-': 'x' } } } },
        [
          "spec.template.labels: Invalid value: \"-\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        ],
      ],
      [
        'Pods that end',
        { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never', activeDeadlineSeconds: 1 } } },
        [
          'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
          'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported',
        ],
      ],
    ],
  ],
  [
    'replicationcontrollers',
    [['less than none', { replicas: -1 }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']]],
  ],
  [
    'jobs',
    [
      [
        'Pods that never end',
        { template: { spec: { containers: [container] } } },
        ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
      ],
      [
        'indexes of nothing',
        { completionMode: 'Indexed', completions: undefined, parallelism: 2 },
        ['spec.completions: Required value: when completion mode is Indexed'],
      ],
      [
        'limits of indexes without indexes',
        { backoffLimitPerIndex: 1 },
        ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode'],
      ],
      [
        'labels of another Job',
        { template: { ...jobTemplate, metadata: { labels: { 'job-name': 'y' } } } },
        [
          'spec.template.metadata.labels[job-name]: Invalid value: {"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"x","controller-uid":"u","job-name":"y"}: must be \'x\'',
        ],
      ],
      [
        'a failure policy that contradicts itself',
        {
          podFailurePolicy: {
            rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [2, 1, 0], containerName: 'z' } }],
          },
        },
        [
          'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
          'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "z": must be one of the container or initContainer names in the pod template',
          'spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Invalid value: 0: must not be 0 for the In operator',
          'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1,0]: must be ordered',
        ],
      ],
      [
        'success of indexes that are not there',
        { completionMode: 'Indexed', completions: 3, successPolicy: { rules: [{ succeededIndexes: '0,7' }] } },
        [
          'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,7": error parsing succeededIndexes: too large index: "7"',
        ],
      ],
    ],
  ],
  [
    'cronjobs',
    [
      [
        'no schedule',
        { schedule: 'x' },
        ['spec.schedule: Invalid value: "x": expected exactly 5 fields, found 1: [x]'],
      ],
      [
        'nowhere',
        { timeZone: 'Moon/Crater' },
        ['spec.timeZone: Invalid value: "Moon/Crater": unknown time zone Moon/Crater'],
      ],
      [
        'here',
        { timeZone: 'Local' },
        [
          'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
        ],
      ],
      [
        'a selector of its own',
        { jobTemplate: { spec: { template: jobTemplate, selector } } },
        ['spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated'],
      ],
    ],
  ],
  [
    'statefulsets',
    [
      [
        'a policy that is none',
        { podManagementPolicy: 'X' },
        ["spec.podManagementPolicy: Invalid value: \"X\": must be 'OrderedReady' or 'Parallel'"],
      ],
    ],
  ],
])('%s', (resource, cases) => {
  test.each(cases)('refused: %s', (_what, spec, messages) => expect(refusals(resource, spec)).toEqual(messages));
});

function changes(resource: string, spec: Body, alter: (spec: Record<string, unknown>) => void): string[] {
  const { definition, object: old } = make(resource, spec);
  const object = structuredClone(old);
  alter((object as unknown as { spec: Record<string, unknown> }).spec);
  definition.strategy.prepareForUpdate?.(object, old);
  return definition.strategy.validateUpdate!(object, old).map(fieldErrorMessage);
}

test('a Job changes its parallelism, an indexed one its size, a suspended one its nodes', () => {
  expect(changes('jobs', {}, (spec) => (spec.parallelism = 2))).toEqual([]);
  expect(changes('jobs', {}, (spec) => (spec.completions = 2))).toEqual([
    'spec.completions: Invalid value: 2: field is immutable',
  ]);
  const indexed = { completionMode: 'Indexed', completions: 2, parallelism: 2 };
  expect(changes('jobs', indexed, (spec) => Object.assign(spec, { completions: 3, parallelism: 3 }))).toEqual([]);
  expect(changes('jobs', indexed, (spec) => (spec.completions = 3))).toEqual([
    'spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism',
  ]);
  const place = (spec: Record<string, unknown>) => {
    (spec.template as { spec: Record<string, unknown> }).spec.nodeSelector = { disk: 'ssd' };
  };
  expect(changes('jobs', { suspend: true }, place)).toEqual([]);
  expect(changes('jobs', {}, place)[0]).toContain('spec.template: Invalid value: ');
});

test('containers of a StatefulSet may mount what its claim templates name', () => {
  const mounting = (name: string) => ({
    ...template,
    spec: { containers: [{ ...container, volumeMounts: [{ name, mountPath: '/data' }] }] },
  });
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: claim }];
  expect(refusals('statefulsets', { template: mounting('data'), volumeClaimTemplates })).toEqual([]);
  expect(refusals('statefulsets', { template: mounting('other'), volumeClaimTemplates })).toEqual([
    'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "other"',
  ]);
});

test('a StatefulSet keeps its identity', () => {
  expect(changes('statefulsets', {}, (spec) => (spec.replicas = 3))).toEqual([]);
  expect(changes('statefulsets', {}, (spec) => (spec.serviceName = 'other'))).toEqual([
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
  ]);
});

test('more replicas are ready than there are', () => {
  const { definition, object } = make('deployments', {});
  const reported = { ...object, status: { replicas: 1, readyReplicas: 2, availableReplicas: 3 } };
  expect(definition.strategy.validateStatusUpdate!(reported, object).map(fieldErrorMessage)).toEqual([
    'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    'status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas',
    'status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas',
  ]);
});

test('warnings', () => {
  const env = [
    { name: 'A', value: '1' },
    { name: 'A', value: '2' },
  ];
  const ports = [{ containerPort: 80 }, { containerPort: 80 }];
  const spec = { containers: [{ ...container, env, ports }], nodeSelector: { 'beta.kubernetes.io/os': 'linux' } };
  const { definition, object } = make(
    'deployments',
    { template: { ...template, spec } },
    {
      metadata: { name: 'a.b', namespace: 'demo' },
    },
  );
  expect(definition.strategy.warnings!(object)).toEqual([
    'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]',
    'spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    'spec.template.spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    'spec.template.spec.containers[0].ports[1]: duplicate port definition with spec.template.spec.containers[0].ports[0]',
  ]);
});

test.each(['deployments', 'daemonsets', 'statefulsets', 'replicasets', 'jobs'])(
  '%s: what the template warns of is told again when its generation changes',
  (resource) => {
    const spec = {
      containers: [container],
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      restartPolicy: 'Never',
    };
    const { definition, object: old } = make(resource, { template: { ...template, spec } });
    const { prepareForUpdate, warnings } = definition.strategy;
    const told = (change: object) => {
      const next = { ...structuredClone(old), ...change } as KubeObject;
      prepareForUpdate?.(next, old);
      return warnings!(next, old).length;
    };
    const labelled = { ...old.metadata, labels: { a: 'b' } };
    const changed = { ...(old as unknown as { spec: Body }).spec, minReadySeconds: 1 };
    expect([told({ metadata: labelled }), told({ spec: changed })]).toEqual([0, 1]);
  },
);

test('a Job of very many indexes at once is told that not all may be tracked', () => {
  const much = { completionMode: 'Indexed', completions: 100_001, parallelism: 10_001, template: jobTemplate };
  const warnings = (resource: string, spec: Body): string[] => {
    const { definition, object } = make(resource, spec);
    return definition.strategy.warnings!(object);
  };
  const why =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';
  expect(warnings('jobs', much)).toEqual([`spec: ${why}`]);
  expect(warnings('jobs', { ...much, parallelism: 10_000 })).toEqual([]);
  expect(warnings('cronjobs', { jobTemplate: { spec: much } })).toEqual([`spec.jobTemplate.spec: ${why}`]);
});

test('a StatefulSet that keeps all its revisions, or claims part of a byte, is told so at each write', () => {
  const volumeClaimTemplates = [{ spec: { resources: { requests: { storage: '500m' } } } }];
  const { definition, object } = make('statefulsets', { revisionHistoryLimit: -1, volumeClaimTemplates });
  const part = 'resources.requests[storage]: fractional byte value "500m" is invalid, must be an integer';
  const all =
    'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended';
  expect(definition.strategy.warnings!(object)).toEqual([`spec.volumeClaimTemplates[0].${part}`, all]);
  expect(definition.strategy.warnings!(object, object)).toEqual([`spec.volumeClaimTemplates[0].Spec.${part}`, all]);
});

test('daemonsets: the server counts how often the template changed, whatever clients write', () => {
  const key = 'deprecated.daemonset.template.generation';
  const generationOf = ({ metadata }: KubeObject) => metadata.annotations?.[key];
  const { definition, object: old } = make('daemonsets', {});
  const { prepareForUpdate, prepareForStatusUpdate } = definition.strategy;
  expect(generationOf(old)).toBe('1');
  const annotated = (value: string) =>
    make('daemonsets', {}, { metadata: { name: 'x', annotations: { [key]: value } } });
  expect(['7', '0', 'x'].map((value) => generationOf(annotated(value).object))).toEqual(['7', '1', '1']);
  const updated = (change: (next: KubeObject) => void) => {
    const next = structuredClone(old);
    change(next);
    return next;
  };
  const same = updated((next) => delete next.metadata.annotations);
  prepareForUpdate?.(same, old);
  expect([generationOf(same), same.metadata.generation]).toEqual(['1', 1]);
  const changed = updated((next) => {
    (next as unknown as { spec: { template: { metadata: object } } }).spec.template.metadata = {
      labels: { a: 'b', c: 'd' },
    };
  });
  prepareForUpdate?.(changed, old);
  expect([generationOf(changed), changed.metadata.generation]).toEqual(['2', 2]);
  const status = updated((next) => delete next.metadata.annotations);
  prepareForStatusUpdate?.(status, old);
  expect(generationOf(status)).toBe('1');
});

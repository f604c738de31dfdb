import { expect, test } from 'vitest';
import { fieldErrorMessage } from '../../../../apimachinery/validation/field-error.ts';
import type { Pod, PodSpec, VolumeProjection } from '../types.generated.ts';
import { defaultPod } from './defaults.ts';
import { validateEphemeralContainersUpdate, validatePodResize, validatePodUpdate } from './update.ts';

function podOf(spec: Partial<PodSpec> = {}): Pod {
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'demo' },
    spec: { containers: [{ name: 'c', image: 'x:1' }], ...spec },
  };
  defaultPod(pod);
  return pod;
}

type Rule = (pod: Pod, old: Pod) => ReturnType<typeof validatePodUpdate>;

function changed(rule: Rule, old: Pod, alter: (spec: PodSpec) => void): string[] {
  const pod = structuredClone(old);
  alter(pod.spec!);
  defaultPod(pod);
  return rule(pod, old).map(fieldErrorMessage);
}

/** The Pod of the lab's story "pods", with what admission adds. */
function admitted(more: readonly VolumeProjection[]): Pod {
  const token = 'kube-api-access-abcde';
  const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
  return podOf({
    containers: [
      {
        name: 'c',
        image: 'example.com/app',
        ports: [{ containerPort: 80, name: 'http' }],
        readinessProbe: { httpGet: { port: 'http' } },
        volumeMounts: [{ name: token, readOnly: true, mountPath }],
      },
    ],
    nodeName: 'absent-node',
    serviceAccountName: 'default',
    terminationGracePeriodSeconds: 5,
    volumes: [
      {
        name: token,
        projected: {
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
            ...more,
          ],
        },
      },
    ],
  });
}

const openShift = {
  configMap: { name: 'openshift-service-ca.crt', items: [{ key: 'service-ca.crt', path: 'service-ca.crt' }] },
};

test.each([
  ['a plain service account volume', [], 165],
  ['one ConfigMap more', [openShift], 183],
])('the difference is one of the whole internal spec: %s', (_what, more, line) => {
  const [message] = changed(validatePodUpdate, admitted(more), (spec) => (spec.nodeName = 'other'));
  expect(message?.split('\n').slice(1)).toEqual([
    `@@ -${line},7 +${line},7 @@`,
    '  "NodeSelector": null,',
    '  "ServiceAccountName": "default",',
    '  "AutomountServiceAccountToken": null,',
    '- "NodeName": "absent-node",',
    '+ "NodeName": "other",',
    '  "SecurityContext": {',
    '   "HostNetwork": false,',
    '   "HostPID": false,',
    '',
  ]);
});

const onlyAdditions = 'only additions are allowed (no mutations or deletions)';
const zone = (...values: string[]) => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: values.map((key) => ({ key, operator: 'Exists' })) }],
    },
  },
});

test.each<[string, Partial<PodSpec>, (spec: PodSpec) => void, string[]]>([
  ['a deadline may come', {}, (spec) => (spec.activeDeadlineSeconds = 5), []],
  ['and come nearer', { activeDeadlineSeconds: 9 }, (spec) => (spec.activeDeadlineSeconds = 5), []],
  [
    'not go farther',
    { activeDeadlineSeconds: 5 },
    (spec) => (spec.activeDeadlineSeconds = 9),
    ['spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value'],
  ],
  [
    'not go away',
    { activeDeadlineSeconds: 5 },
    (spec) => delete spec.activeDeadlineSeconds,
    ['spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value'],
  ],
  [
    'tolerations do not change',
    { tolerations: [{ key: 'a', operator: 'Exists' }] },
    (spec) => (spec.tolerations = [{ key: 'b', operator: 'Exists' }]),
    ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
  ],
  ['gates open', { schedulingGates: [{ name: 'a' }] }, (spec) => delete spec.schedulingGates, []],
  [
    'and do not come later',
    {},
    (spec) => (spec.schedulingGates = [{ name: 'a' }]),
    ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'a'"],
  ],
  [
    'a gated Pod may be narrowed down to nodes',
    { schedulingGates: [{ name: 'a' }] },
    (spec) => {
      spec.nodeSelector = { disk: 'ssd' };
      spec.affinity = zone('zone');
    },
    [],
  ],
  [
    'not widened',
    { schedulingGates: [{ name: 'a' }], nodeSelector: { disk: 'ssd' }, affinity: zone('zone') },
    (spec) => {
      delete spec.nodeSelector;
      spec.affinity = zone('region');
    },
    [
      'spec.nodeSelector: Invalid value: null: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
      `spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]: Invalid value: {"MatchExpressions":[{"Key":"region","Operator":"Exists","Values":null}],"MatchFields":null}: ${onlyAdditions}`,
    ],
  ],
  [
    'an image is needed',
    {},
    (spec) => (spec.containers[0]!.image = ''),
    ['spec.containers[0].image: Required value', 'spec.containers[0].image: Required value'],
  ],
])('update: %s', (_what, spec, alter, expected) => {
  expect(changed(validatePodUpdate, podOf(spec), alter)).toEqual(expected);
});

const cpu = (amount: string) => ({ requests: { cpu: amount } });

test.each<[string, Partial<PodSpec>, (spec: PodSpec) => void, string[]]>([
  [
    'cpu',
    { containers: [{ name: 'c', image: 'x', resources: cpu('1') }] },
    (spec) => (spec.containers[0]!.resources = cpu('2')),
    [],
  ],
  [
    'away',
    { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '1', memory: '1Mi' } } }] },
    (spec) => (spec.containers[0]!.resources = cpu('1')),
    ['spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed'],
  ],
  [
    'another class',
    {},
    (spec) => (spec.containers[0]!.resources = cpu('1')),
    ['spec: Invalid value: "": Pod QOS Class may not change as a result of resizing'],
  ],
  [
    'something else',
    { containers: [{ name: 'c', image: 'x', resources: cpu('1') }] },
    (spec) => (spec.containers[0]!.image = 'y'),
    ['spec: Forbidden: only cpu and memory resources are mutable'],
  ],
  [
    'an init container',
    { initContainers: [{ name: 'i', image: 'x', resources: cpu('1') }] },
    (spec) => (spec.initContainers![0]!.resources = cpu('2')),
    [],
  ],
  [
    'an init container that would restart for it',
    {
      initContainers: [
        {
          name: 'i',
          image: 'x',
          resources: cpu('1'),
          resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }],
        },
      ],
    },
    (spec) => (spec.initContainers![0]!.resources = cpu('2')),
    [
      'spec.initContainers[0].resizePolicy[0].restartPolicy: Invalid value: "RestartContainer": must not be set to \'RestartContainer\' for non-sidecar initContainers',
      'spec.initContainers[0]: Forbidden: non-sidecar init containers with a resize policy of RestartContainer cannot be resized',
    ],
  ],
  [
    'a container less',
    { initContainers: [{ name: 'i', image: 'x' }] },
    (spec) => delete spec.initContainers,
    ['spec.initContainers: Forbidden: initContainers may not be added or removed on resize'],
  ],
  [
    'another name',
    {},
    (spec) => (spec.containers[0]!.name = 'd'),
    ['spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize'],
  ],
  ['the Pod as a whole', { resources: cpu('1') }, (spec) => (spec.resources = cpu('2')), []],
  [
    'the Pod as a whole no more',
    { resources: { requests: { cpu: '1', memory: '1Mi' } } },
    (spec) => (spec.resources = cpu('2')),
    ['spec.resources.requests: Forbidden: pod-level resource requests cannot be removed'],
  ],
])('resize: %s', (_what, spec, alter, expected) => {
  expect(changed(validatePodResize, podOf(spec), alter)).toEqual(expected);
});

test('ephemeral containers join and stay', () => {
  const join = (spec: PodSpec) => (spec.ephemeralContainers = [{ name: 'e', image: 'x' }]);
  const rule = validateEphemeralContainersUpdate;
  expect(changed(rule, podOf(), join)).toEqual([]);
  const [refusal] = changed(validatePodUpdate, podOf(), join);
  expect(refusal).toContain('spec: Forbidden: pod updates may not change fields other than');
  const with_ = podOf({ ephemeralContainers: [{ name: 'e', image: 'x' }] });
  expect(changed(rule, with_, (spec) => delete spec.ephemeralContainers)).toEqual([
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be removed\n',
  ]);
  const [message] = changed(rule, with_, (spec) => (spec.ephemeralContainers![0]!.image = 'y'));
  expect(message).toContain('existing ephemeral containers "e" may not be changed\n@@ -1,6 +1,6 @@\n');
  const probed = { ephemeralContainers: [{ name: 'c', image: 'x', ports: [{ containerPort: 1 }] }] };
  expect(changed(rule, podOf(), (spec) => Object.assign(spec, probed))).toEqual([
    'spec.ephemeralContainers[0].name: Duplicate value: "c"',
    'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
  ]);
});

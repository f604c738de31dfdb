import { expect, test } from 'vitest';
import { fieldErrorMessage } from '../../../../apimachinery/validation/field-error.ts';
import { builtinResources } from '../../../registry.ts';
import type { AppArmorProfile, Container, Pod, PodSpec, PodStatus } from '../types.generated.ts';
import { podCells, podStatus } from './columns.ts';
import { defaultPod } from './defaults.ts';
import { qosClass } from './qos.ts';

const { strategy } = builtinResources().find(({ resource }) => resource === 'pods')!;

function podOf(spec: Partial<PodSpec> = {}, status?: PodStatus): Pod {
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'demo', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { containers: [{ name: 'c', image: 'x:1' }], ...spec },
    ...(status && { status }),
  };
  defaultPod(pod);
  return pod;
}
const refusals = (spec: Partial<PodSpec>): string[] => strategy.validate!(podOf(spec)).map(fieldErrorMessage);
const container = (more: Partial<Container>): Partial<PodSpec> => ({
  containers: [{ name: 'c', image: 'x:1', ...more }],
});

test('limits become requests, in canonical text', () => {
  const pod = podOf(container({ resources: { limits: { cpu: '0.5', memory: '1024Ki' } } }));
  expect(pod.spec!.containers[0]!.resources).toEqual({
    limits: { cpu: '500m', memory: '1Mi' },
    requests: { cpu: '500m', memory: '1Mi' },
  });
  expect(qosClass(pod)).toBe('Guaranteed');
});

test('quality of service', () => {
  expect(qosClass(podOf())).toBe('BestEffort');
  const both = { cpu: '1', memory: '1Gi' };
  expect(qosClass(podOf({ resources: { requests: both, limits: both } }))).toBe('Guaranteed');
  expect(qosClass(podOf({ resources: { limits: { cpu: '1' } } }))).toBe('Burstable');
  expect(qosClass(podOf(container({ resources: { requests: { cpu: '1' } } })))).toBe('Burstable');
  expect(qosClass(podOf(container({ resources: { limits: { cpu: '1' } } })))).toBe('Burstable');
});

test('volumes and downward fields are completed', () => {
  const { spec } = podOf({
    volumes: [{ name: 'e' }, { name: 's', secret: { secretName: 's' } }, { name: 'h', hostPath: { path: '/x' } }],
  });
  expect(spec!.volumes).toEqual([
    { name: 'e', emptyDir: {} },
    { name: 's', secret: { secretName: 's', defaultMode: 420 } },
    { name: 'h', hostPath: { path: '/x', type: '' } },
  ]);
});

test.each<[string, Partial<PodSpec>, string]>([
  [
    'no handler',
    container({ livenessProbe: {} }),
    'spec.containers[0].livenessProbe: Required value: must specify a handler type',
  ],
  [
    'two volumes of one name',
    { volumes: [{ name: 'v' }, { name: 'v' }] },
    'spec.volumes[1].name: Duplicate value: "v"',
  ],
  [
    'a request above its limit',
    container({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } }),
    'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  [
    'two mounts at one path',
    {
      ...container({
        volumeMounts: [
          { name: 'v', mountPath: '/a' },
          { name: 'v', mountPath: '/a' },
        ],
      }),
      volumes: [{ name: 'v' }],
    },
    'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
  ],
  ['a name with dots', { hostname: 'a.b' }, 'spec.hostname: Invalid value: "a.b": must not contain dots'],
  [
    'no DNS at all',
    { dnsPolicy: 'None' },
    'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
  ],
])('refused: %s', (_what, spec, message) => expect(refusals(spec)).toEqual([message]));

test('a Pod may change its images, further tolerations, and little else', () => {
  const old = podOf();
  const change = (alter: (spec: PodSpec) => void): string[] => {
    const pod = structuredClone(old);
    alter(pod.spec!);
    defaultPod(pod);
    return strategy.validateUpdate!(pod, old).map(fieldErrorMessage);
  };
  expect(change((spec) => (spec.containers[0]!.image = 'y:2'))).toEqual([]);
  expect(change((spec) => (spec.tolerations = [{ key: 'a', operator: 'Exists' }]))).toEqual([]);
  expect(change((spec) => (spec.activeDeadlineSeconds = 5))).toEqual([]);
  expect(change((spec) => spec.containers.push({ name: 'd', image: 'z' }))).toEqual([
    'spec.containers: Forbidden: pod updates may not add or remove containers',
  ]);
  expect(change((spec) => (spec.hostname = 'h'))[0]).toContain('spec: Forbidden: pod updates may not change fields');
});

const waiting = (reason: string): PodStatus => ({
  phase: 'Pending',
  containerStatuses: [
    { name: 'c', ready: false, restartCount: 3, image: '', imageID: '', state: { waiting: { reason } } },
  ],
});

test('STATUS', () => {
  expect(podStatus(podOf({}, { phase: 'Running' }))).toBe('Running');
  expect(podStatus(podOf({}, waiting('ImagePullBackOff')))).toBe('ImagePullBackOff');
  const deleted = podOf({}, { phase: 'Running' });
  deleted.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  expect(podStatus(deleted)).toBe('Terminating');
  deleted.status!.reason = 'NodeLost';
  expect(podStatus(deleted)).toBe('Unknown');
  const init = podOf(
    {
      initContainers: [
        { name: 'i', image: 'x' },
        { name: 'j', image: 'x' },
      ],
    },
    {
      phase: 'Pending',
      initContainerStatuses: [
        { name: 'i', ready: true, restartCount: 0, image: '', imageID: '', state: { terminated: { exitCode: 0 } } },
        { name: 'j', ready: false, restartCount: 0, image: '', imageID: '', state: { waiting: {} } },
      ],
    },
  );
  expect(podStatus(init)).toBe('Init:1/2');
});

test('a row', () => {
  const now = Date.parse('2026-01-01T00:10:00Z');
  const running: PodStatus = {
    phase: 'Running',
    podIPs: [{ ip: '10.244.1.2' }],
    conditions: [{ type: 'Initialized', status: 'True' }],
    containerStatuses: [
      {
        name: 'c',
        ready: true,
        restartCount: 2,
        image: '',
        imageID: '',
        state: { running: {} },
        lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:05:00Z' } },
      },
    ],
  };
  expect(podCells(podOf({ nodeName: 'n' }, running), now)).toEqual([
    'p',
    '1/1',
    'Running',
    '2 (5m ago)',
    '10m',
    '10.244.1.2',
    'n',
    '<none>',
    '<none>',
  ]);
});

test('the server adds the labels that a spread is to be about', () => {
  const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} };
  const pod = podOf({ topologySpreadConstraints: [{ ...constraint, matchLabelKeys: ['app', 'none'] }] });
  pod.metadata.labels = { app: 'web' };
  strategy.prepareForCreate!(pod);
  expect(pod.spec!.topologySpreadConstraints![0]!.labelSelector).toEqual({
    matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }],
  });
  expect(strategy.validate!(pod)).toEqual([]);
});

test.each<[string, AppArmorProfile | undefined, boolean]>([
  ['runtime/default', { type: 'RuntimeDefault' }, true],
  ['localhost/mine', { type: 'Localhost', localhostProfile: 'mine' }, true],
  ['localhost/', undefined, true],
  ['', undefined, true],
  // As the Pod has it.
  ['unconfined', undefined, false],
])('the AppArmor annotation "%s" becomes a field', (annotation, profile, isWarned) => {
  const key = 'container.apparmor.security.beta.kubernetes.io/c';
  const pod = podOf({ securityContext: { appArmorProfile: { type: 'Unconfined' } } });
  pod.metadata.annotations = { [key]: annotation };
  const warnings: string[] = [];
  strategy.prepareForCreate!(pod, (text) => warnings.push(text));
  expect(pod.spec!.containers[0]!.securityContext?.appArmorProfile).toEqual(profile);
  const text = `metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`;
  expect(warnings).toEqual(isWarned ? [text] : []);
});

test('a group to be scheduled with is dropped, as the feature is off', () => {
  const group = { schedulingGroup: { podGroupName: 'g' } };
  expect(podOf(group).spec).not.toHaveProperty('schedulingGroup');
});

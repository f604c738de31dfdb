import { expect, test } from 'vitest';
import { fieldErrorMessage } from '../../../../apimachinery/validation/field-error.ts';
import { builtinResources } from '../../../registry.ts';
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus } from '../types.generated.ts';
import { validatePodStatusUpdate } from './status-validation.ts';

const podOf = (status: PodStatus, spec: Partial<PodSpec> = {}): Pod => ({
  metadata: { name: 'p', namespace: 'demo' },
  spec: { containers: [{ name: 'c', image: 'x' }], restartPolicy: 'Never', ...spec },
  status,
});
const told = (state: ContainerStatus['state'], more: Partial<ContainerStatus> = {}): ContainerStatus =>
  ({ name: 'c', state, ...more }) as ContainerStatus;
const ended = (exitCode: number) => ({ containerStatuses: [told({ terminated: { exitCode } })] });
const again = { containerStatuses: [told({ running: {} })] };
const container = (more: Partial<Container>): Partial<PodSpec> => ({
  containers: [{ name: 'c', image: 'x', ...more }],
});
const rule = (action: string) => ({ action, exitCodes: { operator: 'In', values: [3] } });
const revived = ['status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state'];

test.each<[string, Partial<PodSpec>, number, string[]]>([
  ['never', {}, 1, revived],
  ['after a failure', { restartPolicy: 'OnFailure' }, 1, []],
  ['after success', { restartPolicy: 'OnFailure' }, 0, revived],
  ['by its own policy', container({ restartPolicy: 'Always' }), 0, []],
  ['against the policy of the Pod', { ...container({ restartPolicy: 'Never' }), restartPolicy: 'Always' }, 1, revived],
  ['by its rule', container({ restartPolicy: 'Never', restartPolicyRules: [rule('Restart')] }), 3, []],
  ['by no rule', container({ restartPolicy: 'Never', restartPolicyRules: [rule('Restart')] }), 4, revived],
  ['with all', container({ restartPolicy: 'Never', restartPolicyRules: [rule('RestartAllContainers')] }), 4, []],
  [
    'of a container that is not there',
    { containers: [{ name: 'd', image: 'x' }], restartPolicy: 'Always' },
    1,
    revived,
  ],
])('again: %s', (_what, spec, exitCode, messages) => {
  expect(validatePodStatusUpdate(podOf(again, spec), podOf(ended(exitCode), spec)).map(fieldErrorMessage)).toEqual(
    messages,
  );
});

const linux = { user: { linux: { uid: -1, gid: 0 } } };
const claimed = { resourceClaims: [{ name: 'a', resourceClaimName: 'x' }] };
const gpu: Partial<PodSpec> = container({ resources: { requests: { 'example.com/gpu': '1' } } });
const mapped = { containerName: 'c', resourceName: 'example.com/gpu', requestName: 'r' };
const extended = 'status.extendedResourceClaimStatus';
const device = 'status.containerStatuses[0].allocatedResourcesStatus[0]';

test.each<[string, PodStatus, Partial<PodSpec>, (string | RegExp)[]]>([
  [
    'conditions of no name',
    { conditions: [{ type: 'a b', status: 'True', observedGeneration: -1 }] },
    {},
    [
      'status.conditions[0].observedGeneration: Invalid value: -1: must be a non-negative integer',
      /^status\.conditions\[0\]\.Type: Invalid value: "a b": /,
    ],
  ],
  [
    'a generation before the first',
    { observedGeneration: -1 },
    {},
    ['status.observedGeneration: Invalid value: -1: must be a non-negative integer'],
  ],
  [
    'a node for one that has a node',
    { nominatedNodeName: 'm' },
    { nodeName: 'n' },
    ['status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node'],
  ],
  [
    'a claim of no name',
    { resourceClaimStatuses: [{ name: 'a', resourceClaimName: 'X' }] },
    claimed,
    [/^status\.resourceClaimStatuses\[0\]\.resourceClaimName: Invalid value: "X": /],
  ],
  [
    'a claim for extended resources of nothing',
    { extendedResourceClaimStatus: { requestMappings: [], resourceClaimName: '' } },
    {},
    [
      `${extended}.requestMappings: Required value: at least one request mapping is required`,
      `${extended}.resourceClaimName: Required value`,
    ],
  ],
  [
    'mappings that are none',
    {
      extendedResourceClaimStatus: {
        requestMappings: [{ ...mapped, containerName: 'd' }, mapped, mapped],
        resourceClaimName: 'x',
      },
    },
    gpu,
    [
      `${extended}.requestMappings[0].containerName: Invalid value: "d": must match the name of an entry in spec.initContainers.name or spec.containers.name`,
      `${extended}.requestMappings[2].containerName: Duplicate value: "c"`,
      `${extended}.requestMappings[2].resourceName: Duplicate value: "example.com/gpu"`,
      `${extended}.requestMappings[2].requestName: Duplicate value: "r"`,
    ],
  ],
  [
    'two addresses of one family',
    { podIPs: [{ ip: '1.2.3.4' }, { ip: '1.2.3.4' }] },
    {},
    [
      'status.podIPs: Invalid value: [{"IP":"1.2.3.4"},{"IP":"1.2.3.4"}]: may specify no more than one IP for each IP family',
    ],
  ],
  [
    'an address that is none',
    { podIPs: [{ ip: '1.2.3.4' }, { ip: 'x' }] },
    {},
    [
      'status.podIPs[1]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'status.podIPs: Internal error: failed to check for dual stack with error:invalid IP[1]: <nil>',
      /^status\.podIPs: Invalid value: /,
    ],
  ],
  [
    'a user below zero',
    { containerStatuses: [told(undefined, linux)] },
    {},
    ['status.containerStatuses[0].user.linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive'],
  ],
  [
    'a user of Linux on Windows',
    { containerStatuses: [told(undefined, linux)] },
    { os: { name: 'windows' } },
    ['status.containerStatuses[0].user.linux: Forbidden: cannot be set for a windows pod'],
  ],
  [
    'devices that nobody asked for',
    {
      containerStatuses: [
        told(undefined, {
          allocatedResourcesStatus: [
            {
              name: 'example.com/tpu',
              resources: [
                { resourceID: 'a', health: 'Healthy' },
                { resourceID: 'a', health: 'Sick', message: '' },
              ],
            },
          ],
        }),
      ],
    },
    gpu,
    [
      `${device}.name: Invalid value: "example.com/tpu": must match one of the container's resource requests`,
      `${device}.resources[1].health: Unsupported value: "Sick": supported values: "Healthy", "Unhealthy", "Unknown"`,
      `${device}.resources[1].message: Required value: must be non-empty if specified`,
      `${device}.resources[1].resourceID: Duplicate value: "a"`,
    ],
  ],
])('%s', (_what, status, spec, messages) => {
  const errors = validatePodStatusUpdate(podOf(status, spec), podOf({}, spec)).map(fieldErrorMessage);
  expect(errors).toEqual(messages.map((one) => (typeof one === 'string' ? one : expect.stringMatching(one))));
});

test('addresses of before stay', () => {
  const status = { podIPs: [{ ip: '01.2.3.4' }] };
  expect(validatePodStatusUpdate(podOf(status), podOf(status))).toEqual([]);
});

test('what an older kubelet leaves out stays', () => {
  const { strategy } = builtinResources().find(({ resource }) => resource === 'pods')!;
  const condition = { type: 'Ready', status: 'True' };
  const old = podOf({
    observedGeneration: 2,
    qosClass: 'Burstable',
    conditions: [{ ...condition, observedGeneration: 2 }],
  });
  const pod = podOf({ conditions: [condition] });
  strategy.prepareForStatusUpdate!(pod, old);
  expect(pod.status).toEqual(old.status);
});

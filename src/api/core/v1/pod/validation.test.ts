import { describe, expect, test } from 'vitest';
import { fieldErrorMessage } from '../../../../apimachinery/validation/field-error.ts';
import type { Container, Pod, PodSpec, Probe, SecurityContext, Volume, VolumeMount } from '../types.generated.ts';
import { defaultPod } from './defaults.ts';
import { validatePodCreate, validatePodTemplate } from './validation.ts';

function refusals(spec: Partial<PodSpec>, annotations: Record<string, string> = {}): string[] {
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'demo', annotations },
    spec: { containers: [{ name: 'c', image: 'x:1' }], serviceAccountName: 'default', ...spec },
  };
  defaultPod(pod);
  return validatePodCreate(pod).map(fieldErrorMessage);
}

const container = (more: Partial<Container>): Partial<PodSpec> => ({
  containers: [{ name: 'c', image: 'x:1', ...more }],
});
const probe = (livenessProbe: Probe) => container({ livenessProbe });
const stopped = (stopSignal: string) => container({ lifecycle: { stopSignal } });
const secured = (securityContext: SecurityContext) => container({ securityContext });
const mounted = (mount: Partial<VolumeMount>): Partial<PodSpec> => ({
  ...container({ volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }] }),
  volumes: [{ name: 'v', emptyDir: {} }],
});
const volume = (source: Partial<Volume>): Partial<PodSpec> => ({ volumes: [{ name: 'v', ...source }] });
const c0 = 'spec.containers[0]';

type Case = readonly [string, Partial<PodSpec>, string[]];

describe.each<[string, readonly Case[]]>([
  [
    'resources',
    [
      [
        'a name of nothing',
        container({ resources: { requests: { potatoes: '1' } } }),
        [
          `${c0}.resources.requests[potatoes]: Invalid value: "potatoes": must be a standard resource type or fully qualified`,
          `${c0}.resources.requests[potatoes]: Invalid value: "potatoes": must be a standard resource for containers`,
        ],
      ],
      [
        'half a device',
        container({ resources: { limits: { 'example.com/gpu': '500m' } } }),
        [
          `${c0}.resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer`,
          `${c0}.resources.requests[example.com/gpu]: Invalid value: "500m": must be an integer`,
        ],
      ],
      [
        'fewer devices than the limit',
        container({ resources: { limits: { 'example.com/gpu': '2' }, requests: { 'example.com/gpu': '1' } } }),
        [`${c0}.resources.requests: Invalid value: "1": must be equal to example.com/gpu limit of 2`],
      ],
      [
        'huge pages in part, and alone',
        container({ resources: { limits: { 'hugepages-2Mi': '3Mi' } } }),
        [
          `${c0}.resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi`,
          `${c0}.resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi`,
          `${c0}.resources: Forbidden: HugePages require cpu or memory`,
        ],
      ],
      [
        'less than nothing',
        container({ resources: { requests: { cpu: '-1' } } }),
        [`${c0}.resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0`],
      ],
      [
        'claims that the Pod does not have',
        container({ resources: { claims: [{ name: 'gpu' }] } }),
        [
          `${c0}.resources.claims[0]: Not found: "gpu": must be one of the names in pod.spec.resourceClaims which is empty`,
        ],
      ],
      [
        'a claim of nothing',
        { resourceClaims: [{ name: 'gpu' }] },
        [
          'spec.resourceClaims[0]: Invalid value: {"Name":"gpu","ResourceClaimName":null,"ResourceClaimTemplateName":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
        ],
      ],
      [
        'less for all than for one',
        { ...container({ resources: { requests: { cpu: '2' } } }), resources: { requests: { cpu: '1' } } },
        [
          'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2',
        ],
      ],
    ],
  ],
  [
    'probes and hooks',
    [
      [
        'two handlers',
        probe({ exec: { command: ['x'] }, tcpSocket: { port: 1 } }),
        [`${c0}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`],
      ],
      ['no command', probe({ exec: {} }), [`${c0}.livenessProbe.exec.command: Required value`]],
      [
        'no port',
        probe({ httpGet: { port: 0 } }),
        [`${c0}.livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive`],
      ],
      [
        'a header of two words',
        probe({ httpGet: { port: 1, httpHeaders: [{ name: 'a b', value: '' }] } }),
        [
          `${c0}.livenessProbe.httpGet.httpHeaders: Invalid value: "a b": a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')`,
        ],
      ],
      [
        'more than one success',
        probe({ grpc: { port: 1 }, successThreshold: 2 }),
        [`${c0}.livenessProbe.successThreshold: Invalid value: 2: must be 1`],
      ],
      ['a signal of Linux', { ...stopped('SIGRTMAX-14'), os: { name: 'linux' } }, []],
      [
        'a signal of no system',
        stopped('SIGTERM'),
        [`${c0}.lifecycle.stopSignal: Forbidden: may not be set for containers with empty \`spec.os.name\``],
      ],
      [
        'a signal that Windows has not',
        { ...stopped('SIGHUP'), os: { name: 'windows' } },
        [`${c0}.lifecycle.stopSignal: Unsupported value: "SIGHUP": supported values: "SIGKILL", "SIGTERM"`],
      ],
      [
        'a pause longer than the grace',
        { ...container({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }) },
        [
          `${c0}.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)`,
        ],
      ],
      [
        'an init container that is asked',
        { initContainers: [{ name: 'i', image: 'x', readinessProbe: { grpc: { port: 1 } } }] },
        [
          'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
        ],
      ],
      [
        'a sidecar that is asked',
        { initContainers: [{ name: 'i', image: 'x', restartPolicy: 'Always', readinessProbe: { grpc: { port: 1 } } }] },
        [],
      ],
      [
        'rules without a policy',
        container({ restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [3] } }] }),
        [`${c0}.restartPolicy: Required value: must specify restartPolicy when restart rules are used`],
      ],
      [
        'rules of no sort',
        container({
          restartPolicy: 'Never',
          restartPolicyRules: [{ action: 'Stop', exitCodes: { operator: 'Equals' } }],
        }),
        [
          `${c0}.restartPolicyRules[0].action: Unsupported value: "Stop": supported values: "Restart", "RestartAllContainers"`,
          `${c0}.restartPolicyRules[0].exitCodes.operator: Unsupported value: "Equals": supported values: "In", "NotIn"`,
        ],
      ],
    ],
  ],
  [
    'environment',
    [
      [
        'a name with an equals sign',
        container({ env: [{ name: 'a=b' }] }),
        [
          `${c0}.env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`,
        ],
      ],
      [
        'a value twice',
        container({ env: [{ name: 'a', value: 'b', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
        [`${c0}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`],
      ],
      [
        'a field that is not told',
        container({ env: [{ name: 'a', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } }] }),
        [
          `${c0}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"`,
        ],
      ],
      [
        'a field that is none',
        container({ env: [{ name: 'a', valueFrom: { fieldRef: { fieldPath: 'x.y' } } }] }),
        [
          `${c0}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "x.y": error converting fieldPath: field label not supported: x.y`,
        ],
      ],
      [
        'a label',
        container({ env: [{ name: 'a', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }] }),
        [],
      ],
      [
        'parts of a cpu',
        container({ env: [{ name: 'a', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } } }] }),
        [
          `${c0}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`,
        ],
      ],
      [
        'a key of nothing',
        container({ env: [{ name: 'a', valueFrom: { secretKeyRef: { name: 's', key: '' } } }] }),
        [`${c0}.env[0].valueFrom.secretKeyRef.key: Required value`],
      ],
      [
        'from nowhere',
        container({ envFrom: [{}] }),
        [`${c0}.envFrom: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``],
      ],
    ],
  ],
  [
    'mounts',
    [
      [
        'out of the volume',
        mounted({ subPath: 'a/../../b' }),
        [`${c0}.volumeMounts.subPath: Invalid value: "a/../../b": must not contain '..'`],
      ],
      [
        'two ways in',
        mounted({ subPath: 'a', subPathExpr: '$(A)' }),
        [`${c0}.volumeMounts[0].subPathExpr: Invalid value: "$(A)": subPathExpr and subPath are mutually exclusive`],
      ],
      [
        'both ways without privileges',
        mounted({ mountPropagation: 'Bidirectional' }),
        [
          `${c0}.volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers`,
        ],
      ],
      [
        'read only below, not here',
        mounted({ recursiveReadOnly: 'Enabled' }),
        [`${c0}.volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true`],
      ],
      [
        'a directory as a device',
        { ...container({ volumeDevices: [{ name: 'v', devicePath: '/d' }] }), volumes: [{ name: 'v' }] },
        [
          `${c0}.volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode`,
        ],
      ],
    ],
  ],
  [
    'volumes',
    [
      [
        'two sources',
        volume({ emptyDir: {}, hostPath: { path: '/' } }),
        ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
      ],
      [
        'a host path of no sort',
        volume({ hostPath: { path: '/a/../b', type: 'Hole' } }),
        [
          `spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain '..'`,
          'spec.volumes[0].hostPath.type: Unsupported value: "Hole": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
        ],
      ],
      [
        'a file outside',
        volume({ configMap: { name: 'm', defaultMode: 0o1000, items: [{ key: 'a', path: '/x' }] } }),
        [
          'spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
          'spec.volumes[0].configMap.items[0].path: Invalid value: "/x": must be a relative path',
        ],
      ],
      [
        'NFS from nowhere',
        volume({ nfs: { server: 'h', path: 'x' } }),
        ['spec.volumes[0].nfs.path: Invalid value: "x": must be an absolute path'],
      ],
      [
        'the same file twice',
        volume({
          projected: {
            sources: [
              { configMap: { name: 'm', items: [{ key: 'a', path: 'f' }] } },
              { downwardAPI: { items: [{ path: 'f', fieldRef: { fieldPath: 'metadata.name' } }] } },
            ],
          },
        }),
        ['spec.volumes[0].projected: Invalid value: "f": conflicting duplicate paths'],
      ],
      [
        'a token for a moment',
        volume({ projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 60 } }] } }),
        [
          'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
        ],
      ],
      [
        'a claim of nothing',
        volume({ ephemeral: { volumeClaimTemplate: { spec: {} } } }),
        [
          'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is required',
          'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value',
        ],
      ],
      ['an image without a name', volume({ image: {} }), ['spec.volumes[0].image.reference: Required value']],
    ],
  ],
  [
    'security',
    [
      [
        'users below zero',
        { securityContext: { runAsUser: -1, supplementalGroups: [-2] } },
        [
          'spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
          'spec.securityContext.supplementalGroups[0]: Invalid value: -2: must be between 0 and 2147483647, inclusive',
        ],
      ],
      [
        'unmasked',
        secured({ procMount: 'Unmasked' }),
        [`${c0}.securityContext.procMount: Invalid value: "Unmasked": \`hostUsers\` must be false to use \`Unmasked\``],
      ],
      [
        'a profile without a file',
        secured({ seccompProfile: { type: 'Localhost' } }),
        [
          `${c0}.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost`,
        ],
      ],
      [
        'a profile of no sort',
        secured({ appArmorProfile: { type: 'Strict' } }),
        [
          `${c0}.securityContext.appArmorProfile.type: Unsupported value: "Strict": supported values: "Localhost", "RuntimeDefault", "Unconfined"`,
        ],
      ],
      [
        'a sysctl of the node',
        {
          hostNetwork: true,
          securityContext: {
            sysctls: [
              { name: 'net.ipv4.ip_forward', value: '1' },
              { name: 'A', value: '' },
            ],
          },
        },
        [
          `spec.securityContext.sysctls[0].name: Invalid value: "net.ipv4.ip_forward": may not be specified when 'hostNetwork' is true`,
          'spec.securityContext.sysctls[1].name: Invalid value: "A": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
        ],
      ],
      [
        'own users on the network of the node',
        { hostUsers: false, hostNetwork: true },
        ['spec.hostNetwork: Forbidden: when `hostUsers` is false'],
      ],
      [
        'privileges on Windows',
        { os: { name: 'windows' }, ...secured({ privileged: true }) },
        [`${c0}.securityContext.privileged: Forbidden: cannot be set for a windows pod`],
      ],
      [
        'Windows on Linux',
        { os: { name: 'linux' }, ...secured({ windowsOptions: { runAsUserName: 'A\\b\\c' } }) },
        [
          `${c0}.securityContext.windowsOptions.runAsUserName: Invalid value: "A\\\\b\\\\c": runAsUserName cannot contain more than one backslash`,
          `${c0}.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod`,
        ],
      ],
    ],
  ],
  [
    'scheduling',
    [
      [
        'a toleration of nothing',
        { tolerations: [{ operator: 'Equal' }, { key: 'a', operator: 'Exists', value: 'b' }] },
        [
          'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
          `spec.tolerations[1].operator: Invalid value: "b": value must be empty when \`operator\` is 'Exists'`,
        ],
      ],
      [
        'no terms',
        { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } },
        [
          'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
        ],
      ],
      [
        'a weight too great',
        {
          affinity: {
            podAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 101, podAffinityTerm: { topologyKey: 'zone' } },
              ],
            },
          },
        },
        [
          'spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100',
        ],
      ],
      [
        'spread over nothing',
        { topologySpreadConstraints: [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'Wait' }] },
        [
          'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
          'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
          'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Wait": supported values: "DoNotSchedule", "ScheduleAnyway"',
        ],
      ],
      [
        'gated and placed',
        { schedulingGates: [{ name: 'a' }, { name: 'a' }], nodeName: 'n' },
        [
          'spec.schedulingGates[1]: Duplicate value: "a"',
          'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
        ],
      ],
    ],
  ],
  [
    'names',
    [
      [
        'too many resolvers',
        { dnsConfig: { nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'] } },
        [
          'spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]: must not have more than 3 nameservers',
        ],
      ],
      ['search paths as people use them', { dnsConfig: { searches: ['.', 'a_b.example.'] } }, []],
      [
        'an alias of no address',
        { hostAliases: [{ ip: 'x', hostnames: ['A'] }] },
        [
          'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
          `spec.hostAliases[0].hostnames[0]: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
        ],
      ],
      [
        'one port of the node twice',
        container({
          ports: [
            { containerPort: 1, hostPort: 9 },
            { containerPort: 2, hostPort: 9 },
          ],
        }),
        [`${c0}.ports[1].hostPort: Duplicate value: "TCP//9"`],
      ],
      [
        'a token of nobody',
        { serviceAccountName: '', ...volume({ projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }) },
        [
          'spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set',
        ],
      ],
      [
        'debugging from the start',
        { ephemeralContainers: [{ name: 'e', image: 'x' }] },
        ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
      ],
    ],
  ],
])('%s', (_area, cases) => {
  test.each(cases)('%s', (_what, spec, messages) => expect(refusals(spec)).toEqual(messages));
});

test('annotations say what fields say', () => {
  const seccomp = { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' };
  expect(refusals({ securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }, seccomp)).toEqual([
    'spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match',
  ]);
  expect(refusals({}, { 'controller.kubernetes.io/pod-deletion-cost': '+1' })).toEqual([
    'metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "+1": must be a 32bit integer',
  ]);
});

test('a template waits for the Pod with some rules', () => {
  const spec: PodSpec = { containers: [{ name: 'c', image: ' x', ports: [{ containerPort: 80 }] }], hostNetwork: true };
  const pod: Pod = { metadata: { name: 'p' }, spec };
  defaultPod(pod);
  for (const port of spec.containers[0]!.ports!) delete port.hostPort;
  expect(validatePodTemplate({ spec }, 'template').map(fieldErrorMessage)).toEqual([]);
});

const claimed = { persistentVolumeClaim: { claimName: 'p-e' } };
const ephemeral: Partial<Volume> = {
  ephemeral: {
    volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  },
};
const told = (fieldPath: string) => container({ env: [{ name: 'X', valueFrom: { fieldRef: { fieldPath } } }] });
const measured = (resource: string, divisor: string) =>
  container({ env: [{ name: 'X', valueFrom: { resourceFieldRef: { resource, divisor } } }] });
const filed = (file: object) => container({ env: [{ name: 'X', valueFrom: { fileKeyRef: file as never } }] });
const x0 = `${c0}.env[0].valueFrom`;
const initial = (more: Partial<Container>): Partial<PodSpec> => ({
  initContainers: [{ name: 'i', image: 'x', ...more }],
});
const i0 = 'spec.initContainers[0]';
const rule = { action: 'Restart', exitCodes: { operator: 'In', values: [3] } };
const many = (count: number) => Array.from({ length: count }, () => 3);

describe('what other parts of the spec make of it', () => {
  test.each<Case>([
    [
      'a volume in which something is wrong cannot be mounted',
      { ...mounted({}), volumes: [{ name: 'v', nfs: { server: '', path: '/x' } }] },
      ['spec.volumes[0].nfs.server: Required value', `${c0}.volumeMounts[0].name: Not found: "v"`],
    ],
    [
      'a name that is no name is not one that is taken',
      { volumes: [{ name: 'V' }, { name: 'V' }] },
      [0, 1].map(
        (i) =>
          `spec.volumes[${i}].name: Invalid value: "V": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
      ),
    ],
    [
      'a claim that the Pod itself makes',
      {
        volumes: [
          { name: 'e', ...ephemeral },
          { name: 'v', ...claimed },
        ],
      },
      [
        'spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: "p-e": must not reference a PVC that gets created for an ephemeral volume',
      ],
    ],
    [
      'claims of no name',
      { resourceClaims: [{ name: 'a', resourceClaimName: 'A_' }] },
      [
        "spec.resourceClaims[0].resourceClaimName: Invalid value: \"A_\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ],
    ],
    [
      'a field of a field',
      told("spec.nodeName['x']"),
      [
        `${x0}.fieldRef.fieldPath: Invalid value: "spec.nodeName['x']": error converting fieldPath: field label does not support subscript: spec.nodeName['x']`,
      ],
    ],
    [
      'the first bracket counts',
      told("metadata.labels['a['b']"),
      [expect.stringContaining(`${x0}.fieldRef: Invalid`) as never],
    ],
    [
      'a field that Pods cannot be told',
      told('status.nominatedNodeName'),
      [
        `${x0}.fieldRef.fieldPath: Invalid value: "status.nominatedNodeName": error converting fieldPath: field label not supported: status.nominatedNodeName`,
      ],
    ],
    ['a divisor in another form', measured('limits.cpu', '1000m'), []],
    [
      'kibibytes in bytes',
      measured('requests.memory', '1024'),
      [
        `${x0}.resourceFieldRef.divisor: Invalid value: "requests.memory": only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the memory resource`,
      ],
    ],
    [
      'a variable in a file of no volume',
      filed({ key: 'K', path: '/a/../b', volumeName: 'v' }),
      [
        `${x0}.fileKeyRef.path: Invalid value: "/a/../b": must not contain '..'`,
        `${x0}.fileKeyRef.volumeName: Not found: "v"`,
      ],
    ],
    [
      'too many rules and codes',
      container({
        restartPolicy: 'Never',
        restartPolicyRules: [
          ...many(20).map(() => rule),
          { ...rule, exitCodes: { operator: 'In', values: many(256) } },
        ],
      }),
      [
        `${c0}.restartPolicyRules: Too many: 21: must have at most 20 items`,
        `${c0}.restartPolicyRules[20].exitCodes.values: Too many: 256: must have at most 255 items`,
      ],
    ],
    [
      'rules of an init container without a policy',
      initial({ restartPolicyRules: [{ action: 'Stop' } as never] }),
      [`${i0}.restartPolicy: Required value: must specify restartPolicy when restart rules are used`],
    ],
    [
      'an init container that would begin again for more',
      initial({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }),
      [
        `${i0}.resizePolicy[0].restartPolicy: Invalid value: "RestartContainer": must not be set to 'RestartContainer' for non-sidecar initContainers`,
      ],
    ],
    [
      'a policy of resizing for what never restarts',
      {
        ...container({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }),
        restartPolicy: 'Never',
      },
      [
        `${c0}.resizePolicy: Invalid value: "RestartContainer": must be 'NotRequired' when pod \`restartPolicy\` is 'Never'`,
      ],
    ],
    [
      'less for the Pod than for its containers, of what it names',
      {
        ...container({
          resources: { requests: { cpu: '2', 'example.com/a': '1' }, limits: { memory: '2Gi', 'example.com/a': '1' } },
        }),
        resources: { limits: { memory: '1Gi' }, requests: { cpu: '1' } },
      },
      [
        'spec.resources.requests: Invalid value: "2Gi": must be less than or equal to memory limit of 1Gi',
        'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2',
        'spec.resources.containers[0][memory].limits: Invalid value: "2Gi": must be less than or equal to pod limits of 1Gi',
      ],
    ],
    [
      'resources of a Pod on Windows',
      { os: { name: 'windows' }, resources: { limits: { cpu: '1' } } },
      ['spec.resources: Forbidden: may not be set for a windows pod'],
    ],
    [
      'claims of a Pod as a whole',
      { resources: { claims: [] } },
      ['spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level'],
    ],
    ['a system of no name', { os: { name: '' } }, ['spec.os.name: Required value']],
    [
      'users of its own and a device',
      {
        ...container({ volumeDevices: [{ name: 'v', devicePath: '/dev/x' }] }),
        ...volume({ persistentVolumeClaim: { claimName: 'c' } }),
        hostUsers: false,
      },
      [`${c0}.volumeDevices: Forbidden: when \`hostUsers\` is false`],
    ],
    [
      'a name of its own beside others',
      { hostnameOverride: 'a'.repeat(65), setHostnameAsFQDN: true, hostNetwork: true },
      [
        'spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true',
        'spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true',
        'spec.hostnameOverride: Too long: may not be more than 64 bytes',
      ],
    ],
    [
      'a toleration by number',
      { tolerations: [{ key: 'a', operator: 'Gt', value: '1' }] },
      ['spec.tolerations[0].operator: Unsupported value: "Gt": supported values: "Equal", "Exists", "Lt", "Gt"'],
    ],
    [
      'a spread without its fields',
      { topologySpreadConstraints: [{ labelSelector: {} } as never] },
      [
        'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
        'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
        'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "": supported values: "DoNotSchedule", "ScheduleAnyway"',
      ],
    ],
    [
      'empty texts where a name can be absent',
      { runtimeClassName: '', preemptionPolicy: '' },
      [
        expect.stringContaining('spec.runtimeClassName: Invalid value: ""') as never,
        'spec.preemptionPolicy: Required value',
      ],
    ],
    [
      'sharing on Windows, in its place',
      { os: { name: 'windows' }, shareProcessNamespace: true, securityContext: { runAsUser: 1, fsGroup: 1 } },
      ['securityContext.fsGroup', 'shareProcessNamespace', 'securityContext.runAsUser'].map(
        (field) => `spec.${field}: Forbidden: cannot be set for a windows pod`,
      ),
    ],
  ])('%s', (_what, spec, messages) => expect(refusals(spec)).toEqual(messages));

  test.each([
    ['controller.kubernetes.io/pod-deletion-cost', '-05', []],
    [
      'scheduler.alpha.kubernetes.io/tolerations',
      '[{"operator":"Exists","value":"v"}]',
      [
        `metadata.annotations.scheduler.alpha.kubernetes.io/tolerations[0].operator: Invalid value: "v": value must be empty when \`operator\` is 'Exists'`,
      ],
    ],
  ])('the annotation %s', (key, value, messages) => expect(refusals({}, { [key]: value })).toEqual(messages));

  test('a static Pod has no claims', () => {
    const spec = { nodeName: 'n', resourceClaims: [{ name: 'a', resourceClaimName: 'a' }] };
    expect(refusals(spec, { 'kubernetes.io/config.mirror': 'x' })).toEqual([
      ': Forbidden: static pods do not support resource claims',
    ]);
  });
});

test('all signals of Linux are named to who asks for another', () => {
  const [refusal = '', ...more] = refusals({ ...stopped('SIGFOO'), os: { name: 'linux' } });
  expect(refusal).toMatch(
    /^spec.containers\[0\].lifecycle.stopSignal: Unsupported value: "SIGFOO": supported values: "SIGABRT", /,
  );
  expect(refusal.match(/"SIG/g)).toHaveLength(1 + 65);
  expect(more).toEqual([]);
});

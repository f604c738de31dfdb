import { expect, test } from 'vitest';
import { builtinResources } from '../../../registry.ts';
import type { Container, PodSpec, VolumeProjection } from '../types.generated.ts';
import { hostnameWarnings, podWarnings } from './warnings.ts';

const specOf = (spec: Partial<PodSpec>): PodSpec => ({ containers: [], ...spec });
const items = (...paths: string[]) => ({ items: paths.map((path) => ({ key: 'k', path })) });
const projected = (...sources: VolumeProjection[]) => specOf({ volumes: [{ name: 'v', projected: { sources } }] });
const token = (path: string): VolumeProjection => ({ serviceAccountToken: { path } });
const port = (name: string, more: Partial<Container> = {}): Container => ({
  name: 'c',
  image: 'x',
  ports: [{ containerPort: name.length, protocol: 'TCP', name }],
  ...more,
});
const overlap = 'volume "v" (Projected): overlapping paths:';

test.each<[string, PodSpec, string[]]>([
  [
    'a file in a file',
    specOf({ volumes: [{ name: 'v', configMap: { name: 'c', ...items('a', 'a/b/') } }] }),
    ['volume "v" (ConfigMap "c"): overlapping paths: "a/b" with "a"'],
  ],
  ['a longer name', specOf({ volumes: [{ name: 'v', secret: { secretName: 's', ...items('a', 'ab') } }] }), []],
  [
    'one file of each source',
    projected({ secret: { name: 's', ...items('a/b') } }, { downwardAPI: items('a') }, token('a')),
    [
      `${overlap} "a" (DownwardAPI) with "a/b" (Secret "s")`,
      `${overlap} "a" (ServiceAccountToken) with "a/b" (Secret "s")`,
      `${overlap} "a" (ServiceAccountToken) with "a" (DownwardAPI)`,
    ],
  ],
  ['nothing projected', projected({}), ['volume "v" (Projected) has no sources provided']],
  [
    'a name for two ports',
    specOf({
      initContainers: [port('web', { restartPolicy: 'Always' }), port('db')],
      containers: [port('web'), port('db')],
    }),
    [
      'spec.containers[0].ports[0]: duplicate port definition with spec.initContainers[0].ports[0]',
      'spec.containers[1].ports[0]: duplicate port definition with spec.initContainers[1].ports[0]',
      'spec.containers[0].ports[0]: duplicate port name "web" with spec.initContainers[0].ports[0], services and probes that select ports by name will use spec.initContainers[0].ports[0]',
    ],
  ],
  [
    'a port of the node on one address and on all',
    specOf({
      containers: [
        {
          name: 'c',
          image: 'x',
          ports: [
            { containerPort: 80, hostPort: 80, protocol: 'TCP' },
            { containerPort: 80, hostPort: 80, protocol: 'TCP', hostIP: '10.0.0.1' },
          ],
        },
      ],
    }),
    ['spec.containers[0].ports[1]: dangerously ambiguous port definition with spec.containers[0].ports[0]'],
  ],
  [
    'a term about no Pod',
    specOf({
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'z' }] } },
    }),
    [
      'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod',
    ],
  ],
  [
    'addresses as they were once written',
    specOf({ dnsConfig: { nameservers: ['1.2.3.4', '05.06.07.08'] }, hostAliases: [{ ip: '::ffff:1.2.3.4' }] }),
    [
      'spec.dnsConfig.nameservers[1]: non-standard IP address "05.06.07.08" is invalid: use "5.6.7.8"',
      'spec.hostAliases[0].ip: non-standard IP address "::ffff:1.2.3.4" is invalid: use "1.2.3.4"',
    ],
  ],
  [
    'half a byte, and what is off',
    specOf({
      volumes: [
        { name: 'g', gitRepo: { repository: 'r' } },
        {
          name: 'e',
          ephemeral: {
            volumeClaimTemplate: {
              spec: { resources: { requests: { storage: '200m' }, limits: { storage: '300m' } } },
            },
          },
        },
      ],
    }),
    [
      'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
      'spec.volumes[1].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: fractional byte value "200m" is invalid, must be an integer',
      'spec.volumes[1].ephemeral.volumeClaimTemplate.spec.resources.limits[storage]: fractional byte value "300m" is invalid, must be an integer',
    ],
  ],
])('%s', (_what, spec, warnings) => expect(podWarnings(spec, {}, '')).toEqual(warnings));

test('a preference for what no label can be', () => {
  const preference = { matchExpressions: [{ key: 'a', operator: 'In', values: ['-1'] }] };
  const wished = [{ weight: 1, preference }];
  const spec = specOf({ affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: wished } } });
  expect(podWarnings(spec, {}, '')).toEqual([
    expect.stringMatching(/preference\.matchExpressions\[0\]\.values\[0\]: -1 is invalid, a valid label must be/),
  ]);
});

test('a name with dots, when the Pod is made', () => {
  expect(hostnameWarnings('web-0')).toEqual([]);
  const { strategy } = builtinResources().find(({ resource }) => resource === 'pods')!;
  const pod = { metadata: { name: 'web.0', namespace: 'demo' }, spec: specOf({}) };
  expect(strategy.warnings!(pod)).toEqual([
    expect.stringContaining(
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [",
    ),
  ]);
  expect(strategy.warnings!(pod, pod)).toEqual([]);
});

test('many files of a volume are compared in no time', () => {
  const paths = Array.from({ length: 40_000 }, (_, i) => `p${i}`);
  const start = performance.now();
  expect(
    podWarnings(specOf({ volumes: [{ name: 'v', configMap: { name: 'c', ...items(...paths) } }] }), {}, ''),
  ).toEqual([]);
  expect(performance.now() - start).toBeLessThan(2000);
});

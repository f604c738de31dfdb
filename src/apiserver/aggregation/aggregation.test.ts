import { describe, expect, test } from 'vitest';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import { apiService } from '../../api/apiregistration/v1/apiservice/index.ts';
import type { APIService } from '../../api/apiregistration/v1/types.generated.ts';
import type { Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { builtinResources } from '../../api/registry.ts';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { builtinServices, customServices, planServices } from './local-services.ts';
import { mergeAggregated, mergeGroups, mergeSwagger, parsedList, versionDiscovery } from './merge.ts';
import { identityHeaders } from './remote-api.ts';
import { dialTarget, knownTrouble } from './service-target.ts';

function remote(group: string, version: string, [groupPriorityMinimum, versionPriority] = [1000, 10]): APIService {
  const service = { namespace: 'ns', name: 'svc', port: 443 };
  const spec = { group, version, groupPriorityMinimum: groupPriorityMinimum!, versionPriority: versionPriority! };
  return { metadata: { name: `${version}.${group}` }, spec: { ...spec, service } };
}

describe('APIServices of what is served here', () => {
  test('every built-in group has one, but the aggregation itself', () => {
    const services = builtinServices(builtinResources());
    const groups = new Set(builtinResources().map(({ group, version }) => `${version}.${group}`));
    groups.delete('v1.apiregistration.k8s.io');
    expect(new Set(services.map(({ metadata }) => metadata.name))).toEqual(groups);
    expect(services.find(({ metadata }) => metadata.name === 'v1.apps')?.spec).toEqual({
      group: 'apps',
      version: 'v1',
      groupPriorityMinimum: 17_800,
      versionPriority: 15,
    });
  });

  test('each served version of an established custom resource has one, and only as long as it is there', () => {
    const established = { conditions: [{ type: 'Established', status: 'True' }] };
    const crd = (status: object) =>
      ({
        metadata: { name: 'a' },
        spec: {
          group: 'x.io',
          versions: [
            { name: 'v1', served: true },
            { name: 'v0', served: false },
          ],
        },
        status,
      }) as unknown as CustomResourceDefinition;
    expect(customServices([crd({})])).toEqual([]);
    const wanted = customServices([crd(established)]);
    expect(wanted.map(({ metadata, spec }) => [metadata.name, spec.groupPriorityMinimum])).toEqual([['v1.x.io', 1000]]);
    expect(planServices(wanted, [])).toEqual({ create: wanted, remove: [] });
    expect(planServices([], [...wanted, remote('y.io', 'v1')])).toEqual({ create: [], remove: ['v1.x.io'] });
  });
});

describe('whether a Service can answer', () => {
  const service = { metadata: { name: 'svc' }, spec: { ports: [{ name: 'https', port: 443 }] } } as Service;
  const slice = (ready: boolean, name = 'https') =>
    ({
      ports: [{ name, port: 8443 }],
      endpoints: [{ addresses: ['10.1.1.1'], nodeName: 'n1', conditions: { ready } }],
    }) as EndpointSlice;
  const api = remote('x.io', 'v1');

  test.each([
    [undefined, [], 'ServiceNotFound', 'service/svc in "ns" is not present'],
    [
      { ...service, spec: { ports: [{ port: 80 }] } },
      [],
      'ServicePortError',
      'service/svc in "ns" is not listening on port 443',
    ],
    [service, [], 'EndpointsNotFound', 'cannot find endpointslices for service/svc in "ns"'],
    [
      service,
      [slice(false)],
      'MissingEndpoints',
      'endpointslices for service/svc in "ns" have no addresses with port name "https"',
    ],
    [
      service,
      [slice(true, 'other')],
      'MissingEndpoints',
      'endpointslices for service/svc in "ns" have no addresses with port name "https"',
    ],
  ] as const)('%#', (given, slices, reason, message) => {
    expect(knownTrouble(api, given as Service | undefined, [...slices])).toEqual({ status: 'False', reason, message });
  });

  test('a ready endpoint is dialled at its own port, an external name at the one that is asked for', () => {
    const random = new FakeRandom();
    const slices = [slice(false), slice(true)];
    expect(knownTrouble(api, service, slices)).toBeUndefined();
    expect(dialTarget({ port: 443 }, service, { slices, random })).toEqual({
      host: '10.1.1.1',
      port: 8443,
      nodeName: 'n1',
    });
    expect(dialTarget({ port: 443 }, service, { slices: [slice(false)], random })).toBeUndefined();
    const external = {
      metadata: { name: 'svc' },
      spec: { type: 'ExternalName', externalName: 'example.com' },
    } as Service;
    expect(dialTarget({ port: 9443 }, external, { slices: [], random })).toEqual({ host: 'example.com', port: 9443 });
  });
});

describe('discovery with remote APIs', () => {
  const own = ['apiregistration.k8s.io', 'apps', 'custom.io', 'late.io'].map((name) => {
    const version = { groupVersion: `${name}/v1`, version: 'v1' };
    return { name, versions: [version], preferredVersion: version };
  });
  const services = [
    remote('apps', 'v1', [17_800, 15]),
    remote('custom.io', 'v1', [1000, 100]),
    remote('metrics.io', 'v1beta1', [2000, 10]),
    remote('metrics.io', 'v1', [100, 50]),
  ];

  test('groups come by their priority, versions by theirs; those that nobody has ranked yet come last', () => {
    const groups = mergeGroups(own, services);
    expect(groups.map(({ name }) => name)).toEqual([
      'apiregistration.k8s.io',
      'apps',
      'metrics.io',
      'custom.io',
      'late.io',
    ]);
    expect(groups[2]).toEqual({
      name: 'metrics.io',
      versions: [
        { groupVersion: 'metrics.io/v1', version: 'v1' },
        { groupVersion: 'metrics.io/v1beta1', version: 'v1beta1' },
      ],
      preferredVersion: { groupVersion: 'metrics.io/v1', version: 'v1' },
    });
  });

  test('the aggregated form is made of the resource list; one that has not come yet is stale', () => {
    const list = {
      resources: [
        { name: 'pods', singularName: 'pod', namespaced: true, kind: 'PodMetrics', verbs: ['get'], shortNames: ['pm'] },
        { name: 'pods/scale', namespaced: true, kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get'] },
      ],
    };
    const remotes = new Map([
      ['metrics.io/v1beta1', versionDiscovery('metrics.io', 'v1beta1', undefined)],
      ['metrics.io/v1', versionDiscovery('metrics.io', 'v1', list)],
    ]);
    const merged = mergeAggregated([{ metadata: { name: 'apps' }, versions: [{ version: 'v1' }] }], services, remotes);
    expect(merged).toEqual([
      { metadata: { name: 'apps' }, versions: [{ version: 'v1' }] },
      {
        metadata: { name: 'metrics.io' },
        versions: [
          {
            version: 'v1',
            freshness: 'Current',
            resources: [
              {
                resource: 'pods',
                responseKind: { group: 'metrics.io', version: 'v1', kind: 'PodMetrics' },
                scope: 'Namespaced',
                singularResource: 'pod',
                verbs: ['get'],
                shortNames: ['pm'],
                subresources: [
                  {
                    subresource: 'scale',
                    responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
                    verbs: ['get'],
                  },
                ],
              },
            ],
          },
          { version: 'v1beta1', freshness: 'Stale' },
        ],
      },
    ]);
  });

  test.each([
    '{"resources":{}}',
    '{"resources":[5]}',
    '{"resources":[{"name":5}]}',
    '{"resources":[{"name":"pods","shortNames":"po"}]}',
    'null',
    '<html>',
  ])('%s is no resource list, and nobody but its group is the worse for it', (text) => {
    expect(versionDiscovery('x.io', 'v1', parsedList(text))).toEqual({ version: 'v1', freshness: 'Stale' });
  });

  test('what a resource list leaves out, or says is null, is empty', () => {
    expect(versionDiscovery('x.io', 'v1', parsedList('{"resources":null}'))).toMatchObject({ resources: [] });
    const list = parsedList('{"kind":"APIResourceList","resources":[{"name":"a","kind":"A","verbs":null}]}');
    expect(versionDiscovery('x.io', 'v1', list)).toMatchObject({ resources: [{ resource: 'a', scope: 'Cluster' }] });
  });

  test('of a remote OpenAPI document its own paths are taken, and no definition that is here already', () => {
    const theirs = { paths: { '/apis/x.io/v1/a': {}, '/apis/y.io/v1/b': {} }, definitions: { A: 1, Shared: 'theirs' } };
    expect(mergeSwagger({ paths: { '/api': {} }, definitions: { Shared: 'ours' } }, theirs, 'x.io/v1')).toEqual({
      paths: { '/api': {}, '/apis/x.io/v1/a': {} },
      definitions: { A: 1, Shared: 'ours' },
    });
  });
});

test('who asks is told in headers, whatever the names hold', () => {
  const extra = { 'example.com/Rôle': ['a', 'b'] };
  expect(identityHeaders({ name: 'jane', uid: '7', groups: ['dev', 'ops'], extra })).toEqual({
    'x-remote-user': 'jane',
    'x-remote-uid': '7',
    'x-remote-group': ['dev', 'ops'],
    'x-remote-extra-example.com%2FR%C3%B4le': ['a', 'b'],
  });
});

test('an APIService that cannot be is refused in upstream words', () => {
  const bad: APIService = {
    metadata: { name: 'v2.x' },
    spec: {
      version: 'v2',
      groupPriorityMinimum: 0,
      versionPriority: 1001,
      caBundle: 'AAAA',
      insecureSkipTLSVerify: true,
    },
  };
  expect(apiService.strategy?.validate?.(bad).map(fieldErrorMessage)).toEqual([
    'metadata.name: Invalid value: "v2.x": must be `spec.version+"."+spec.group`: "v2."',
    'spec.group: Required value: only v1 may have an empty group and it better be legacy kube',
    'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
    'spec.versionPriority: Invalid value: 1001: must be positive and less than 1000',
    'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
    'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify',
  ]);
  const insecure = {
    ...remote('x.io', 'v1'),
    spec: { ...remote('x.io', 'v1').spec, caBundle: 'AAAA', insecureSkipTLSVerify: true },
  };
  expect(apiService.strategy?.validate?.(insecure).map(fieldErrorMessage)).toEqual([
    'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present',
  ]);
});

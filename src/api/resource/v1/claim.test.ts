import { expect, test } from 'vitest';
import { type Body, judgeOf, prepared } from '../../../testing/refusals.ts';
import { builtinResources } from '../../registry.ts';
import type { ResourceClaim } from './types.generated.ts';

const exactly = { deviceClassName: 'gpu.example.com' };
const request = { name: 'gpu', exactly };
const claim = (devices: Body): Body => ({ spec: { devices } });
const at = 'spec.devices';
const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const noRequest =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

test.each<[string, Body, string[]]>([
  ['a choice', { requests: [{ name: 'gpu', firstAvailable: [{ name: 'a', ...exactly }] }] }, []],
  ['no name', { requests: [{ name: '', exactly }] }, [`${at}.requests[0].name: Invalid value: "": ${label}`]],
  ['a name twice', { requests: [request, request] }, [`${at}.requests[1]: Duplicate value: "gpu"`]],
  [
    'too many requests, of which none is looked at',
    { requests: Array.from({ length: 33 }, () => ({ name: '' })) },
    [`${at}.requests: Too many: 33: must have at most 32 items`],
  ],
  [
    'both ways to ask',
    { requests: [{ ...request, firstAvailable: [{ name: 'a', ...exactly }] }] },
    [
      `${at}.requests[0]: Invalid value: null: exactly one of \`exactly\` or \`firstAvailable\` is required, but multiple fields are set`,
    ],
  ],
  [
    'no class, and a count that is none',
    { requests: [{ name: 'gpu', exactly: { count: -1, selectors: [{}] } }] },
    [
      `${at}.requests[0].exactly.deviceClassName: Required value`,
      `${at}.requests[0].exactly.selectors[0].cel: Required value`,
      `${at}.requests[0].exactly.count: Invalid value: -1: must be greater than zero`,
    ],
  ],
  [
    'tolerations',
    {
      requests: [
        {
          name: 'gpu',
          exactly: {
            ...exactly,
            tolerations: [
              { operator: 'Equal', value: 'a' },
              { operator: 'Exists', value: 'a' },
              { operator: 'Like', effect: 'Some' },
            ],
          },
        },
      ],
    },
    [
      `${at}.requests[0].exactly.tolerations[1].value: Invalid value: "a": must be empty for operator \`Exists\``,
      `${at}.requests[0].exactly.tolerations[2].operator: Unsupported value: "Like": supported values: "Equal", "Exists"`,
      `${at}.requests[0].exactly.tolerations[2].effect: Unsupported value: "Some": supported values: "NoExecute", "NoSchedule", "None"`,
    ],
  ],
  [
    'constraints of nothing',
    { requests: [request], constraints: [{ requests: ['gpu', 'gpu/a', 'a/b/c', 'gpu'] }] },
    [
      `${at}.constraints[0].requests[1]: Invalid value: "gpu/a": ${noRequest}`,
      `${at}.constraints[0].requests[2]: Invalid value: "a/b/c": ${noRequest}`,
      `${at}.constraints[0].requests[3]: Duplicate value: "gpu"`,
      `${at}.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set`,
    ],
  ],
  [
    'half a name of an attribute',
    { requests: [request], constraints: [{ matchAttribute: '/model' }, { distinctAttribute: 'example.com/' }] },
    [
      `${at}.constraints[0].matchAttribute: Invalid value: "": the domain must not be empty`,
      `${at}.constraints[1].distinctAttribute: Invalid value: "": the name must not be empty`,
    ],
  ],
  [
    'parameters that are no object',
    { requests: [request], config: [{ opaque: { driver: 'd.example.com', parameters: [1] } }, {}] },
    [
      `${at}.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object`,
      `${at}.config[1].opaque: Required value`,
    ],
  ],
  [
    'parameters of more than 10 KiB',
    { config: [{ opaque: { driver: 'd.example.com', parameters: { a: 'x'.repeat(10_240) } } }] },
    [`${at}.config[0].opaque.parameters: Too long: may not be more than 10240 bytes`],
  ],
])('%s', (_, devices, messages) => expect(judgeOf('resourceclaims').create(claim(devices))).toEqual(messages));

test('what is not said of a request', () => {
  const tolerations = [{ key: 'a' }];
  const { spec } = prepared(
    'resourceclaims',
    claim({ requests: [{ name: 'gpu', exactly: { ...exactly, tolerations } }] }),
  );
  expect(spec).toEqual(
    claim({
      requests: [
        {
          name: 'gpu',
          exactly: {
            ...exactly,
            allocationMode: 'ExactCount',
            count: 1,
            tolerations: [{ key: 'a', operator: 'Equal' }],
          },
        },
      ],
    }).spec,
  );
});

test.each<[string, string[]]>([
  ['example.com/gpu', []],
  ['gpu', ['spec.extendedResourceName: Invalid value: "gpu": must be a valid extended resource name']],
  [
    'requests.example.com/gpu',
    ['spec.extendedResourceName: Invalid value: "requests.example.com/gpu": must be a valid extended resource name'],
  ],
])('a class of the resource %s', (extendedResourceName, messages) => {
  expect(judgeOf('deviceclasses').create({ spec: { extendedResourceName } })).toEqual(messages);
});

const result = { request: 'gpu', driver: 'd.example.com', pool: 'p', device: 'gpu-0' };
const allocation = (more: Body): Body => ({ allocation: { devices: { results: [{ ...result, ...more }] } } });
const body = claim({ requests: [request] });
const results = 'status.allocation.devices.results[0]';
const consumer = { resource: 'pods', name: 'a', uid: '1' };
const device = { driver: 'd.example.com', pool: 'p', device: 'gpu-0' };

test.each<[string, Body, Body, string[]]>([
  ['allocated', {}, allocation({}), []],
  [
    'a device of no request, and of no pool',
    {},
    allocation({ request: 'cpu', pool: '', device: 'A' }),
    [
      `${results}.request: Invalid value: "cpu": ${noRequest}`,
      `${results}.pool: Required value`,
      `${results}.device: Invalid value: "A": ${label}`,
    ],
  ],
  [
    'conditions that overlap',
    {},
    allocation({ bindingConditions: ['a', 'a'], bindingFailureConditions: ['a'] }),
    [
      `${results}.bindingConditions[1]: Duplicate value: "a"`,
      `${results}.bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions must not overlap with bindingConditions`,
    ],
  ],
  [
    'conditions of one sort',
    {},
    allocation({ bindingConditions: ['a'] }),
    [
      `${results}.bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions`,
    ],
  ],
  [
    'a share of no proper name',
    {},
    allocation({ shareID: 'A0000000-0000-0000-0000-000000000000' }),
    [
      `${results}.shareID: Invalid value: "A0000000-0000-0000-0000-000000000000": uid must be in RFC 4122 normalized form, \`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\` with lowercase hexadecimal characters`,
    ],
  ],
  [
    'a configuration of nobody',
    {},
    {
      allocation: { devices: { config: [{ source: 'FromPod', opaque: { driver: 'd.example.com', parameters: {} } }] } },
    },
    [
      'status.allocation.devices.config[0].source: Unsupported value: "FromPod": supported values: "FromClaim", "FromClass"',
    ],
  ],
  [
    'reserved before it is allocated',
    {},
    { reservedFor: [consumer, { ...consumer, name: '' }] },
    [
      'status.reservedFor[1].name: Required value',
      'status.reservedFor[1]: Duplicate value: "1"',
      'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
    ],
  ],
  [
    'devices that are told of',
    allocation({}),
    {
      ...allocation({}),
      devices: [
        { ...device, data: { a: 1 }, networkData: { ips: ['10.9.8.7/24', '10.9.8.7', '2001:DB8::1/64'] } },
        { ...device, device: 'gpu-1' },
        { ...device, networkData: { interfaceName: 'x'.repeat(257) } },
      ],
    },
    [
      'status.devices[0].networkData.ips[1]: Invalid value: "10.9.8.7": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
      'status.devices[0].networkData.ips[2]: Invalid value: "2001:DB8::1/64": must be in canonical form ("2001:db8::1/64")',
      'status.devices[1]: Invalid value: "d.example.com/p/gpu-1": must be an allocated device in the claim',
      'status.devices[2].networkData.interfaceName: Too long: may not be more than 256 bytes',
      'status.devices[2]: Duplicate value: "d.example.com/p/gpu-0"',
    ],
  ],
])('status: %s', (_, before, after, messages) => {
  expect(judgeOf('resourceclaims').updateStatus(body, before, after)).toEqual(messages);
});

test('a claim that goes is reserved by nobody else', () => {
  const going = { ...body, metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } };
  const judge = judgeOf('resourceclaims');
  const before = { ...allocation({}), reservedFor: [consumer] };
  expect(judge.updateStatus(going, before, before)).toEqual([]);
  expect(judge.updateStatus(going, before, { ...before, reservedFor: [consumer, { ...consumer, uid: '2' }] })).toEqual([
    'status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
  ]);
});

test('what is told of devices goes with their allocation', () => {
  const { strategy } = builtinResources().find(({ resource }) => resource === 'resourceclaims')!;
  const claimWith = (status: Body) => ({ metadata: { name: 'x' }, ...body, status }) as unknown as ResourceClaim;
  const old = claimWith({ ...allocation({}), devices: [device] });
  const released = claimWith({ devices: [device] });
  strategy.prepareForStatusUpdate!(released, old);
  expect(released.status).toEqual({});
  const kept = claimWith({ ...allocation({}), devices: [device] });
  strategy.prepareForStatusUpdate!(kept, old);
  expect(kept.status).toEqual(old.status);
});

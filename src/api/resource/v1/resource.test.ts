import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';

const request = { name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } };
const claim = (devices: Body) => ({ spec: { devices } });
const slice = (more: Body) => ({
  spec: {
    driver: 'gpu.example.com',
    pool: { name: 'n', generation: 1, resourceSliceCount: 1 },
    nodeName: 'n',
    ...more,
  },
});

test.each<[string, Body, string[]]>([
  ['resourceclaims', claim({ requests: [request] }), []],
  [
    'resourceclaims',
    claim({ requests: [{ name: 'gpu' }] }),
    ['spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'],
  ],
  [
    'resourceclaims',
    claim({ requests: [{ ...request, exactly: { ...request.exactly, allocationMode: 'All', count: 2 } }] }),
    ["spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'"],
  ],
  [
    'resourceclaims',
    claim({ requests: [request], constraints: [{ requests: ['cpu'], matchAttribute: 'model' }] }),
    [
      `spec.devices.constraints[0].requests[0]: Invalid value: "cpu": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'`,
      'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
    ],
  ],
  ['deviceclasses', { spec: { selectors: [{}] } }, ['spec.selectors[0].cel: Required value']],
  ['resourceslices', slice({ devices: [{ name: 'a', attributes: { model: { string: 'x' } } }] }), []],
  [
    'resourceslices',
    slice({ allNodes: true, devices: [{ name: 'a' }, { name: 'a' }] }),
    [
      'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
      'spec.devices[1]: Duplicate value: "a"',
    ],
  ],
])('%s', (resource, body, messages) => expect(judgeOf(resource).create(body)).toEqual(messages));

test('a claim stays what it is', () => {
  const [message] = judgeOf('resourceclaims').update(claim({ requests: [request] }), claim({ requests: [] }));
  expect(message).toMatch(/^spec: Invalid value: .*: field is immutable$/);
});

import { expect, test } from 'vitest';
import { type Body, judgeOf, prepared } from '../../../testing/refusals.ts';

const service = { namespace: 'demo', name: 's' };
const body = (spec: Body): Body => ({
  metadata: { name: 'v1.example.com' },
  spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10, ...spec },
});

test.each<[Body, string[]]>([
  [{}, []],
  [{ service }, []],
  [
    { version: 'v2', groupPriorityMinimum: 20_001, versionPriority: 0 },
    [
      'metadata.name: Invalid value: "v1.example.com": must be `spec.version+"."+spec.group`: "v2.example.com"',
      'spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000',
      'spec.versionPriority: Invalid value: 0: must be positive and less than 1000',
    ],
  ],
  [
    { caBundle: 'eHh4', insecureSkipTLSVerify: true },
    [
      'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
      'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify',
    ],
  ],
  [
    { service: { port: 0 }, caBundle: 'eHh4', insecureSkipTLSVerify: true },
    [
      'spec.service.namespace: Required value',
      'spec.service.name: Required value',
      'spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive',
      'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present',
    ],
  ],
])('%j', (spec, messages) => expect(judgeOf('apiservices').create(body(spec))).toEqual(messages));

test('what this server serves itself is available at once', () => {
  expect(prepared('apiservices', body({})).status).toMatchObject({
    conditions: [{ type: 'Available', reason: 'Local' }],
  });
  expect(prepared('apiservices', body({ service })).status).toEqual({});
});

import { expect, test } from 'vitest';
import { endpoint, service, slice } from '../fixtures/objects.ts';
import { WrittenRules } from '../written.ts';
import { type RulesPage, rulesResponse } from './rules-page.ts';

const versioned = <T extends { readonly metadata: object }>(object: T, resourceVersion: string): T => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion },
});

function pageOf(written: WrittenRules): RulesPage {
  return {
    mode: 'nftables',
    node: 'node-a',
    lastSync: written.lastSync,
    lastFullSync: written.lastFullSync,
    services: written.entries(),
    rulesOf: (name) => [{ family: 'IPv4', port: `${name}:http/tcp`, rules: ['add element …'] }],
  };
}

function written(): WrittenRules {
  const rules = new WrittenRules();
  const web = versioned(service({ name: 'web' }), '7');
  rules.plan('demo/web', { service: web, slices: [versioned(slice('web', [endpoint('10.244.1.1', 'node-a')]), '8')] });
  rules.plan('demo/other', { service: versioned(service({ name: 'other' }), '9'), slices: [] });
  rules.succeeded(1000, { full: true });
  return rules;
}

test('each rule with the objects it was made of, and when', () => {
  const { body } = rulesResponse(pageOf(written()), new URLSearchParams('name=web'), undefined);
  expect(
    body,
  ).toBe(`# node node-a, mode nftables, last sync 1970-01-01T00:00:01.000Z, last full sync 1970-01-01T00:00:01.000Z

# Service demo/web, resourceVersion 7
# EndpointSlice demo/web-abc, resourceVersion 8
# written 1970-01-01T00:00:01.000Z
# demo/web:http/tcp IPv4
add element …
`);
});

test('a Service that is not there is told as that', () => {
  const { body } = rulesResponse(pageOf(written()), new URLSearchParams('namespace=demo&name=wbe'), undefined);
  expect(body).toMatch(/^# node node-a, .*\n\n# there is no such Service with an address of its own\n$/);
});

test('as JSON, for all Services or some', () => {
  const { body, headers } = rulesResponse(pageOf(written()), new URLSearchParams(), 'application/json');
  expect(headers).toEqual({ 'Content-Type': 'application/json' });
  const page = JSON.parse(body);
  expect(page.services.map((entry: { service: string }) => entry.service)).toEqual(['demo/other', 'demo/web']);
  expect(page.services[0].objects).toEqual([
    { kind: 'Service', namespace: 'demo', name: 'other', resourceVersion: '9' },
  ]);
  const none = rulesResponse(pageOf(written()), new URLSearchParams('format=json&namespace=no'), undefined);
  expect(JSON.parse(none.body).services).toEqual([]);
});

test('what is planned shows when it is in the kernel; slices are new once', () => {
  const rules = written();
  const moved = versioned(slice('web', []), '10');
  rules.plan('demo/web', { service: versioned(service({ name: 'web' }), '7'), slices: [moved] });
  expect([...rules.entries()][1]![1].sources.slices[0]!.metadata.resourceVersion).toBe('8');
  expect(rules.succeeded(2000, { full: false })).toEqual([moved]);
  expect([...rules.entries()][1]![1]).toMatchObject({ time: 2000 });
  expect([...rules.entries()][0]![1]).toMatchObject({ time: 1000 });
  rules.plan('demo/web', undefined);
  rules.succeeded(3000, { full: false });
  expect([...rules.entries()].map(([name]) => name)).toEqual(['demo/other']);
});

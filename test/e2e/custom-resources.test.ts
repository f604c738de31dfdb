// Custom resources as kubectl and a conversion webhook meet them: one definition of two versions, from its creation to the
// end of its last instance.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientTool } from '../fixtures/client-tools.ts';
import { type ConversionServer, startConversionServer } from '../fixtures/conversion-server.ts';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';

let server: TestServer;
let webhook: ConversionServer;
let k: ClientTool;

beforeAll(async () => {
  [server, webhook] = await Promise.all([startServer(), startConversionServer()]);
  k = new ClientTool({ program: 'kubectl', minor: '35', kubeconfig: server.kubeconfig, namespace: 'default' });
  const text = readFileSync(join(import.meta.dirname, 'testdata/custom-resources/gadgets.yaml'), 'utf8');
  const filled = text
    .replace('url: URL', `url: ${webhook.url}`)
    .replace('caBundle: CABUNDLE', `caBundle: ${webhook.caBundle}`);
  await k.ok('apply', '-f', k.file('gadgets.yaml', filled));
  await k.ok('wait', '--for=condition=Established', 'crd/gadgets.example.test', '--timeout=300s');
});

afterAll(async () => {
  k.remove();
  await Promise.all([server.stop(), webhook.stop()]);
});

const gadget = (name: string, spec: object, version = 'v1') =>
  JSON.stringify({ apiVersion: `example.test/${version}`, kind: 'Gadget', metadata: { name }, spec });

const apply = (text: string, ...flags: string[]) => k.run(['apply', '-f', '-', ...flags], { input: text });

test('it is found: api-resources, explain of every version, get crd', async () => {
  const [resources, whole, metadata, explained, second, listed] = await Promise.all([
    k.ok('api-resources', '--api-group=example.test'),
    k.ok('explain', 'gadgets'),
    k.ok('explain', 'gadgets.metadata'),
    k.ok('explain', 'gadgets.spec.size'),
    k.ok('explain', 'gadgets.spec', '--api-version=example.test/v1beta1'),
    k.ok('get', 'crd'),
  ]);
  expect(resources).toMatch(/^gadgets +gd +example.test\/v1 +true +Gadget$/m);
  // As upstream's conformance tests look for it.
  expect(whole).toMatch(/FIELDS:.*apiVersion.*<string>.*APIVersion defines.*spec.*<Object>/s);
  expect(metadata).toMatch(
    /DESCRIPTION:.*Standard object's metadata.*FIELDS:.*creationTimestamp.*<string>.*CreationTimestamp is a timestamp/s,
  );
  expect(explained).toContain('How large it is.');
  expect(second).toContain('shape');
  expect(listed).toMatch(/^NAME +CREATED AT\ngadgets.example.test +\d{4}-/);
});

test('apply, get with columns, by short name and by field', async () => {
  // Tried again, it begins anew.
  await k.ok('delete', 'gadgets', '--all');
  expect(await apply(gadget('a', { size: 3 }))).toMatchObject({ code: 0, stdout: 'gadget.example.test/a created\n' });
  expect(await apply(gadget('a', { size: 4, colour: 'blue' }))).toMatchObject({
    stdout: 'gadget.example.test/a configured\n',
  });
  expect(await apply(gadget('b', { size: 1 }))).toMatchObject({ code: 0 });
  expect((await k.ok('get', 'gd')).split('\n')[0]).toMatch(/^NAME +SIZE +READY +AGE$/);
  expect(await k.ok('get', 'gd', '-o', 'wide')).toMatch(/^a +4 +blue +[\dms]+$/m);
  expect(await k.ok('get', 'gd', '--field-selector=spec.colour=red', '-o', 'name')).toBe('gadget.example.test/b\n');
  expect(await k.ok('get', 'all', '-o', 'name')).toContain('gadget.example.test/a');
});

test('what does not fit is refused: by kubectl, by the schema, by its rule', async () => {
  expect((await apply(gadget('c', { size: 1, weight: 1 }))).stderr).toContain('unknown field "spec.weight"');
  expect((await apply(gadget('c', { size: 10 }))).stderr).toContain('should be less than or equal to 9');
  expect((await apply(gadget('a', { size: 2 }))).stderr).toContain('spec: Invalid value: a gadget cannot shrink');
});

test('status and scale', async () => {
  const status = { size: 2, selector: 'app=a', conditions: [{ type: 'Ready', status: 'True' }] };
  await k.ok('patch', 'gadget', 'a', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
  expect(await k.ok('get', 'gadget', 'a')).toMatch(/^a +4 +True +/m);
  expect(await k.ok('scale', 'gadget/a', '--replicas=5')).toBe('gadget.example.test/a scaled\n');
  expect(await k.ok('get', 'gadget', 'a', '-o', 'jsonpath={.spec.size} {.metadata.generation}')).toBe('5 3');
});

test('the other version is converted by the webhook, lists in one review', async () => {
  expect(await k.ok('get', 'gadgets.v1beta1.example.test', 'a', '-o', 'jsonpath={.spec}')).toBe(
    '{"colour":"blue","shape":{"width":5}}',
  );
  await k.ok('get', 'gadgets.v1beta1.example.test', '-o', 'name');
  const before = webhook.reviews.length;
  expect(await k.ok('get', 'gadgets.v1beta1.example.test')).toMatch(/^NAME +WIDTH\na +5\nb +1$/m);
  // Both were converted before: nothing is asked again.
  expect(webhook.reviews.length).toBe(before);
  expect(await apply(gadget('d', { shape: { width: 7 } }, 'v1beta1'))).toMatchObject({ code: 0 });
  expect(await k.ok('get', 'gadget.v1.example.test', 'd', '-o', 'jsonpath={.spec}')).toBe('{"colour":"red","size":7}');
});

test('a webhook that refuses is told as upstream tells it', async () => {
  webhook.refusal = 'no more conversions today';
  expect((await apply(gadget('e', { shape: { width: 1 } }, 'v1beta1'))).stderr).toContain(
    'conversion webhook for example.test/v1beta1, Kind=Gadget failed: no more conversions today',
  );
  webhook.refusal = undefined;
});

test('server-side apply merges parts by id', async () => {
  const part = (id: string, n: number) => gadget('a', { parts: [{ id, count: n }] });
  expect(await apply(part('x', 2), '--server-side', '--field-manager=one')).toMatchObject({ code: 0 });
  expect(await apply(part('y', 3), '--server-side', '--field-manager=two')).toMatchObject({ code: 0 });
  expect(JSON.parse(await k.ok('get', 'gadget', 'a', '-o', 'jsonpath={.spec.parts}'))).toEqual([
    { id: 'x', count: 2 },
    { id: 'y', count: 3 },
  ]);
  expect((await apply(part('x', 9), '--server-side', '--field-manager=two')).stderr).toContain('conflict with "one"');
});

test('the definition goes with its instances', async () => {
  await k.ok('patch', 'gadget', 'b', '--type=merge', '-p', '{"metadata":{"finalizers":["example.test/hold"]}}');
  await k.ok('delete', 'crd', 'gadgets.example.test', '--wait=false');
  await k.ok('wait', '--for=delete', 'gadget/a', '--timeout=300s');
  expect(
    await k.ok(
      'get',
      'crd',
      'gadgets.example.test',
      '-o',
      'jsonpath={.status.conditions[?(@.type=="Terminating")].reason}',
    ),
  ).toBe('InstanceDeletionInProgress');
  expect((await k.run(['create', '-f', '-'], { input: gadget('f', { size: 1 }) })).code).toBe(1);
  await k.ok('patch', 'gadget', 'b', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
  await k.ok('wait', '--for=delete', 'crd/gadgets.example.test', '--timeout=300s');
  expect(await k.refused('get', '--raw', '/apis/example.test/v1')).toContain('NotFound');
});

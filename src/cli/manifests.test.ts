import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sourceOf } from '../explain/manifests.ts';
import { readManifests } from './manifests.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-manifests-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function put(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const named = (name: string) => `kind: Service\nmetadata: {name: ${name}}\n`;

test('documents, Lists and JSON, each object with its place', async () => {
  const yaml = put('a.yaml', `# first\n${named('one')}---\n---\n${named('two')}`);
  const list = put(
    'b.yml',
    `kind: ServiceList\nitems:\n- metadata: {name: three}\n- kind: Node\n  metadata: {name: four}\n`,
  );
  const json = put('c.json', JSON.stringify({ kind: 'List', items: [{ kind: 'Node', metadata: { name: 'five' } }] }));
  const objects = await readManifests([yaml, list, json]);
  expect(objects.map((object) => [object.kind, object.metadata.name, sourceOf(object)])).toEqual([
    ['Service', 'one', `${yaml}:2`],
    ['Service', 'two', `${yaml}:6`],
    ['Service', 'three', `${list}:3`],
    ['Node', 'four', `${list}:4`],
    ['Node', 'five', json],
  ]);
});

test('items of a list have its apiVersion, too, unless they say one', async () => {
  const items = '- metadata: {name: a}\n- {apiVersion: v2, metadata: {name: b}}\n- {kind: Node, metadata: {name: c}}\n';
  const objects = await readManifests([put('l.yaml', `apiVersion: v1\nkind: ServiceList\nitems:\n${items}`)]);
  expect(objects.map(({ apiVersion, kind }) => [apiVersion, kind])).toEqual([
    ['v1', 'Service'],
    ['v2', 'Service'],
    [undefined, 'Node'],
  ]);
});

test('texts of JSON may follow each other, as jq prints them', async () => {
  const texts = ['one', 'two', 'three'].map((name) =>
    JSON.stringify({ kind: 'Node', metadata: { name, labels: { a: '} {' } } }),
  );
  const objects = await readManifests([put('e.json', `${texts.join('\n')}\n`), put('f.json', texts.join('\n  \n  '))]);
  expect(objects.map((object) => object.metadata.name)).toEqual(['one', 'two', 'three', 'one', 'two', 'three']);
});

test('plain words mean what they mean to kubectl, and << merges', async () => {
  const path = put(
    'g.yaml',
    'kind: Pod\nmetadata: {name: a, labels: &l {app: web}}\nspec: {at: {<<: *l, tier: back}, mode: 0644, is: yes, day: 2026-01-01}\n',
  );
  expect(await readManifests([path])).toMatchObject([
    { spec: { at: { app: 'web', tier: 'back' }, mode: 0o644, is: true, day: '2026-01-01' } },
  ]);
});

test('a folder is its manifests, sorted, and nothing else', async () => {
  put('d/2.yaml', named('second'));
  put('d/1.json', '{"kind":"Service","metadata":{"name":"first"}}');
  put('d/README.md', 'kind: no');
  put('d/deeper/3.yaml', named('third'));
  const objects = await readManifests([join(folder, 'd')]);
  expect(objects.map((object) => object.metadata.name)).toEqual(['first', 'second']);
});

describe('what is wrong is told with its line', () => {
  test.each([
    [`${named('a')}---\nkind: [\n`, ':5: Flow sequence in block collection must be'],
    [`${named('a')}---\n\nmetadata: {name: b}\n`, ':5: a document without a kind is no Kubernetes object'],
    [`kind: List\nitems:\n- kind: Pod\n  metadata: {}\n`, ':3: a Pod has no metadata.name'],
    ['kind: Pod\nmetadata: {generateName: a-}\n', ':1: a Pod has a metadata.generateName, and an apply takes none'],
    ['kind: Kustomization\nresources: [a.yaml]\n', ':1: a Kustomization is no object of a cluster'],
    ['kind: Service\nkind: Node\n', ':2: Map keys must be unique'],
    ['{"kind": "Service",\n "metadata": {}}', ':1: a Service has no metadata.name'],
    ['{"kind": "Service",\n "metadata" {}}', ':2: '],
    [
      `${named('a')}---\na: &a [x]\n${[...'bcde'].map((to, i) => `${to}: &${to} [${Array(9).fill(`*${'abcd'[i]}`)}]\n`).join('')}`,
      ':4: Excessive alias count',
    ],
    ['just text', ':1: a document without a kind'],
  ])('%j', async (text, message) => {
    const path = put('wrong.yaml', text);
    const told = await readManifests([path]).catch((error: Error) => error.message);
    expect(told).toContain(`${path}${message}`);
    expect(told).not.toContain('\n');
  });

  test('and a file that is not there by its name', async () => {
    await expect(readManifests([join(folder, 'none.yaml')])).rejects.toThrow('none.yaml: no such file');
    await expect(readManifests(['https://example.com/a.yaml'])).rejects.toThrow('a.yaml: nothing is fetched: ');
  });
});

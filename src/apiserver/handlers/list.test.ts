import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { KubeList, KubeObject } from '../../apimachinery/object.ts';
import { exchange, openWatch } from '../fake/exchange.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

const configMaps = '/api/v1/namespaces/n/configmaps';
let api: TestServer;
let versions: string[];

beforeEach(async () => {
  api = await startTestServer();
  await api.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  versions = [];
  for (const name of ['a', 'b', 'c', 'd']) {
    const { body } = await api.send('POST', configMaps, { metadata: { name, labels: { name } } });
    versions.push(body.metadata.resourceVersion!);
  }
});

afterEach(() => api.stop());

type List = KubeList<KubeObject>;
const list = async (query: string, resource = configMaps) =>
  (await api.send<List & { message?: string; code?: number }>('GET', `${resource}?${query}`)).body;
const tokenOf = (text: string) => Buffer.from(text).toString('base64url');
const names = ({ items }: List) => items.map(({ metadata }) => metadata.name).join('');

describe('pages and revisions', () => {
  test('any state comes whole; a revision alone is a lower bound; with a limit it is the one shown', async () => {
    const any = await list('resourceVersion=0&limit=2');
    expect([names(any), any.metadata.continue]).toEqual(['abcd', undefined]);
    expect(names(await list(`resourceVersion=${versions[1]}`))).toBe('abcd');
    const first = await list(`resourceVersion=${versions[2]}&limit=2`);
    expect([names(first), first.metadata]).toEqual(['ab', expect.objectContaining({ remainingItemCount: 1 })]);
    expect(names(await list(`limit=2&continue=${first.metadata.continue}`))).toBe('c');
    expect(names(await list(`resourceVersion=${versions[1]}&resourceVersionMatch=Exact`))).toBe('ab');
    const newer = `resourceVersion=${versions[1]}&resourceVersionMatch=NotOlderThan&limit=3`;
    expect(names(await list(newer))).toBe('abc');
  });

  test('how many remain is not told where a selector decides', async () => {
    const { metadata } = await list('limit=1&labelSelector=name');
    expect(metadata.continue).toBeDefined();
    expect(metadata.remainingItemCount).toBeUndefined();
  });

  test.each([
    ['resourceVersionMatch=Exact', 'resourceVersionMatch is forbidden unless resourceVersion is provided'],
    [
      'resourceVersionMatch=Exact&resourceVersion=0',
      'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ],
    [
      'resourceVersionMatch=Some&resourceVersion=1',
      'Unsupported value: "Some": supported values: "Exact", "NotOlderThan", ""',
    ],
    ['sendInitialEvents=true', 'sendInitialEvents is forbidden for list'],
    ['watch=1&sendInitialEvents=true', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
    [
      'watch=1&resourceVersionMatch=NotOlderThan',
      'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    ],
    [
      `continue=${tokenOf('{"v":"meta.k8s.io/v1","rv":1,"start":"n/a"}')}&resourceVersion=5`,
      'specifying resource version is not allowed when using continue',
    ],
    ['limit=x', 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['limit=9223372036854775808', 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
    [
      'resourceVersion=x',
      'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    ],
    ['limit=', 'strconv.ParseInt: parsing "": invalid syntax'],
    ['fieldSelector=spec.x%3Dy', '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    ['fieldSelector=a', "invalid selector: 'a'; can't understand 'a'"],
  ])('%s: %s', async (query, message) => {
    expect((await list(query)).message).toContain(message);
  });

  test('a field that Jobs are not selected by is told of in their own words', async () => {
    const { body } = await api.send('GET', '/apis/batch/v1/jobs?fieldSelector=spec.x%3Dy');
    expect(body).toMatchObject({ code: 400, message: 'field label "spec.x" not supported for batchv1.Job' });
  });

  test.each([
    ['{"v":"meta.k8s.io/v1","rv":0,"start":"a"}', 'incorrect encoded start resourceVersion (version meta.k8s.io/v1)'],
    ['{"v":"meta.k8s.io/v1","rv":1,"start":""}', 'encoded start key empty (version meta.k8s.io/v1)'],
    ['{"v":"meta.k8s.io/v1","rv":1,"start":"../x"}', 'continue key is not valid: ../x'],
    ['{"v":"v2","rv":1,"start":"a"}', 'server does not recognize this encoded version v2'],
    ['[]', 'json: cannot unmarshal array into Go value of type storage.continueToken'],
    ['{"rv":"1"}', 'json: cannot unmarshal string into Go struct field continueToken.rv of type int64'],
  ])('a continue of %s: %s', async (token, message) => {
    const answer = await list(`continue=${tokenOf(token)}`);
    expect(answer.code).toBe(400);
    expect(answer.message).toContain(message);
  });

  test('pages of the past read no more of storage than they take', async () => {
    const [first, selected] = [await list('limit=1'), await list('limit=1&labelSelector=name!=c')];
    await api.send('DELETE', `${configMaps}/b`);
    const range = vi.spyOn(api.storage, 'range');
    const second = await list(`limit=1&continue=${first.metadata.continue}`);
    expect([names(second), second.metadata.remainingItemCount]).toEqual(['b', 2]);
    const prefix = '/registry/core/configmaps/n/';
    const revision = Number(first.metadata.resourceVersion);
    expect(range.mock.calls).toEqual([[{ prefix, revision, after: `${prefix}a`, limit: 1 }]]);
    const rest = await list(`limit=5&continue=${second.metadata.continue}`);
    expect([names(rest), rest.metadata.continue]).toEqual(['cd', undefined]);
    const next = await list(`limit=1&labelSelector=name!=c&continue=${selected.metadata.continue}`);
    expect([names(next), next.metadata.remainingItemCount]).toEqual(['b', undefined]);
    // A page is not the last while any object follows, whether it will be selected or not.
    const last = await list(`limit=1&labelSelector=name!=c&continue=${next.metadata.continue}`);
    expect([names(last), last.metadata.continue]).toEqual(['d', undefined]);
  });

  test('when its revision is forgotten, the answer has a way to go on with what there is now', async () => {
    const first = await list('limit=2');
    await api.send('DELETE', `${configMaps}/c`);
    await api.send('POST', configMaps, { metadata: { name: 'e' } });
    await api.storage.compact(await api.storage.currentRevision());
    const gone = await list(`limit=2&continue=${first.metadata.continue}`);
    expect(gone).toMatchObject({ code: 410, reason: 'Expired', metadata: { continue: expect.any(String) } });
    expect(gone.message).toContain('use the continue token in this response');
    const rest = await list(`limit=2&continue=${gone.metadata.continue}`);
    expect(names(rest)).toBe('de');
    expect(Number(rest.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion));
    const exact = await list(`resourceVersion=${versions[0]}&resourceVersionMatch=Exact`);
    expect(exact).toMatchObject({ code: 410, message: 'The resourceVersion for the provided list is too old.' });
  });
});

describe('Tables', () => {
  test('the row of a pod that has ended says so', async () => {
    const pods = '/api/v1/namespaces/n/pods';
    const containers = [{ name: 'c', image: 'i' }];
    await api.send('POST', '/api/v1/namespaces/n/serviceaccounts', { metadata: { name: 'default' } });
    for (const name of ['done', 'running']) await api.send('POST', pods, { metadata: { name }, spec: { containers } });
    await api.send('PATCH', `${pods}/done/status`, { status: { phase: 'Failed' } }, 'application/merge-patch+json');
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    const table = (await exchange(api.server, { url: pods, headers })).json<{ rows: { conditions?: unknown }[] }>();
    const completed = { type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' };
    expect(table.rows.map(({ conditions }) => conditions)).toEqual([[completed], undefined]);
  });

  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const table = async (query: string) =>
    (await exchange(api.server, { url: `${configMaps}?${query}`, headers: { accept } })).json<{
      apiVersion: string;
      rows: { object: { kind?: string; data?: unknown } | null }[];
      message?: string;
    }>();

  test('rows have nothing, metadata or all of their object', async () => {
    expect((await table('includeObject=None')).rows[0]!.object).toBeNull();
    expect((await table('')).rows[0]!.object!.kind).toBe('PartialObjectMetadata');
    expect((await table('includeObject=Object')).rows[0]!.object!.kind).toBe('ConfigMap');
    expect((await table('includeObject=All')).message).toBe(
      `Unable to convert to Table as requested: includeObject: Invalid value: "All": must be 'Metadata', 'Object', 'None', or empty`,
    );
  });

  test('the version is the one asked for', async () => {
    const headers = { accept: accept.replace('v=v1', 'v=v1beta1') };
    const { apiVersion } = (await exchange(api.server, { url: configMaps, headers })).json<{ apiVersion: string }>();
    expect(apiVersion).toBe('meta.k8s.io/v1beta1');
  });

  test.each([
    [
      'PartialObjectMetadata',
      '',
      406,
      'you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)',
    ],
    [
      'PartialObjectMetadataList',
      '/a',
      406,
      'you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)',
    ],
  ])('%s of%s is %i', async (as, path, code, message) => {
    const headers = { accept: `application/json;as=${as};v=v1;g=meta.k8s.io` };
    const answer = await exchange(api.server, { url: configMaps + path, headers });
    expect(answer.json()).toMatchObject({ code, message });
  });

  test('a watch tells the columns once', async () => {
    const watch = await openWatch(api.server, {
      url: `${configMaps}?watch=1&fieldSelector=metadata.name=a`,
      headers: { accept },
    });
    const columns = async () =>
      (await watch.event<{ object: { columnDefinitions: unknown } }>()).object.columnDefinitions;
    expect(await columns()).toHaveLength(3);
    await api.send('DELETE', `${configMaps}/b`);
    await api.send('DELETE', `${configMaps}/a`);
    expect(await columns()).toBeNull();
    await watch.end();
  });
});

describe('bookmarks', () => {
  const bookmark = {
    type: 'BOOKMARK',
    object: { kind: 'ConfigMap', metadata: { resourceVersion: expect.any(String) } },
  };

  test('come every minute, and shortly before the end', async () => {
    const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${versions[3]}&timeoutSeconds=90`;
    const watch = await openWatch(api.server, { url: `${configMaps}?${query}` });
    api.clock.advance(60_000);
    expect(await watch.event()).toMatchObject(bookmark);
    api.clock.advance(28_000);
    expect(await watch.event()).toMatchObject(bookmark);
    api.clock.advance(2000);
    await watch.done;
  });

  test('with the initial events: the state, its end, and then changes', async () => {
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
    const watch = await openWatch(api.server, { url: `${configMaps}?${query}&allowWatchBookmarks=true` });
    const types: string[] = [];
    for (let i = 0; i < 5; i++) types.push((await watch.event()).type);
    expect(types).toEqual(['ADDED', 'ADDED', 'ADDED', 'ADDED', 'BOOKMARK']);
    await watch.end();
    const without = await openWatch(api.server, { url: `${configMaps}?${query.replace('true', 'false')}` });
    await api.send('DELETE', `${configMaps}/a`);
    expect((await without.event()).type).toBe('DELETED');
    await without.end();
  });

  const initially =
    'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name=b';
  test.each([
    // From nowhere a watch begins with what there is, as if that had been asked for.
    ['watch=1&allowWatchBookmarks=1&fieldSelector=metadata.name=b', ['ADDED', 'BOOKMARK']],
  ])('%s: %j', async (query, types) => {
    const watch = await openWatch(api.server, { url: `${configMaps}?${query}` });
    for (const type of types) expect((await watch.event()).type).toBe(type);
    await watch.end();
  });

  test('a state that does not come is told of in the watch', async () => {
    const url = `${configMaps}?watch=1&resourceVersion=900000&sendInitialEvents=1&resourceVersionMatch=NotOlderThan`;
    let isOpen = false;
    const opening = openWatch(api.server, { url }).finally(() => {
      isOpen = true;
    });
    while (!isOpen) {
      api.clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const watch = await opening;
    expect(await watch.event()).toMatchObject({ type: 'ERROR', object: { code: 504, reason: 'Timeout' } });
    await watch.end();
  });

  test('a path of one object and a selector of another', async () => {
    const url = '/api/v1/watch/namespaces/n/configmaps/a?fieldSelector=metadata.name=b';
    const answer = await exchange(api.server, { url });
    expect(answer.json()).toMatchObject({
      code: 400,
      message: "fieldSelector metadata.name doesn't match requested name",
    });
  });

  const blueprint = 'kubernetes.io/initial-events-list-blueprint';
  interface Marked {
    readonly metadata: { readonly resourceVersion: string; readonly annotations: Readonly<Record<string, string>> };
  }
  const decoded = ({ metadata }: Marked) =>
    JSON.parse(Buffer.from(metadata.annotations[blueprint]!, 'base64').toString());

  test.each([
    ['application/json', { kind: 'ConfigMapList', apiVersion: 'v1', metadata: {}, items: null }],
    [
      'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
      { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata: {}, items: null },
    ],
  ])('the end of the initial events brings the list that they make: %s', async (accept, empty) => {
    const watch = await openWatch(api.server, { url: `${configMaps}?${initially}`, headers: { accept } });
    expect((await watch.event()).type).toBe('ADDED');
    const { object } = await watch.event<{ object: Marked }>();
    expect(object.metadata.annotations['k8s.io/initial-events-end']).toBe('true');
    expect(decoded(object)).toEqual(empty);
    await watch.end();
  });

  test('of Tables, it tells the columns where nothing did before', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const url = `${configMaps}?${initially.replace('=b', '=new')}`;
    const watch = await openWatch(api.server, { url, headers: { accept } });
    const columns = async () =>
      (await watch.event<{ object: { columnDefinitions: unknown } }>()).object.columnDefinitions;
    expect(await columns()).toHaveLength(3);
    await api.send('POST', configMaps, { metadata: { name: 'new' } });
    expect(await columns()).toBeNull();
    await watch.end();
  });

  test('of Tables, it is a row; so of every kind', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    interface Table {
      readonly type: string;
      readonly object: {
        readonly metadata: object;
        readonly rows: { readonly cells: unknown[]; readonly object: Marked }[];
      };
    }
    const groups = (await api.send<{ groups: { versions: { groupVersion: string }[] }[] }>('GET', '/apis')).body.groups;
    const paths = [
      '/api/v1',
      ...groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => `/apis/${groupVersion}`)),
    ];
    for (const path of paths) {
      const { resources } = (await api.send<{ resources: { name: string; verbs: string[] }[] }>('GET', path)).body;
      for (const { name } of resources.filter(({ verbs }) => verbs.includes('watch'))) {
        const watch = await openWatch(api.server, { url: `${path}/${name}?${initially}`, headers: { accept } });
        let event = await watch.event<Table>();
        while (event.type === 'ADDED') event = await watch.event<Table>();
        const [row] = event.object.rows;
        expect([name, event.type, row?.cells.length]).toEqual([name, 'BOOKMARK', expect.any(Number)]);
        expect(decoded(row!.object)).toMatchObject({ kind: 'Table', columnDefinitions: expect.any(Array), rows: [] });
        await watch.end();
      }
    }
  });
});

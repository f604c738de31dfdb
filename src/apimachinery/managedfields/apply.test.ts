import { describe, expect, test } from 'vitest';
import { builtinSchemas } from '../../api/schema.ts';
import type { ManagedFieldsEntry } from '../meta/v1.generated.ts';
import { decodeObject } from '../schema/decode.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import { StatusError } from '../status.ts';
import { apply } from './apply.ts';
import { type FieldSet, recursiveDifference, setOf } from './field-set.ts';
import { capUpdaters, keyOf, type Managed } from './managers.ts';
import { recordUpdate } from './record-update.ts';
import { ConversionError, oneVersion, type Versions } from './versions.ts';

const schemas = builtinSchemas();
const service = schemas.schemaOf({ group: '', version: 'v1', kind: 'Service' })!;
const deployment = schemas.schemaOf({ group: 'apps', version: 'v1', kind: 'Deployment' })!;

interface Live {
  metadata: { managedFields?: ManagedFieldsEntry[]; [key: string]: unknown };
  [key: string]: unknown;
}

/** A server of one object, without defaults. Time passes by a second with each write. */
class Server {
  live: Live | undefined;
  private readonly schema: ObjectSchema;
  private readonly apiVersion: string;
  private readonly kind: string;
  private seconds = 0;

  constructor(schema: ObjectSchema, apiVersion: string) {
    this.schema = schema;
    this.apiVersion = apiVersion;
    this.kind = schema.name.split('.').at(-1)!;
  }

  private writer(manager: string, subresource = '') {
    const time = `2026-01-01T00:00:${String(this.seconds++).padStart(2, '0')}Z`;
    const reset = setOf([subresource === '' ? ['f:status'] : ['f:spec']]);
    const own = (set: FieldSet) => recursiveDifference(set, reset);
    const versions = oneVersion({ schema: this.schema, own });
    return { manager, apiVersion: this.apiVersion, subresource, time, versions };
  }

  apply(manager: string, applied: object, force = false): void {
    const request = { ...this.writer(manager), live: this.live, force, kind: this.kind };
    const { object, managedFields } = apply({
      ...request,
      applied: { apiVersion: this.apiVersion, kind: this.kind, ...applied },
    });
    this.store(object, managedFields);
  }

  update(manager: string, value: object, subresource = ''): void {
    const { object } = decodeObject(value, this.schema);
    this.store(object, recordUpdate({ ...this.writer(manager, subresource), old: this.live, new: object }));
  }

  private store(value: unknown, managedFields: ManagedFieldsEntry[] | undefined): void {
    const object = decodeObject(value, this.schema).object as Live;
    const { managedFields: _, ...metadata } = object.metadata;
    this.live = {
      ...object,
      metadata: { ...(!this.live && { uid: '1' }), ...metadata, ...(managedFields && { managedFields }) },
    };
  }

  /** `manager operation` to its fields. */
  owners(): Record<string, unknown> {
    return Object.fromEntries(
      (this.live?.metadata.managedFields ?? []).map((e) => [
        `${e.manager} ${e.operation}${e.subresource ? ` ${e.subresource}` : ''}`,
        e.fieldsV1,
      ]),
    );
  }
}

function conflictOf(action: () => void): StatusError {
  try {
    action();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('no conflict');
}

const port = 'k:{"port":80,"protocol":"TCP"}';
const ownedPort = { [port]: { '.': {}, 'f:port': {} } };

describe('apply, as recorded from kube-apiserver', () => {
  const svc = (spec: object, metadata: object = {}) => ({
    kind: 'Service',
    metadata: { name: 'a', ...metadata },
    spec,
  });
  const ports = [{ port: 80 }];
  const server = new Server(service, 'v1');

  test('the applier owns what it applied', () => {
    server.apply('one', svc({ ports, selector: { app: 'a' } }));
    expect(server.owners()).toEqual({ 'one Apply': { 'f:spec': { 'f:ports': ownedPort, 'f:selector': {} } } });
  });

  test('the same again changes nothing, not even the time', () => {
    const before = server.live;
    server.apply('one', svc({ ports, selector: { app: 'a' } }));
    expect(server.live).toEqual(before);
  });

  test('another value is a conflict', () => {
    const { status } = conflictOf(() => server.apply('two', svc({ ports, selector: { app: 'b' } })));
    expect(status).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.selector',
      details: {
        causes: [{ field: '.spec.selector', message: 'conflict with "one"', reason: 'FieldManagerConflict' }],
      },
    });
    expect(Object.keys(status.details ?? {})).toEqual(['causes']);
  });

  test('force takes it', () => {
    server.apply('two', svc({ ports, selector: { app: 'b' } }), true);
    expect(server.live).toMatchObject({ spec: { selector: { app: 'b' } } });
    expect(server.owners()).toEqual({
      'one Apply': { 'f:spec': { 'f:ports': ownedPort } },
      'two Apply': { 'f:spec': { 'f:ports': ownedPort, 'f:selector': {} } },
    });
  });

  test('what is applied no longer goes; what another owns stays', () => {
    server.apply('two', svc({ ports }, { labels: { x: 'y' } }));
    expect(server.live?.spec).toEqual({ ports: [{ port: 80 }] });
    expect(server.live?.metadata.labels).toEqual({ x: 'y' });
  });

  test('an update is tracked beside the appliers', () => {
    const live = server.live!;
    server.update('upd', { ...live, metadata: { ...live.metadata, labels: { x: 'y', m: 'n' } } });
    expect(server.owners()).toEqual({
      'one Apply': { 'f:spec': { 'f:ports': ownedPort } },
      'two Apply': { 'f:metadata': { 'f:labels': { 'f:x': {} } }, 'f:spec': { 'f:ports': ownedPort } },
      'upd Update': { 'f:metadata': { 'f:labels': { 'f:m': {} } } },
    });
  });

  test('an item that nobody applies any longer goes', () => {
    server.apply('two', svc({ ports: [...ports, { port: 81, name: 'b' }] }));
    expect(server.live?.spec).toEqual({ ports: [{ port: 80 }, { port: 81, name: 'b' }] });
    server.apply('two', svc({ ports }));
    expect(server.live?.spec).toEqual({ ports: [{ port: 80 }] });
    expect(server.live?.metadata).toMatchObject({ name: 'a', uid: '1', labels: { m: 'n' } });
  });

  test('identity stays when the last label goes', () => {
    const other = new Server(service, 'v1');
    other.apply('one', svc({ ports }, { labels: { x: 'y' } }));
    other.apply('one', svc({ ports }));
    expect(other.live?.metadata).toEqual({ name: 'a', uid: '1', managedFields: other.live?.metadata.managedFields });
  });
});

describe('Deployments', () => {
  const create = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', labels: { a: 'b' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { a: 'b' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
      template: {
        metadata: { labels: { a: 'b' } },
        spec: { containers: [{ name: 'c', image: 'x:1', ports: [{ containerPort: 80 }] }] },
      },
    },
  };

  test('the creator owns what it wrote, with "." where maps and items are new', () => {
    const server = new Server(deployment, 'apps/v1');
    server.update('kubectl-create', { ...create, status: { replicas: 5 } });
    expect(server.owners()).toEqual({
      'kubectl-create Update': {
        'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
        'f:spec': {
          'f:replicas': {},
          'f:selector': {},
          'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} }, 'f:type': {} },
          'f:template': {
            'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
            'f:spec': {
              'f:containers': {
                'k:{"name":"c"}': {
                  '.': {},
                  'f:image': {},
                  'f:name': {},
                  'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
                  'f:resources': {},
                },
              },
            },
          },
        },
      },
    });
  });

  test('status is tracked for itself; conflicts with updates name the version', () => {
    const server = new Server(deployment, 'apps/v1');
    server.update('kubectl-create', create);
    server.update('controller', { ...server.live, status: { replicas: 1 } }, 'status');
    expect(server.owners()['controller Update status']).toEqual({ 'f:status': { 'f:replicas': {} } });
    const { status } = conflictOf(() =>
      server.apply('me', { kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 2, paused: true } }),
    );
    expect(status.message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-create" using apps/v1: .spec.replicas',
    );
    const applied = { kind: 'Deployment', metadata: { name: 'd', labels: { a: 'x' } }, spec: { replicas: 2 } };
    expect(conflictOf(() => server.apply('me', applied)).status.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "kubectl-create" using apps/v1:\n- .metadata.labels.a\n- .spec.replicas',
    );
  });

  test('fields of an untracked object belong to before-first-apply', () => {
    const server = new Server(deployment, 'apps/v1');
    server.live = decodeObject(create, deployment).object as Live;
    const { status } = conflictOf(() =>
      server.apply('me', { kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 2 } }),
    );
    expect(status.message).toBe(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using apps/v1: .spec.replicas',
    );
    server.update('anyone', { ...server.live, spec: { ...(server.live.spec as object), replicas: 3 } });
    expect(server.owners()).toEqual({});
  });

  test('kubectl takes over from its own client-side apply, and keeps the annotation in step', () => {
    const server = new Server(deployment, 'apps/v1');
    const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
    const annotated = {
      ...create,
      metadata: { ...create.metadata, annotations: { [annotation]: JSON.stringify(create) } },
    };
    server.update('kubectl-client-side-apply', annotated);
    const next = { ...create, spec: { ...create.spec, replicas: 2 } };
    expect(conflictOf(() => server.apply('other', next)).status.code).toBe(409);
    server.apply('kubectl', next);
    expect(server.live).toMatchObject({ spec: { replicas: 2 } });
    const annotations = server.live?.metadata.annotations as Record<string, string>;
    expect(JSON.parse(annotations[annotation]!)).toMatchObject({ spec: { replicas: 2 } });
  });

  test('items of several appliers merge in the applied order', () => {
    const server = new Server(deployment, 'apps/v1');
    const containers = (...names: string[]) => ({
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { template: { spec: { containers: names.map((name) => ({ name, image: 'x' })) } } },
    });
    const names = () => {
      const spec = server.live?.spec as { template: { spec: { containers: { name: string }[] } } };
      return spec.template.spec.containers.map((c) => c.name);
    };
    server.apply('one', containers('a', 'b'));
    server.apply('two', containers('x', 'b', 'y'));
    expect(names()).toEqual(['a', 'x', 'b', 'y']);
    server.apply('one', containers('b'));
    expect(names()).toEqual(['x', 'b', 'y']);
    server.apply('two', containers('y'));
    expect(names()).toEqual(['b', 'y']);
  });

  test('what does not fit the type is refused before it is merged', () => {
    const server = new Server(deployment, 'apps/v1');
    const wrong = { kind: 'Deployment', metadata: { name: 'd' }, spec: { colour: 'red', replicas: 'many' } };
    expect(conflictOf(() => server.apply('me', wrong)).message).toContain('.spec.colour: field not declared in schema');
    expect(conflictOf(() => server.apply('me', { metadata: { managedFields: [] } })).message).toBe(
      'metadata.managedFields must be nil',
    );
  });

  test('a client may clear managedFields', () => {
    const server = new Server(deployment, 'apps/v1');
    server.update('one', create);
    server.update('two', {
      ...server.live,
      metadata: { ...server.live!.metadata, labels: { a: 'c' }, managedFields: [{}] },
    });
    // Nobody is tracked from then on, not even who cleared them, until somebody applies.
    expect(server.owners()).toEqual({});
  });

  test('the oldest of many updaters are folded', () => {
    const server = new Server(deployment, 'apps/v1');
    server.update('first', create);
    for (let i = 0; i < 15; i++) {
      const labels = { ...(server.live!.metadata.labels as object), [`l${i}`]: 'x' };
      server.update(`m${i}`, { ...server.live, metadata: { ...server.live!.metadata, labels } });
    }
    const names = Object.keys(server.owners());
    expect(names).toHaveLength(10);
    expect(names).toContain('ancient-changes Update');
    expect(names).toContain('m14 Update');
  });

  test('the oldest are folded by version; who is alone of a version keeps the name', () => {
    const id = { operation: 'Update' as const, subresource: '', fields: setOf([['f:a']]) };
    const managers = new Map<string, Managed>();
    const add = (manager: string, apiVersion: string, second: number) => {
      const managed = { ...id, manager, apiVersion, time: `2026-01-01T00:00:${String(second).padStart(2, '0')}Z` };
      managers.set(keyOf(managed), managed);
    };
    add('alone', 'x/v1beta1', 0);
    for (let i = 1; i <= 11; i++) add(`m${i}`, 'x/v1', i);
    const left = [...capUpdaters(managers).values()].map(({ manager, time }) => `${manager} ${time?.slice(17, 19)}`);
    expect(left.sort()).toEqual([
      'alone 00',
      'ancient-changes 03',
      ...['m10 10', 'm11 11', 'm4 04', 'm5 05', 'm6 06', 'm7 07', 'm8 08', 'm9 09'],
    ]);
  });

  test('who applies what is there already becomes its manager, at no time', () => {
    const server = new Server(deployment, 'apps/v1');
    server.apply('one', create);
    server.apply('two', create);
    const entries = server.live?.metadata.managedFields ?? [];
    expect(entries.map(({ manager, time }) => [manager, time])).toEqual([
      ['two', undefined],
      ['one', '2026-01-01T00:00:00Z'],
    ]);
  });

  test.each([
    ['of another version', { ...create, apiVersion: 'apps/v1beta1' }],
    ['of no kind', { ...create, kind: undefined }],
    ['with fields that the type does not have', { ...create, nope: 1 }],
  ])('a last applied configuration %s allows nothing', (_what, last) => {
    const server = new Server(deployment, 'apps/v1');
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(last) };
    server.update('kubectl-client-side-apply', { ...create, metadata: { ...create.metadata, annotations } });
    const next = { ...create, spec: { ...create.spec, replicas: 2 } };
    expect(conflictOf(() => server.apply('kubectl', next)).status.code).toBe(409);
  });

  test('where an object cannot be had in the version of a manager, an update clears all and an apply is refused', () => {
    const why = 'request to convert CR to an invalid group/version: apps/v9';
    const view = { schema: deployment };
    const versions: Versions = {
      view(apiVersion) {
        if (apiVersion === 'apps/v1') return view;
        throw new ConversionError(why);
      },
      convert: (object) => object,
    };
    const entry = { manager: 'm', operation: 'Update', apiVersion: 'apps/v9', fieldsType: 'FieldsV1' };
    const fieldsV1 = { 'f:spec': { 'f:replicas': {} } };
    const metadata = { ...create.metadata, uid: '1', managedFields: [{ ...entry, fieldsV1 }] };
    const old = { ...decodeObject(create, deployment).object, metadata };
    const writer = { manager: 'me', apiVersion: 'apps/v1', subresource: '', time: '2026-01-01T00:00:00Z', versions };
    expect(recordUpdate({ ...writer, old, new: { ...old, spec: {} } })).toBeUndefined();
    const request = { ...writer, kind: 'Deployment', live: old, applied: create, force: true };
    expect(conflictOf(() => apply(request))).toMatchObject({ message: why, status: { code: 500 } });
    // Built-in ones forget who wrote a version that is no more.
    const forgetful: Versions = { ...versions, view: (apiVersion) => (apiVersion === 'apps/v1' ? view : undefined) };
    const changed = { ...old, metadata: { ...metadata, labels: { a: 'c' } } };
    expect(recordUpdate({ ...writer, versions: forgetful, old, new: changed })).toMatchObject([{ manager: 'me' }]);
  });
});

test('what is stored and what is applied do not fit: unowned objects are told of first, owned ones last', () => {
  const metadata = { name: 'a', namespace: 'n' };
  const versions: Versions = { ...oneVersion({ schema: service }), misfit: () => '.spec: expected map, got &{1}' };
  const owned = [
    { manager: 'm', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': {} } },
  ];
  const errorOf = (managedFields?: ManagedFieldsEntry[]) => () =>
    apply({
      kind: 'Service',
      apiVersion: 'v1',
      manager: 'm',
      subresource: '',
      time: '2026-01-01T00:00:00Z',
      versions,
      force: false,
      live: { metadata: { ...metadata, managedFields }, spec: 1 },
      applied: { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: 'a' } },
    });
  expect(errorOf()).toThrow(
    'failed to create manager for existing fields: failed to convert new object (n/a; /v1, Kind=Service) to smd typed: .spec: expected map, got &{1}',
  );
  expect(errorOf(owned)).toThrow(
    'failed to create typed patch object (n/a; /v1, Kind=Service): .spec.ports: expected list, got &{a}',
  );
});

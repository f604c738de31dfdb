import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, StatusError } from '../../apimachinery/status.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import type { Client, RawRequest } from '../../client/types.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { parseManifests } from '../manifests.ts';
import { worldsOf } from './proposal.ts';

const service = (spec: object = {}) =>
  ({ kind: 'Service', apiVersion: 'v1', metadata: { name: 'web', namespace: 'demo' }, spec }) as KubeObject & {
    spec: object;
  };

const unasked = badRequest('admission webhook "w.example.com" does not support dry run');
const nobody = { manifests: [], without: [], namespace: 'demo' };

function cluster(): FakeApi {
  return new FakeApi({ clock: new FakeClock(), random: new FakeRandom() });
}

async function* bodyOf(value: object) {
  yield Buffer.from(JSON.stringify(value));
}

/** Of which deletions are answered with an error. */
function refusing(error: StatusError): Client {
  const api = cluster();
  return {
    resource: (resource) => api.resource(resource),
    raw: async (request: RawRequest) =>
      request.method === 'DELETE'
        ? { status: error.status.code, headers: {}, body: bodyOf(error.status) }
        : api.raw(request),
  };
}

test('a webhook that bears no dry run is skipped, which is said, and the manifest is judged without the server', async () => {
  const api = cluster();
  api.react(() => {
    throw unasked;
  });
  const judged = service({ type: 'ClusterIP' });
  const proposal = { ...nobody, manifests: [service()], judge: () => judged };
  const { after, notes } = await worldsOf([], proposal, api);
  expect(after).toEqual([judged]);
  expect(notes).toEqual([
    expect.stringMatching(/^admission webhook w\.example\.com has side effects and was not asked/),
  ]);
  // Whoever cannot judge tells what the server said.
  await expect(worldsOf([], { ...nobody, manifests: [service()] }, api)).rejects.toThrow(unasked);
});

test('what the server refuses is refused, of manifests as of Services that go', async () => {
  const api = cluster();
  const denied = badRequest('admission webhook "w.example.com" denied the request: no');
  api.react(() => {
    throw denied;
  });
  const proposal = { ...nobody, manifests: [service()], judge: (object: KubeObject) => object };
  await expect(worldsOf([], proposal, api)).rejects.toThrow(denied);
  const going = { ...nobody, without: ['service/web'] };
  await expect(worldsOf([service()], going, refusing(denied))).rejects.toThrow(denied.message);
  const { after, notes } = await worldsOf([service()], going, refusing(unasked));
  expect(after).toEqual([]);
  expect(notes).toHaveLength(1);
});

test('a policy may be left out, too, and the server is asked', async () => {
  const metadata = { name: 'wall', namespace: 'demo' };
  const policy = { kind: 'NetworkPolicy', apiVersion: 'networking.k8s.io/v1', metadata } as KubeObject;
  for (const name of ['networkpolicy/wall', 'netpol/demo/wall']) {
    expect((await worldsOf([policy], { ...nobody, without: [name] })).after).toEqual([]);
  }
  const denied = badRequest('no');
  const going = { ...nobody, without: ['networkpolicy/wall'] };
  await expect(worldsOf([policy], going, refusing(denied))).rejects.toThrow('no');
});

test('the server is asked as strictly as kubectl asks, and what it refuses is told with the place of the manifest', async () => {
  const api = cluster();
  const denied = badRequest('strict decoding error: unknown field "spec.selectors"');
  const asked: unknown[] = [];
  const client: Client = {
    raw: (request) => api.raw(request),
    resource: (which) => ({
      ...api.resource(which),
      get: (name) => api.resource<never>(which).get(name),
      create: (_, options) => {
        asked.push(options);
        return Promise.reject(denied);
      },
    }),
  };
  const manifests = await parseManifests('# one\nkind: Service\napiVersion: v1\nmetadata: {name: a}\n', 'a.yaml');
  await expect(worldsOf([], { ...nobody, manifests }, client)).rejects.toThrow(`a.yaml:2: ${denied.message}`);
  expect(asked).toEqual([{ dryRun: true, fieldManager: 'portico-plan', fieldValidation: 'Strict' }]);
  const unknown = await parseManifests('kind: Widget\napiVersion: example.com/v1\nmetadata: {name: a}\n', 'b.yaml');
  const proposal = { ...nobody, manifests: unknown };
  await expect(worldsOf([], proposal, client)).rejects.toThrow(
    'b.yaml:1: the cluster serves no Widget of example.com/v1',
  );
});

test('pools are looked for where a load balancer may want an address, and may be out of sight', async () => {
  const balanced = service({ type: 'LoadBalancer' });
  const none = await worldsOf([balanced], nobody, cluster());
  expect([none.before, none.notes]).toEqual([[balanced], []]);
  const hidden = cluster();
  const resource = hidden.resource.bind(hidden);
  const forbidden = new StatusError({ code: 403, reason: 'Forbidden', message: 'no' });
  const client: Client = {
    raw: (request) => hidden.raw(request),
    resource: (which) => ({ ...resource(which), list: () => Promise.reject(forbidden) }),
  };
  const { notes } = await worldsOf([balanced], nobody, client);
  expect(notes).toEqual(['LoadBalancerPools are not yours to list: addresses of load balancers are not foreseen']);
});

test('an object that is in the manifests twice is asked about once, as its last one says', async () => {
  const text = (port: number) => `---
kind: Service
apiVersion: v1
metadata: {name: web}
spec: {clusterIP: None, ports: [{port: ${port}}]}
`;
  const manifests = await parseManifests(text(80) + text(81), 'a.yaml');
  for (const client of [undefined, cluster()]) {
    const { after, notes } = await worldsOf([], { ...nobody, manifests }, client);
    expect(after).toMatchObject([{ metadata: { name: 'web' }, spec: { ports: [{ port: 81 }] } }]);
    expect(notes).toEqual([
      'Service demo/web is in the manifests more than once (a.yaml:2, a.yaml:7): the last one counts',
    ]);
  }
});

test.each([
  {
    needs: 'a ServiceAccount',
    spec: { serviceAccountName: 'own', serviceAccount: 'own' },
    brings: { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'own', namespace: 'demo' } },
  },
  {
    needs: 'a PriorityClass',
    spec: { priorityClassName: 'own' },
    brings: { kind: 'PriorityClass', apiVersion: 'scheduling.k8s.io/v1', metadata: { name: 'own' } },
  },
])('a pod is judged without $needs that the same manifests bring, and has it', async ({ spec, brings }) => {
  const pod = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p', namespace: 'demo' }, spec } as KubeObject;
  const lacking = new StatusError({ code: 403, reason: 'Forbidden', message: 'pods "p" is forbidden: not found' });
  const plan = (...manifests: KubeObject[]) => {
    const api = cluster();
    api.react((_, object) => {
      const own = (object as { spec?: object } | undefined)?.spec ?? {};
      if (Object.keys(own).some((field) => Object.hasOwn(spec, field))) throw lacking;
    });
    return worldsOf([], { ...nobody, manifests }, withPriorityClasses(api));
  };
  const { after } = await plan(pod, brings);
  expect(after.find(({ kind }) => kind === 'Pod')).toMatchObject({ spec });
  await expect(plan(pod)).rejects.toThrow(lacking);
  await expect(plan(pod, { ...brings, metadata: { ...brings.metadata, name: 'other' } })).rejects.toThrow(lacking);
});

test('what is of the cluster is in no namespace, and all else is in the one given', async () => {
  const manifests = await parseManifests(
    `apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: own}
`,
    'a.yaml',
  );
  const { after } = await worldsOf([], { ...nobody, manifests });
  expect(after.map(({ metadata }) => metadata.namespace)).toEqual([undefined, undefined, 'demo']);
});

test('a kind of somebody else is not the one of the same name', async () => {
  const present = [service({ clusterIP: '10.96.0.9' })];
  const theirs = { ...service({ template: {} }), apiVersion: 'serving.knative.dev/v1' };
  const { after } = await worldsOf(present, { ...nobody, manifests: [theirs] });
  expect(after).toEqual([...present, { ...theirs, kind: 'Service.serving.knative.dev' }]);
  // A cluster is asked for it by its own name.
  const api = cluster();
  await api.resource<KubeObject>({ group: 'serving.knative.dev', version: 'v1', resource: 'services' }).create(theirs);
  const asked = await worldsOf(present, { ...nobody, manifests: [theirs] }, serving(api));
  expect(asked.before.map(({ kind }) => kind)).toEqual(['Service', 'Service.serving.knative.dev']);
  expect(asked.after.map(({ kind }) => kind)).toEqual(['Service', 'Service.serving.knative.dev']);
  expect(asked.after[0]).toEqual(present[0]);
});

/** A cluster that has Knative's Services. */
const serving = (api: FakeApi): Client =>
  alsoServing(api, 'serving.knative.dev', { name: 'services', kind: 'Service', namespaced: true, verbs: ['get'] });

const withPriorityClasses = (api: FakeApi): Client =>
  alsoServing(api, 'scheduling.k8s.io', {
    name: 'priorityclasses',
    kind: 'PriorityClass',
    namespaced: false,
    verbs: ['get'],
  });

function alsoServing(api: FakeApi, group: string, resource: object): Client {
  const groupVersion = `${group}/v1`;
  const documents: Readonly<Record<string, object>> = {
    '/apis': { groups: [{ name: group, versions: [{ groupVersion, version: 'v1' }] }] },
    [`/apis/${groupVersion}`]: { groupVersion, resources: [resource] },
  };
  return {
    resource: (which) => api.resource(which),
    raw: async (request: RawRequest) => {
      const found = documents[request.path];
      return found ? { status: 200, headers: {}, body: bodyOf(found) } : api.raw(request);
    },
  };
}

test('an object whose definition comes with it is planned as it is written, which is said', async () => {
  const definition = (scope: string) =>
    ({
      kind: 'CustomResourceDefinition',
      apiVersion: 'apiextensions.k8s.io/v1',
      metadata: { name: 'things.example.com' },
      spec: { group: 'example.com', scope, names: { kind: 'Thing', plural: 'things' }, versions: [{ name: 'v1' }] },
    }) as unknown as KubeObject;
  const thing = (version = 'v1') => ({
    kind: 'Thing',
    apiVersion: `example.com/${version}`,
    metadata: { name: 'one' },
  });
  const worlds = (scope: string, object = thing()) =>
    worldsOf([], { ...nobody, manifests: [definition(scope), object] }, cluster());
  const namespaced = await worlds('Namespaced');
  expect(namespaced.after[1]).toMatchObject({
    kind: 'Thing.example.com',
    metadata: { name: 'one', namespace: 'demo' },
  });
  expect(namespaced.notes).toEqual([
    'Thing.example.com demo/one: its definition comes with it, and no server could judge it yet',
  ]);
  expect((await worlds('Cluster')).after[1]?.metadata).toEqual({ name: 'one' });
  await expect(worlds('Cluster', thing('v2'))).rejects.toThrow('the cluster serves no Thing of example.com/v2');
});

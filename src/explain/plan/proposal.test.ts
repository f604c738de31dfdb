import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, StatusError } from '../../apimachinery/status.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import type { Client, RawRequest } from '../../client/types.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { worldsOf } from './proposal.ts';

const service = (spec: object = {}): KubeObject =>
  ({ kind: 'Service', apiVersion: 'v1', metadata: { name: 'web', namespace: 'demo' }, spec }) as KubeObject;

const unasked = badRequest('admission webhook "w.example.com" does not support dry run');
const nobody = { manifests: [], without: [], namespace: 'demo' };

function cluster(): FakeApi {
  return new FakeApi({ clock: new FakeClock(), random: new FakeRandom() });
}

/** Of which deletions are answered with an error. */
function refusing(error: StatusError): Client {
  const api = cluster();
  const body = async function* () {
    yield Buffer.from(JSON.stringify(error.status));
  };
  return {
    resource: (resource) => api.resource(resource),
    raw: async (request: RawRequest) =>
      request.method === 'DELETE' ? { status: error.status.code, headers: {}, body: body() } : api.raw(request),
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

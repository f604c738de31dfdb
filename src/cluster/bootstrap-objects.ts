// What is there from the first start: the system's namespaces and priority classes.
import { systemPriorityClasses } from '../api/scheduling/v1/priorityclass/system.ts';
import type { Transport } from '../client/types.ts';
import type { Storage } from '../storage/storage.ts';

/** The form in which objects are stored; a store of another is not touched. */
const storeFormat = '1';
const formatKey = '/portico/store-format';

/** Marks a new store. Throws a one-line Error for a store in a form that this version does not know. */
export async function markStore(storage: Storage): Promise<void> {
  const { item } = await storage.get(formatKey);
  if (item?.value === storeFormat) return;
  if (item) throw new Error(`the store is of format ${item.value}; this version of Portico knows ${storeFormat} only`);
  if ((await storage.range({ prefix: '/registry/', limit: 1 })).count > 0) {
    throw new Error('the store holds objects of another program under /registry/; Portico needs an etcd of its own');
  }
  await storage.transact({
    compare: [{ key: formatKey, modRevision: 0 }],
    operations: [{ type: 'put', key: formatKey, value: storeFormat }],
  });
}

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Makes what is missing; leaves alone what is there. */
export async function createBootstrapObjects(transport: Transport): Promise<void> {
  for (const name of namespaces) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await createUnlessPresent(transport, '/api/v1/namespaces', namespace);
  }
  const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
  await Promise.all(systemPriorityClasses.map((one) => createUnlessPresent(transport, classes, { ...one })));
}

async function createUnlessPresent(
  transport: Transport,
  path: string,
  object: { readonly metadata: { readonly name: string }; readonly [field: string]: unknown },
): Promise<void> {
  const { name } = object.metadata;
  const present = await transport.request({ method: 'GET', path: `${path}/${name}` });
  if (present.status === 200) return;
  const response = await transport.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(object),
  });
  if (response.status === 201 || response.status === 409) return;
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  throw new Error(`cannot create ${path}/${name}: ${Buffer.concat(chunks).toString().trim()}`);
}

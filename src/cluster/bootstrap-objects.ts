// What is there from the first start: the system's namespaces, priority classes, policy, and the APIServices of what is built in.
import type { APIService } from '../api/apiregistration/v1/types.generated.ts';
import { systemPriorityClasses } from '../api/scheduling/v1/priorityclass/system.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { ensureBootstrapPolicy, type PolicyAccess } from '../apiserver/authorization/reconcile-policy.ts';
import { apiServices, namespaces as namespaceResource, priorityClasses } from '../client/resources.ts';
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

/** Makes what is missing; leaves alone what is there, save that the policy gets back what it lacks. */
export async function ensureBootstrapObjects(access: PolicyAccess, services: readonly APIService[]): Promise<void> {
  const { create } = access;
  const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await Promise.all([
    ...namespaces.map((name) => create(namespaceResource, namespace(name))),
    ...systemPriorityClasses.map((one) => create(priorityClasses, one)),
    ...services.map((one) => create(apiServices, one)),
    ensureBootstrapPolicy(access),
  ]);
}

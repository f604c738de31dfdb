// Gives each namespace the ConfigMap by which pods trust the API server.
import type { ConfigMap, Namespace } from '../../api/core/v1/types.generated.ts';
import { configMaps, namespaces } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController } from '../controller.ts';
import { configMapName, reconcile } from './reconcile.ts';

export function rootCAPublisher(context: ControllerContext): Controller {
  const { client, informers, config } = context;
  const namespaceInformer = informers.informer<Namespace>(namespaces);
  const mapInformer = informers.informer<ConfigMap>(configMaps, { fieldSelector: `metadata.name=${configMapName}` });
  const maps = client.resource<ConfigMap>(configMaps);
  const waitFor = [namespaceInformer, mapInformer];
  const name = 'root-ca-certificate-publisher-controller';
  const controller = new KeyedController({ name, context, waitFor, sync });
  const enqueue = (namespace: Readonly<Namespace>) => controller.queue.add(namespace.metadata.name);
  const enqueueNamespaceOf = (map: Readonly<ConfigMap>) => controller.queue.add(map.metadata.namespace ?? '');
  namespaceInformer.addHandler({ added: enqueue, updated: enqueue });
  mapInformer.addHandler({ updated: enqueueNamespaceOf, deleted: enqueueNamespaceOf });

  async function sync(key: string) {
    const namespace = namespaceInformer.lister.get(key);
    const present = mapInformer.lister.get(configMapName, key);
    const wanted = namespace && reconcile(namespace, present, config.rootCA);
    if (wanted) await (present ? maps.update(wanted) : maps.create(wanted));
    return undefined;
  }

  return controller;
}

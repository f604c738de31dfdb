// Gives each namespace its ServiceAccount `default`.
import type { Namespace, ServiceAccount } from '../../api/core/v1/types.generated.ts';
import { isAlreadyExists } from '../../apimachinery/status.ts';
import { namespaces, serviceAccounts } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController } from '../controller.ts';
import { reconcile } from './reconcile.ts';

export function serviceAccountController(context: ControllerContext): Controller {
  const namespaceInformer = context.informers.informer<Namespace>(namespaces);
  const accountInformer = context.informers.informer<ServiceAccount>(serviceAccounts);
  const accounts = context.client.resource<ServiceAccount>(serviceAccounts);
  const waitFor = [namespaceInformer, accountInformer];
  const controller = new KeyedController({ name: 'serviceaccount-controller', context, waitFor, sync });
  const enqueue = (namespace: Readonly<Namespace>) => controller.queue.add(namespace.metadata.name);
  namespaceInformer.addHandler({ added: enqueue, updated: enqueue });
  accountInformer.addHandler({
    deleted: (account) => controller.queue.add(account.metadata.namespace ?? ''),
  });

  async function sync(name: string) {
    const namespace = namespaceInformer.lister.get(name);
    const create = namespace && reconcile(namespace, accountInformer.lister.list(name));
    for (const account of create ?? []) {
      await accounts.create(account).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
    }
    return undefined;
  }

  return controller;
}

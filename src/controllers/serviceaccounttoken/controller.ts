// Fills Secrets of type kubernetes.io/service-account-token with a token of the account that they name, and deletes them
// with it.
import type { Secret, ServiceAccount } from '../../api/core/v1/types.generated.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { ignoreNotFound } from '../../apimachinery/status.ts';
import { secrets, serviceAccounts } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController } from '../controller.ts';
import { accountOf, reconcile, secretType } from './reconcile.ts';

export function serviceAccountTokenController(context: ControllerContext): Controller {
  const { client, informers, config } = context;
  const secretInformer = informers.informer<Secret>(secrets, { fieldSelector: `type=${secretType}` });
  const accountInformer = informers.informer<ServiceAccount>(serviceAccounts);
  const api = client.resource<Secret>(secrets);
  const accounts = client.resource<ServiceAccount>(serviceAccounts);
  const waitFor = [secretInformer, accountInformer];
  const controller = new KeyedController({ name: 'serviceaccount-token-controller', context, waitFor, sync });
  const enqueue = (secret: Readonly<Secret>) => controller.queue.add(objectKey(secret));
  const enqueueOf = ({ metadata }: Readonly<ServiceAccount>) => {
    for (const secret of secretInformer.lister.list(metadata.namespace)) {
      if (accountOf(secret) === metadata.name) enqueue(secret);
    }
  };
  secretInformer.addHandler({ added: enqueue, updated: enqueue });
  accountInformer.addHandler({ added: enqueueOf, deleted: enqueueOf });

  async function sync(key: string) {
    const [namespace = '', name = ''] = key.split('/');
    const secret = secretInformer.lister.get(name, namespace);
    const sign = config.signLegacyToken;
    if (!secret || !sign) return undefined;
    const accountName = accountOf(secret) ?? '';
    const decide = (account: Readonly<ServiceAccount> | undefined) =>
      reconcile(secret, account, { rootCA: config.rootCA, sign });
    let decided = decide(accountInformer.lister.get(accountName, namespace));
    // The cache of accounts may be behind that of Secrets, and what is deleted is gone.
    if (decided === 'delete') decided = decide(await accounts.get(accountName, namespace).catch(ignoreNotFound));
    const { uid } = secret.metadata;
    if (decided === 'delete') await api.delete(name, namespace, { preconditions: { ...(uid && { uid }) } });
    else if (decided) await api.update(decided.update);
    return undefined;
  }

  return controller;
}

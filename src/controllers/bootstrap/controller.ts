// Removes bootstrap tokens when they end, and keeps kube-public/cluster-info signed by those that there are.
import type { ConfigMap, Secret } from '../../api/core/v1/types.generated.ts';
import { configMaps, secrets } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, onEveryChange } from '../controller.ts';
import { clusterInfo, signed, timeLeft, tokenNamespace, tokenType } from './reconcile.ts';

function tokenInformer({ informers }: ControllerContext) {
  return informers.informer<Secret>(secrets, { namespace: tokenNamespace, fieldSelector: `type=${tokenType}` });
}

export function tokenCleaner(context: ControllerContext): Controller {
  const { client, clock } = context;
  const tokens = tokenInformer(context);
  const controller = new KeyedController({ name: 'token-cleaner-controller', context, waitFor: [tokens], sync });
  const enqueue = ({ metadata }: Readonly<Secret>) => controller.queue.add(metadata.name);
  tokens.addHandler({ added: enqueue, updated: enqueue });

  async function sync(name: string) {
    const token = tokens.lister.get(name, tokenNamespace);
    const left = token && timeLeft(token, clock.now());
    if (!token || left === undefined) return undefined;
    if (left > 0) return { requeueAfter: left };
    const { uid } = token.metadata;
    const preconditions = { ...(uid && { uid }) };
    await client.resource<Secret>(secrets).delete(name, tokenNamespace, { preconditions });
    return undefined;
  }

  return controller;
}

export function bootstrapSigner(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const tokens = tokenInformer(context);
  const { namespace, name } = clusterInfo;
  const infos = informers.informer<ConfigMap>(configMaps, { namespace, fieldSelector: `metadata.name=${name}` });
  const waitFor = [tokens, infos];
  const controller = new KeyedController({ name: 'bootstrap-signer-controller', context, waitFor, sync });
  const enqueue = () => controller.queue.add(name);
  onEveryChange(tokens, enqueue);
  infos.addHandler({ added: enqueue, updated: enqueue });

  /** Nothing is made: a cluster without the ConfigMap wants none. */
  async function sync(): Promise<undefined> {
    const info = infos.lister.get(name, namespace);
    const wanted = info && signed(info, tokens.lister.list(), clock.now());
    if (wanted) await client.resource<ConfigMap>(configMaps).update(wanted);
  }

  return controller;
}

// Deletes finished Jobs once their time is over.
import type { Job } from '../../api/batch/v1/types.generated.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { isNotFound } from '../../apimachinery/status.ts';
import { jobs } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, type SyncResult } from '../controller.ts';
import { untilExpired } from './reconcile.ts';

export function ttlAfterFinishedController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const informer = informers.informer<Job>(jobs);
  const api = client.resource<Job>(jobs);
  const name = 'ttl-after-finished-controller';
  const controller = new KeyedController({ name, context, waitFor: [informer], sync });
  const enqueue = (job: Readonly<Job>) => {
    if (untilExpired(job, clock.now()) !== undefined) controller.queue.add(objectKey(job));
  };
  informer.addHandler({ added: enqueue, updated: enqueue });

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', jobName = ''] = key.split('/');
    const cached = informer.lister.get(jobName, namespace);
    const left = cached && untilExpired(cached, clock.now());
    if (left === undefined) return undefined;
    if (left > 0) return { requeueAfter: left };
    try {
      // The time may have been made longer a moment ago.
      const { uid = '', resourceVersion = '' } = (await api.get(jobName, namespace)).metadata;
      if (uid !== cached?.metadata.uid || resourceVersion !== cached.metadata.resourceVersion) return undefined;
      const preconditions = { uid, resourceVersion };
      await api.delete(jobName, namespace, { propagationPolicy: 'Foreground', preconditions });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return undefined;
  }

  return controller;
}

// Gives each node its podCIDRs.
import type { Node } from '../../api/core/v1/types.generated.ts';
import { ignoreNotFound } from '../../apimachinery/status.ts';
import { nodes } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, recorderOf } from '../controller.ts';
import { allocate, nodeCIDRMaskSizes, rangesOf } from './reconcile.ts';

export function nodeIPAMController(context: ControllerContext): Controller {
  const { client, informers, config } = context;
  const informer = informers.informer<Node>(nodes);
  const nodeClient = client.resource<Node>(nodes);
  const recorder = recorderOf(context, 'cidrAllocator');
  const ranges = rangesOf(config.clusterCIDRs, nodeCIDRMaskSizes);
  /** Given out, or about to be, but not yet in the cache. */
  const given = new Map<string, readonly string[]>();
  // One worker: two nodes must not be given the same block.
  const controller = new KeyedController({
    name: 'node-ipam-controller',
    context,
    waitFor: [informer],
    workers: 1,
    sync,
  });
  const enqueue = (node: Readonly<Node>) => {
    if (node.spec?.podCIDRs?.length) given.delete(node.metadata.name);
    else controller.queue.add(node.metadata.name);
  };
  informer.addHandler({ added: enqueue, updated: enqueue, deleted: (node) => given.delete(node.metadata.name) });

  const taken = () => [...informer.lister.list().flatMap((n) => n.spec?.podCIDRs ?? []), ...[...given.values()].flat()];

  async function sync(name: string) {
    const node = informer.lister.get(name);
    if (!node || node.spec?.podCIDRs?.length || ranges.length === 0) return undefined;
    const podCIDRs = given.get(name) ?? allocate(ranges, taken());
    if (!podCIDRs) {
      const message = `Node ${name} status is now: CIDRNotAvailable`;
      recorder.event(node, { type: 'Normal', reason: 'CIDRNotAvailable', message });
      throw new Error('CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range');
    }
    // Kept when the write fails, which may have been made: it is tried again with the same.
    given.set(name, podCIDRs);
    const body = { metadata: { uid: node.metadata.uid }, spec: { podCIDR: podCIDRs[0], podCIDRs } };
    await nodeClient.patch({ name, type: 'merge', body }).catch(ignoreNotFound);
    return undefined;
  }

  return controller;
}

// What caches see of a resource, where that is to be other than what is there.
import type { KubeObject } from '../../apimachinery/object.ts';
import type { FakeApi } from '../../client/fake/fake-api.ts';
import type { Client, ResourceClient } from '../../client/types.ts';

/** Lists and watches of a resource are answered by others from now on; a get still tells what is there. */
export function answerReads(
  api: FakeApi,
  resource: string,
  reads: Partial<Pick<ResourceClient<KubeObject>, 'list' | 'watch'>>,
): void {
  const real: Client['resource'] = api.resource.bind(api);
  api.resource = (asked) => (asked.resource === resource ? Object.assign(real(asked), reads) : real(asked)) as never;
}

/** A cache that is behind: it holds nothing, and nothing new comes. */
export const seesNothing: Pick<ResourceClient<KubeObject>, 'list' | 'watch'> = {
  list: async () => ({ metadata: { resourceVersion: '1' }, items: [] }),
  async *watch({ signal }) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  },
};

// What a running API server keeps in its own store, once who waits for it was told that it is ready: flow control's
// configuration, and the Lease that says that it is there.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import type { ApiServer } from '../apiserver/api-server.ts';
import { createClient } from '../client/rest-client.ts';
import type { Transport } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import { realRandom } from '../system/real/random.ts';
import type { HostPort } from './server-config.ts';

export interface OwnObjects {
  readonly server: ApiServer;
  readonly transport: Transport;
  /** Where the server listens. */
  readonly address: HostPort;
  readonly clock: Clock;
  readonly onError: (error: unknown, what: string) => void;
}

/** Until the signal aborts. */
export async function keepOwnObjects(own: OwnObjects, signal: AbortSignal): Promise<void> {
  const { server, transport, address, clock, onError } = own;
  await nextTurn();
  const [{ ConfigurationKeeper, configurationManager: manager }, { keepServerIdentity }] = await Promise.all([
    import('../apiserver/flowcontrol/configuration-keeper.ts'),
    import('./server-identity.ts'),
  ]);
  if (signal.aborted) return;
  const keeper = new ConfigurationKeeper({
    registry: server.registry,
    create: (resource: GroupVersionResource, object: KubeObject) => server.createOwn({ resource, object, manager }),
    transport,
    clock,
    onError: (error) => onError(error, 'flow control'),
  });
  const told = (error: unknown) => onError(error, 'server identity');
  const identity = { client: createClient(transport), address, clock, random: realRandom, onError: told };
  await Promise.all([keeper.run(signal), keepServerIdentity(identity, signal)]);
}

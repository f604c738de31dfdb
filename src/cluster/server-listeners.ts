// Where a control plane listens, and how it is reached there.
import { isIP } from 'node:net';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { CertificateAuthorities } from '../apiserver/client-certificate.ts';
import { type Handler, Listener } from '../apiserver/listener.ts';
import type { Pki } from '../apiserver/pki/pki.ts';
import { realClock } from '../system/real/clock.ts';
import { realRandom } from '../system/real/random.ts';
import { cannotListen } from './cannot-listen.ts';
import { Failure } from './failure.ts';
import type { HostPort, ServerConfig } from './server-config.ts';

/** Chances are told apart to this part. */
const goawayGrain = 1_000_000;

/** Takes all the ports, or none: throws a Failure that says which one cannot be had. */
export async function listen(
  config: ServerConfig,
  { pki, authorities }: { readonly pki: Pki; readonly authorities: CertificateAuthorities },
  handler: Handler,
): Promise<{ readonly listener: Listener; readonly bound: HostPort }[]> {
  const { goawayChance = 0 } = config.serving ?? {};
  const open: { listener: Listener; bound: HostPort }[] = [];
  for (const { host, port } of config.listen) {
    const options = {
      host,
      port,
      cert: pki.server.certPem,
      key: pki.server.keyPem,
      authorities,
      clock: realClock,
      ...(goawayChance > 0 && { isGoingAway: () => realRandom.int(goawayGrain) < goawayChance * goawayGrain }),
    };
    const listener = new Listener(options, handler);
    try {
      const bound = await listener.listen();
      open.push({ listener, bound: { host, port: bound.port } });
    } catch (error) {
      for (const one of open) await one.listener.close();
      const why = cannotListen(error) ?? `cannot listen on ${urlHost(host)}:${port}: ${errorMessage(error)}`;
      throw new Failure(why, { cause: error });
    }
  }
  return open;
}

export function urlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** How a client on this machine reaches an address that the server listens on. */
export function urlOf({ host, port }: HostPort): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `https://${urlHost(reachable)}:${port}`;
}

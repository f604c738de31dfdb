// How requests are answered, as flags say it: what is not asked for is not there.
import { withCors } from '../apiserver/filters/cors.ts';
import { Draining } from '../apiserver/filters/draining.ts';
import { withTransportSecurity } from '../apiserver/filters/transport-security.ts';
import type { Handler } from '../apiserver/listener.ts';
import { realClock } from '../system/real/clock.ts';

/** kube-apiserver's flags of the same names. */
export interface ServingConfig {
  readonly origins?: readonly RegExp[];
  readonly transportSecurity?: readonly string[];
  /** From 0 to 0.02. */
  readonly goawayChance?: number;
  /** Milliseconds that it goes on once it is to end. */
  readonly shutdownDelay?: number;
  readonly isRetryAfterSent?: boolean;
  /** Milliseconds for any request that is to end. Default: a minute, for those that say `?timeout=`. */
  readonly requestTimeout?: number;
  /** Seconds that a watch lasts at least that says nothing of it. */
  readonly minRequestTimeout?: number;
}

/** Milliseconds that answers may take once clients are sent away, unless flags say otherwise: kube-apiserver's. */
const answeringMs = 60_000;

export interface Serving {
  /** The handler itself, where nothing is asked for. */
  around(handler: Handler): Handler;
  /** What is to pass before listeners are closed; /readyz fails by then. */
  drain(): Promise<void>;
}

export function openServing(config: ServingConfig = {}): Serving {
  const { origins, transportSecurity, shutdownDelay = 0, isRetryAfterSent, requestTimeout } = config;
  const draining = isRetryAfterSent ? new Draining() : undefined;
  return {
    around(handler) {
      let outer = handler;
      if (origins) outer = withCors(outer, origins);
      if (transportSecurity) outer = withTransportSecurity(outer, transportSecurity);
      return draining ? draining.around(outer) : outer;
    },
    async drain() {
      if (shutdownDelay > 0) await realClock.sleep(shutdownDelay);
      await draining?.refuse(realClock, requestTimeout ?? answeringMs);
    },
  };
}

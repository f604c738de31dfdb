// The flags of how requests are answered, named as kube-apiserver's.
import type { Command } from 'commander';
import { errorMessage } from '../apimachinery/error-message.ts';
import { originPattern } from '../apiserver/filters/cors.ts';
import { checkDirective } from '../apiserver/filters/transport-security.ts';
import type { ServingConfig } from '../cluster/serving.ts';
import { isTrue, parseDuration, usage } from './flag-values.ts';

export interface ServingOptions {
  readonly corsAllowedOrigins?: string;
  readonly strictTransportSecurityDirectives?: string;
  readonly goawayChance: string;
  readonly shutdownDelayDuration: string;
  readonly shutdownSendRetryAfter: string | true;
  readonly requestTimeout?: string;
  readonly minRequestTimeout?: string;
  readonly livezGracePeriod: string;
  readonly profiling: string | true;
}

export function servingOptions(command: Command): void {
  command
    .option(
      '--cors-allowed-origins <patterns>',
      'regular expressions of origins whose pages may ask, such as //example\\.com(:|$)',
    )
    .option(
      '--strict-transport-security-directives <list>',
      'of the header Strict-Transport-Security: max-age=SECONDS, includeSubDomains, preload',
    )
    .option(
      '--goaway-chance <part>',
      'of HTTP/2 requests after which the connection is to be made anew; 0.02 at the most',
      '0',
    )
    .option(
      '--shutdown-delay-duration <duration>',
      'how long it goes on answering once it is to end, /readyz aside',
      '0s',
    )
    .option('--shutdown-send-retry-after [bool]', 'after that, send clients away (429) while answers are made', 'false')
    .option(
      '--request-timeout <duration>',
      'time for any request that is no watch and no connection (default: where ?timeout= asks, 1m0s)',
    )
    .option('--min-request-timeout <seconds>', 'how long watches last at least that say nothing of it (default: 1800)')
    .option(
      '--livez-grace-period <duration>',
      'time to start in before /livez fails; it is alive once it answers',
      '0s',
    )
    .option('--profiling [bool]', 'taken as kube-apiserver takes it; there are no such pages', 'true');
}

/** Throws a Failure in upstream's words for what cannot be. */
export function servingConfig(options: ServingOptions): { readonly serving: ServingConfig } {
  const { corsAllowedOrigins, strictTransportSecurityDirectives, requestTimeout, minRequestTimeout } = options;
  parseDuration('--livez-grace-period', options.livezGracePeriod);
  isTrue('--profiling', options.profiling);
  const chance = Number(options.goawayChance);
  if (!(chance >= 0 && chance <= 0.02)) throw usage('--goaway-chance can not be less than 0 or greater than 0.02');
  return {
    serving: {
      ...(corsAllowedOrigins !== undefined && { origins: each(corsAllowedOrigins, originPattern) }),
      ...(strictTransportSecurityDirectives !== undefined && {
        transportSecurity: each(strictTransportSecurityDirectives, checkDirective),
      }),
      goawayChance: chance,
      shutdownDelay: parseDuration('--shutdown-delay-duration', options.shutdownDelayDuration),
      isRetryAfterSent: isTrue('--shutdown-send-retry-after', options.shutdownSendRetryAfter),
      ...(requestTimeout !== undefined && { requestTimeout: parseDuration('--request-timeout', requestTimeout) }),
      ...(minRequestTimeout !== undefined && { minRequestTimeout: seconds(minRequestTimeout) }),
    },
  };
}

function each<T>(text: string, read: (part: string) => T): T[] {
  try {
    return text.split(',').map(read);
  } catch (error) {
    throw usage(errorMessage(error), error);
  }
}

function seconds(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw usage(`--min-request-timeout ${text}: must be a whole number of seconds`);
  return Number(text);
}

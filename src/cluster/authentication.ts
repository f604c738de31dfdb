// Who else is believed beside the cluster's own certificates and tokens, as flags and files say it: `--oidc-*`,
// `--authentication-config`, `--authentication-token-webhook-*`. Loaded only where one of them is given.
import { errorMessage } from '../apimachinery/error-message.ts';
import {
  type AnonymousConfig,
  checkConfiguration,
  issuerOfFlags,
  type JwtIssuer,
  type OidcFlags,
} from '../apiserver/authentication/jwt/configuration.ts';
import { JwtAuthenticator } from '../apiserver/authentication/jwt/jwt-authenticator.ts';
import { WebhookTokens } from '../apiserver/authentication/webhook-tokens.ts';
import { realClock } from '../system/real/clock.ts';
import { Failure } from './failure.ts';
import { readGiven } from './flag-file.ts';
import { openReviewWebhook } from './review-webhook.ts';

/** At most one of the first two. */
export interface AuthenticationFlags {
  readonly oidc?: Omit<OidcFlags, 'ca'> & { readonly caFile?: string };
  /** AuthenticationConfiguration, YAML or JSON. */
  readonly configFile?: string;
  readonly webhook?: TokenWebhookFlags;
}

/** kube-apiserver's `--authentication-token-webhook-*`. */
export interface TokenWebhookFlags {
  /** A kubeconfig. */
  readonly configFile: string;
  /** `v1` or `v1beta1`. */
  readonly version: string;
  /** Milliseconds; 0: answers are not kept. */
  readonly cacheTTL: number;
}

/** Milliseconds that the webhook may take. */
const webhookTimeout = 30_000;

export interface Authentication {
  readonly jwt?: JwtAuthenticator;
  readonly anonymous?: AnonymousConfig;
  readonly webhook?: WebhookTokens;
}

/** Throws a Failure for what cannot be used. */
export async function openAuthentication(
  flags: AuthenticationFlags,
  onError: (error: unknown) => void,
): Promise<Authentication> {
  const what = flags.configFile === undefined ? '--oidc-*' : `--authentication-config ${flags.configFile}`;
  try {
    const { jwt, anonymous } = await read(flags);
    return {
      ...(flags.webhook && { webhook: await openTokenWebhook(flags.webhook, onError) }),
      ...(jwt.length > 0 && { jwt: await JwtAuthenticator.create(jwt, { clock: realClock, onError }) }),
      ...(anonymous && { anonymous }),
    };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${what}: ${errorMessage(error)}`, { cause: error, exitCode: 2 });
  }
}

async function openTokenWebhook(
  { configFile, version, cacheTTL }: TokenWebhookFlags,
  onError: (error: unknown) => void,
): Promise<WebhookTokens> {
  try {
    const webhook = await openReviewWebhook(configFile, webhookTimeout);
    return new WebhookTokens({ webhook, version, cacheTTL, clock: realClock, onError });
  } catch (error) {
    const why = errorMessage(error);
    const what = `--authentication-token-webhook-config-file ${configFile}`;
    throw new Failure(`${what}: ${why}`, { cause: error, exitCode: 2 });
  }
}

async function read({ oidc, configFile }: AuthenticationFlags): Promise<{
  readonly jwt: readonly JwtIssuer[];
  readonly anonymous?: AnonymousConfig;
}> {
  if (configFile !== undefined) {
    const { parse } = await import('yaml');
    const { checkExpression } = await import('../apiserver/authentication/jwt/expressions.ts');
    return checkConfiguration(parse(await readGiven(configFile)), checkExpression);
  }
  if (!oidc) return { jwt: [] };
  const { caFile, ...flags } = oidc;
  return { jwt: [issuerOfFlags({ ...flags, ...(caFile !== undefined && { ca: await readGiven(caFile) }) })] };
}

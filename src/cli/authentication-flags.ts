// `--oidc-*`, `--authentication-*` and `--anonymous-auth` of `portico server`, as kube-apiserver has them.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { AuthenticationFlags } from '../cluster/authentication.ts';
import { isTrue, parseDuration, repeatedLists, usage } from './flag-values.ts';

export interface AuthenticationOptions {
  readonly oidcIssuerUrl?: string;
  readonly oidcClientId?: string;
  readonly oidcCaFile?: string;
  readonly oidcUsernameClaim?: string;
  readonly oidcUsernamePrefix?: string;
  readonly oidcGroupsClaim?: string;
  readonly oidcGroupsPrefix?: string;
  readonly oidcSigningAlgs?: string;
  readonly oidcRequiredClaim?: string[];
  readonly authenticationConfig?: string;
  readonly authenticationTokenWebhookConfigFile?: string;
  readonly authenticationTokenWebhookVersion?: string;
  readonly authenticationTokenWebhookCacheTtl?: string;
  readonly anonymousAuth?: string;
}

export function authenticationOptions(command: Command): void {
  command
    .option('--oidc-issuer-url <url>', 'issuer of ID tokens that are believed, https only')
    .option('--oidc-client-id <id>', 'whom such a token must be for')
    .option('--oidc-ca-file <file>', "authorities of the issuer's server (default: this machine's)")
    .option('--oidc-username-claim <name>', 'claim that names the user (default: sub)')
    .option('--oidc-username-prefix <text>', "before users' names; - for none (default: the issuer and #)")
    .option('--oidc-groups-claim <name>', "claim that names the user's groups")
    .option('--oidc-groups-prefix <text>', "before groups' names")
    .option('--oidc-signing-algs <names>', 'algorithms of signatures (default: RS256)')
    .option('--oidc-required-claim <name=value>', 'claims that a token must have, repeatable', repeatedLists)
    .option('--authentication-config <file>', 'AuthenticationConfiguration, in place of --oidc-*')
    .option('--authentication-token-webhook-config-file <file>', 'kubeconfig of a server that knows further tokens')
    .option('--authentication-token-webhook-version <version>', 'of the TokenReviews sent to it (default: v1beta1)')
    .option('--authentication-token-webhook-cache-ttl <duration>', 'how long its answers are kept (default: 2m0s)')
    .option('--anonymous-auth <bool>', 'whether who shows no credentials is system:anonymous (default: true)');
}

/** Undefined: nobody else is believed. Throws a Failure for flags that do not fit together. */
export function authenticationFlags(flags: AuthenticationOptions): AuthenticationFlags | undefined {
  const { oidcIssuerUrl: issuerURL, oidcClientId: clientID, authenticationConfig } = flags;
  const hasOidc = Object.entries(flags).some(([name, value]) => name.startsWith('oidc') && value !== undefined);
  const webhook = tokenWebhook(flags);
  if (authenticationConfig !== undefined) {
    if (hasOidc) throw usage('--authentication-config and --oidc-* exclude each other');
    return { configFile: resolve(authenticationConfig), ...webhook };
  }
  if (!hasOidc) return webhook;
  if (!issuerURL || !clientID) {
    throw usage('--oidc-issuer-url and --oidc-client-id must be given together');
  }
  return {
    ...webhook,
    oidc: {
      issuerURL,
      clientID,
      requiredClaims: Object.fromEntries((flags.oidcRequiredClaim ?? []).map(pairOf)),
      ...(flags.oidcCaFile !== undefined && { caFile: resolve(flags.oidcCaFile) }),
      ...(flags.oidcUsernameClaim && { usernameClaim: flags.oidcUsernameClaim }),
      ...(flags.oidcUsernamePrefix && { usernamePrefix: flags.oidcUsernamePrefix }),
      ...(flags.oidcGroupsClaim && { groupsClaim: flags.oidcGroupsClaim }),
      ...(flags.oidcGroupsPrefix && { groupsPrefix: flags.oidcGroupsPrefix }),
      ...(flags.oidcSigningAlgs && { signingAlgorithms: flags.oidcSigningAlgs.split(',') }),
    },
  };
}

function tokenWebhook(flags: AuthenticationOptions): Pick<AuthenticationFlags, 'webhook'> | undefined {
  const { authenticationTokenWebhookConfigFile: file, authenticationTokenWebhookVersion: version = 'v1beta1' } = flags;
  const { authenticationTokenWebhookCacheTtl: ttl = '2m0s' } = flags;
  if (file === undefined) return undefined;
  if (version !== 'v1' && version !== 'v1beta1') {
    const why = `unsupported authentication webhook version ${JSON.stringify(version)}`;
    throw usage(`${why}, supported versions are "v1", "v1beta1"`);
  }
  const cacheTTL = parseDuration('--authentication-token-webhook-cache-ttl', ttl);
  return { webhook: { configFile: resolve(file), version, cacheTTL } };
}

/** Undefined: as the configuration file says, or by default. */
export function isAnonymousAllowed({ anonymousAuth }: AuthenticationOptions): boolean | undefined {
  return anonymousAuth === undefined ? undefined : isTrue('--anonymous-auth', anonymousAuth);
}

function pairOf(text: string): [string, string] {
  const mark = text.indexOf('=');
  if (mark > 0) return [text.slice(0, mark), text.slice(mark + 1)];
  throw usage(`--oidc-required-claim ${text}: must be NAME=VALUE`);
}

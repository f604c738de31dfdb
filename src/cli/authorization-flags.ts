// `--authorization-*` of `portico server`, as kube-apiserver has them.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { aggregate } from '../apimachinery/aggregate.ts';
import { type AuthorizerType, authorizerTypes } from '../apiserver/authorization/authorizer-types.ts';
import type { AuthorizationFlags } from '../cluster/authorization.ts';
import { parseDuration, usage } from './flag-values.ts';

export interface AuthorizationOptions {
  readonly authorizationMode?: string;
  readonly authorizationConfig?: string;
  readonly authorizationPolicyFile?: string;
  readonly authorizationWebhookConfigFile?: string;
  readonly authorizationWebhookVersion?: string;
  readonly authorizationWebhookCacheAuthorizedTtl?: string;
  readonly authorizationWebhookCacheUnauthorizedTtl?: string;
}

export function authorizationOptions(command: Command): void {
  const webhook = '--authorization-webhook';
  command
    .option(
      '--authorization-mode <names>',
      `authorizers in turn, of ${authorizerTypes.join(', ')} (default: Node,RBAC)`,
    )
    .option(
      '--authorization-config <file>',
      'AuthorizationConfiguration, in place of the other --authorization-* flags',
    )
    .option('--authorization-policy-file <file>', 'policies of ABAC, a JSON object a line')
    .option(`${webhook}-config-file <file>`, 'kubeconfig of the server that Webhook asks')
    .option(`${webhook}-version <version>`, 'of the SubjectAccessReviews that it is sent (default: v1beta1)')
    .option(`${webhook}-cache-authorized-ttl <duration>`, 'how long its yes is kept (default: 5m0s)')
    .option(`${webhook}-cache-unauthorized-ttl <duration>`, 'how long its no is kept (default: 30s)');
}

/** Undefined: the node authorizer and RBAC, which need nothing. Throws a Failure for flags that do not fit together. */
export function authorizationFlags(flags: AuthorizationOptions): AuthorizationFlags | undefined {
  const { authorizationMode, authorizationConfig, authorizationPolicyFile: policyFile } = flags;
  const others = Object.entries(flags).filter(
    ([name, value]) => name.startsWith('authorization') && name !== 'authorizationConfig' && value !== undefined,
  );
  if (authorizationConfig !== undefined) {
    if (others.length === 0) return { configFile: resolve(authorizationConfig) };
    const why = 'can not be specified when --authorization-mode or --authorization-webhook-* flags are defined';
    throw usage(`--authorization-config ${why}`);
  }
  const modes = (authorizationMode ?? 'Node,RBAC').split(',');
  const errors = modeErrors(modes, flags);
  if (errors.length > 0) throw usage(aggregate(errors));
  if (modes.length === 2 && modes.includes('Node') && modes.includes('RBAC')) return undefined;
  return {
    modes: modes as readonly AuthorizerType[],
    ...(policyFile !== undefined && { policyFile: resolve(policyFile) }),
    ...webhookFlags(flags),
  };
}

/** In kube-apiserver's words. */
function modeErrors(
  modes: readonly string[],
  { authorizationPolicyFile: policyFile, authorizationWebhookConfigFile: webhookFile }: AuthorizationOptions,
): string[] {
  const errors: string[] = [];
  for (const mode of modes) {
    if (!authorizerTypes.some((one) => one === mode)) {
      errors.push(`authorization-mode ${JSON.stringify(mode)} is not a valid mode`);
    }
    if (mode === 'ABAC' && !policyFile) {
      errors.push("authorization-mode ABAC's authorization policy file not passed");
    }
    if (mode === 'Webhook' && !webhookFile) {
      errors.push("authorization-mode Webhook's authorization config file not passed");
    }
  }
  if (policyFile && !modes.includes('ABAC')) {
    errors.push('cannot specify --authorization-policy-file without mode ABAC');
  }
  if (webhookFile && !modes.includes('Webhook')) {
    errors.push('cannot specify --authorization-webhook-config-file without mode Webhook');
  }
  if (new Set(modes).size < modes.length) {
    const printed = `[${modes.map((mode) => JSON.stringify(mode)).join(' ')}]`;
    errors.push(`authorization-mode ${printed} has mode specified more than once`);
  }
  return errors;
}

function webhookFlags(flags: AuthorizationOptions): Pick<AuthorizationFlags & { configFile?: undefined }, 'webhook'> {
  const { authorizationWebhookConfigFile: file, authorizationWebhookVersion: version = 'v1beta1' } = flags;
  const { authorizationWebhookCacheAuthorizedTtl: authorized = '5m0s' } = flags;
  const { authorizationWebhookCacheUnauthorizedTtl: unauthorized = '30s' } = flags;
  if (file === undefined) return {};
  if (version !== 'v1' && version !== 'v1beta1') {
    const why = `unsupported webhook authorizer version ${JSON.stringify(version)}`;
    throw usage(`${why}, supported versions are "v1", "v1beta1"`);
  }
  return {
    webhook: {
      configFile: resolve(file),
      version,
      authorizedTTL: parseDuration('--authorization-webhook-cache-authorized-ttl', authorized),
      unauthorizedTTL: parseDuration('--authorization-webhook-cache-unauthorized-ttl', unauthorized),
    },
  };
}

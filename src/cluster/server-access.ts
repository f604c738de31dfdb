// Whom a control plane believes when they say who asks, and where it notes what they ask: what flags and files say of it.
import type { RequestHeaderConfig } from '../apiserver/authentication/request-header.ts';
import type { ApiMetrics } from '../apiserver/metrics/api-metrics.ts';
import type { Pki } from '../apiserver/pki/pki.ts';
import type { SecurityOptions } from '../apiserver/security.ts';
import type { OpenAudit } from './audit.ts';
import type { OpenAuthorization } from './authorization.ts';
import { readAuthorities, readFlagFile } from './flag-file.ts';
import { openFrontProxy } from './front-proxy.ts';
import type { ServerConfig } from './server-config.ts';

export interface Access extends Pick<SecurityOptions, 'tokenFile' | 'jwt' | 'anonymous' | 'webhook' | 'authorizerOf'> {
  readonly requestHeader: RequestHeaderConfig;
  /** PEM of who signs the certificates of kubelets that listen; undefined: these are not looked at. */
  readonly kubeletCA: string | undefined;
  /** Undefined where the usual authorizers are in force. */
  readonly authorization: OpenAuthorization | undefined;
}

/** Throws a Failure for what is not there or cannot be understood. */
export async function openAccess(config: ServerConfig, pki: Pki): Promise<Access> {
  const { authentication, authorization, onError } = config;
  const opening = authorization && import('./authorization.ts').then((it) => it.openAuthorization(authorization));
  const openedAuthorization = await opening;
  const deciding = { authorization: openedAuthorization, authorizerOf: openedAuthorization?.authorizerOf };
  // As upstream: where everybody may do everything, nobody stays unnamed.
  const isAllAllowed = authorization?.configFile === undefined && authorization?.modes.includes('AlwaysAllow');
  const anonymousAuth = isAllAllowed ? false : config.anonymousAuth;
  const tokenFile = await readTokenFile(config.tokenAuthFile);
  const requestHeader = await openFrontProxy(config.frontProxy ?? {}, pki);
  const kubeletCA = await readAuthorities('--kubelet-certificate-authority', config.kubeletCAFile);
  const anonymous = anonymousAuth === undefined ? undefined : { enabled: anonymousAuth };
  if (!authentication) return { tokenFile, requestHeader, kubeletCA, anonymous, ...deciding };
  const { openAuthentication } = await import('./authentication.ts');
  const opened = await openAuthentication(authentication, (error) => onError(error, 'authentication'));
  return { ...opened, tokenFile, requestHeader, kubeletCA, ...deciding, anonymous: anonymous ?? opened.anonymous };
}

/** Undefined where nobody asks for an audit log. */
export async function openAuditLog(
  { audit, onError }: ServerConfig,
  metrics: ApiMetrics,
): Promise<OpenAudit | undefined> {
  if (!audit) return undefined;
  const { openAudit } = await import('./audit.ts');
  return openAudit(audit, {
    onEvent: () => metrics.auditEvents.with().add(),
    onError(error, { plugin, events }) {
      metrics.auditErrors.with(plugin).add(events);
      onError(error, `audit ${plugin}`);
    },
  });
}

async function readTokenFile(
  path: string | undefined,
): Promise<{ readonly path: string; readonly text: string } | undefined> {
  return path === undefined ? undefined : { path, text: await readFlagFile('--token-auth-file', path) };
}

// Who decides what requests may do, as flags and files say it: `--authorization-mode`, `--authorization-config`. Loaded only
// where one of them asks for other authorizers than the usual.
import { statSync } from 'node:fs';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { RbacAuthorizer, RulesAuthorizer } from '../apiserver/authorization/authorizer.ts';
import type { AuthorizerType } from '../apiserver/authorization/authorizer-types.ts';
import {
  type AuthorizerConfiguration,
  checkConfiguration,
  type WebhookConfiguration,
} from '../apiserver/authorization/configuration.ts';
import { nodeLink, rbacLink } from '../apiserver/authorization/rbac-links.ts';
import {
  type AuthorizerLink,
  alwaysAllow,
  alwaysDeny,
  UnionAuthorizer,
} from '../apiserver/authorization/union-authorizer.ts';
import { WebhookAuthorizer } from '../apiserver/authorization/webhook-authorizer.ts';
import type { Clock } from '../system/clock.ts';
import { realClock } from '../system/real/clock.ts';
import { Failure } from './failure.ts';
import { readGiven } from './flag-file.ts';
import { openReviewWebhook } from './review-webhook.ts';

/** kube-apiserver's flags: a file, or modes with what they need. */
export type AuthorizationFlags =
  | { readonly configFile: string }
  | {
      readonly configFile?: undefined;
      readonly modes: readonly AuthorizerType[];
      readonly webhook?: WebhookFlags;
      readonly policyFile?: string;
    };

export interface WebhookFlags {
  /** A kubeconfig. */
  readonly configFile: string;
  /** `v1` or `v1beta1`. */
  readonly version: string;
  /** Milliseconds; 0: answers are not kept. */
  readonly authorizedTTL: number;
  readonly unauthorizedTTL: number;
}

/** Milliseconds that a webhook named by flags may take. */
const flagsTimeout = 30_000;
/** Milliseconds between looks at the configuration file. */
const lookEveryMs = 10_000;

/** An authorizer to be, once there is RBAC to ask. */
export class OpenAuthorization {
  readonly #flags: AuthorizationFlags;
  #configured: readonly AuthorizerConfiguration[];
  #makers: readonly LinkMaker[];
  #text: string;
  #made: { readonly union: UnionAuthorizer; readonly rbac: RbacAuthorizer } | undefined;

  constructor(flags: AuthorizationFlags, { text, configured, makers }: Loaded) {
    this.#flags = flags;
    this.#text = text;
    this.#configured = configured;
    this.#makers = makers;
  }

  readonly authorizerOf = (rbac: RbacAuthorizer): RulesAuthorizer => {
    const union = new UnionAuthorizer(this.#makers.map((make) => make(rbac)));
    this.#made = { union, rbac };
    return union;
  };

  /** Reads the file again when it changes, until the signal aborts; one that cannot be used is told of, and changes nothing. */
  async watch(signal: AbortSignal, { clock, onError }: WatchOptions): Promise<void> {
    if (this.#flags.configFile === undefined) return;
    while (!signal.aborted) {
      await clock.sleep(lookEveryMs, signal).catch(() => undefined);
      if (!signal.aborted) await this.#reload(onError);
    }
  }

  async #reload(onError: (error: unknown) => void): Promise<void> {
    try {
      const text = await readText(this.#flags);
      if (text === this.#text) return;
      // Told of once, where it cannot be used.
      this.#text = text;
      const { configured, makers } = await load(this.#flags, text);
      const missing = localTypes(this.#configured).filter((type) => !localTypes(configured).includes(type));
      if (missing.length > 0) throw new Error(`missing required types: [${missing.sort().join(' ')}]`);
      this.#configured = configured;
      this.#makers = makers;
      const { union, rbac } = this.#made ?? {};
      if (rbac) union?.replace(makers.map((make) => make(rbac)));
    } catch (error) {
      onError(error);
    }
  }
}

export interface WatchOptions {
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

interface Loaded {
  /** Of the file; empty where there is none. */
  readonly text: string;
  readonly configured: readonly AuthorizerConfiguration[];
  readonly makers: readonly LinkMaker[];
}

/** Throws a Failure for what cannot be used. */
export async function openAuthorization(flags: AuthorizationFlags): Promise<OpenAuthorization> {
  const what = flags.configFile === undefined ? '--authorization-mode' : `--authorization-config ${flags.configFile}`;
  try {
    return new OpenAuthorization(flags, await load(flags, await readText(flags)));
  } catch (error) {
    throw new Failure(`${what}: ${errorMessage(error)}`, { cause: error, exitCode: 2 });
  }
}

async function load(flags: AuthorizationFlags, text: string): Promise<Loaded> {
  const configured = flags.configFile === undefined ? ofFlags(flags) : await readConfiguration(text);
  return { text, configured, makers: await Promise.all(configured.map((one) => linkMaker(one, flags))) };
}

async function readText({ configFile }: AuthorizationFlags): Promise<string> {
  return configFile === undefined ? '' : readGiven(configFile);
}

async function readConfiguration(text: string): Promise<readonly AuthorizerConfiguration[]> {
  const { parse } = await import('yaml');
  const { expressionError } = await import('../apiserver/authorization/match-conditions.ts');
  return checkConfiguration(parse(text), { expression: expressionError, file: fileError });
}

/** Those that no later file may leave out. */
function localTypes(configured: readonly AuthorizerConfiguration[]): string[] {
  return configured.map(({ type }) => type).filter((type) => type !== 'Webhook');
}

/** As Go tells it. */
function fileError(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return `error loading file: stat ${path}: no such file or directory`;
  return found.isFile() ? undefined : 'must be a regular file';
}

function ofFlags({ modes, webhook }: Extract<AuthorizationFlags, { configFile?: undefined }>) {
  return modes.map((type): AuthorizerConfiguration => {
    if (type !== 'Webhook' || !webhook) return { type, name: type.toLowerCase() };
    const { configFile, version, authorizedTTL, unauthorizedTTL } = webhook;
    const configuration: WebhookConfiguration = {
      authorizedTTL,
      unauthorizedTTL,
      cacheAuthorizedRequests: authorizedTTL > 0,
      cacheUnauthorizedRequests: unauthorizedTTL > 0,
      timeout: flagsTimeout,
      subjectAccessReviewVersion: version,
      matchConditionSubjectAccessReviewVersion: 'v1',
      failurePolicy: 'NoOpinion',
      connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: configFile },
      matchConditions: [],
    };
    return { type, name: 'default', webhook: configuration };
  });
}

type LinkMaker = (rbac: RbacAuthorizer) => AuthorizerLink;

async function linkMaker(
  { type, name, webhook }: AuthorizerConfiguration,
  flags: AuthorizationFlags,
): Promise<LinkMaker> {
  switch (type) {
    case 'Node':
      return nodeLink;
    case 'RBAC':
      return rbacLink;
    case 'AlwaysAllow':
      return () => alwaysAllow;
    case 'AlwaysDeny':
      return () => alwaysDeny;
    case 'ABAC': {
      const policyFile = flags.configFile === undefined ? flags.policyFile : undefined;
      if (policyFile === undefined)
        throw new Error('ABAC needs a policy file, which --authorization-policy-file names');
      const link = await readAbac(policyFile);
      return () => link;
    }
    case 'Webhook': {
      const link = await webhookLink(name, webhook!);
      return () => link;
    }
  }
}

async function readAbac(path: string): Promise<AuthorizerLink> {
  const { abacLink, parsePolicies } = await import('../apiserver/authorization/abac.ts');
  return abacLink(parsePolicies(await readGiven(path), path));
}

async function webhookLink(name: string, configuration: WebhookConfiguration): Promise<AuthorizerLink> {
  const { connectionInfo, timeout, matchConditions } = configuration;
  const { kubeConfigFile } = connectionInfo;
  if (kubeConfigFile === undefined) throw new Error(`${connectionInfo.type} is not for the API server itself`);
  const webhook = await openReviewWebhook(kubeConfigFile, timeout);
  const expressions = matchConditions.map(({ expression }) => expression);
  const conditions =
    expressions.length > 0 ? await import('../apiserver/authorization/match-conditions.ts') : undefined;
  const matcher = conditions?.matcherOf(expressions);
  const authorizer = new WebhookAuthorizer({ configuration, webhook, matcher, clock: realClock });
  return {
    type: 'Webhook',
    name,
    authorize: (attributes) => authorizer.authorize(attributes),
    rulesFor: () => authorizer.rulesFor(),
  };
}

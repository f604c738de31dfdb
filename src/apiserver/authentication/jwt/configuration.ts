// Which issuers of tokens are believed, and what their claims mean: from kube-apiserver's `--oidc-*` flags, or from a file
// (apiserver.config.k8s.io AuthenticationConfiguration). Pure: the file is parsed YAML or JSON.

import { aggregate } from '../../../apimachinery/aggregate.ts';
import { fieldErrorMessage } from '../../../apimachinery/validation/field-error.ts';
import { bool, type Decoded, decodeConfiguration, list, struct, text, texts } from '../../configuration-decode.ts';
import { type CheckExpression, validateConfiguration } from './validation.ts';

export interface ClaimOrExpression {
  readonly claim?: string;
  /** CEL over `claims`. */
  readonly expression?: string;
}

export interface PrefixedClaim extends ClaimOrExpression {
  /** Before each value of a claim; expressions have none. */
  readonly prefix?: string;
}

export interface ExpressionRule {
  readonly expression: string;
  readonly message?: string;
}

export interface ClaimValidationRule extends Partial<ExpressionRule> {
  readonly claim?: string;
  readonly requiredValue?: string;
}

export interface ClaimMappings {
  readonly username: PrefixedClaim;
  readonly groups?: PrefixedClaim;
  readonly uid?: ClaimOrExpression;
  readonly extra?: readonly { readonly key: string; readonly valueExpression: string }[];
}

/** One entry of `jwt`. */
export interface JwtIssuer {
  readonly issuer: {
    /** `iss` of its tokens. */
    readonly url: string;
    /** Where its discovery document is; default: below its URL. */
    readonly discoveryURL?: string;
    /** PEM; default: the authorities that this machine trusts. */
    readonly certificateAuthority?: string;
    /** At least one; a token must be for one of them. */
    readonly audiences: readonly string[];
    /** `MatchAny` where there are several audiences. */
    readonly audienceMatchPolicy?: string;
    /** Connections to the issuer leave by no selector here; it is checked alone. */
    readonly egressSelectorType?: string;
  };
  readonly claimMappings: ClaimMappings;
  readonly claimValidationRules?: readonly ClaimValidationRule[];
  readonly userValidationRules?: readonly ExpressionRule[];
  /** Default: all that are allowed. */
  readonly signingAlgorithms?: readonly string[];
}

export interface AuthenticationConfiguration {
  readonly jwt: readonly JwtIssuer[];
  readonly anonymous?: AnonymousConfig;
}

export interface AnonymousConfig {
  readonly enabled: boolean;
  /** Only at these paths; absent: at all. */
  readonly conditions?: readonly { readonly path: string }[];
}

export const allowedAlgorithms: readonly string[] = [
  ...['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'],
];

/** kube-apiserver's flags. */
export interface OidcFlags {
  readonly issuerURL: string;
  readonly clientID: string;
  /** PEM. */
  readonly ca?: string;
  /** Default `sub`. */
  readonly usernameClaim?: string;
  /** `-`: none. Default: the issuer's URL and `#`, but for the claim `email`. */
  readonly usernamePrefix?: string;
  readonly groupsClaim?: string;
  readonly groupsPrefix?: string;
  /** Default RS256. */
  readonly signingAlgorithms?: readonly string[];
  readonly requiredClaims?: Readonly<Record<string, string>>;
}

/** Throws an Error that says what is wrong. */
export function issuerOfFlags(flags: OidcFlags): JwtIssuer {
  const { issuerURL, usernameClaim = 'sub', usernamePrefix = '', groupsClaim, groupsPrefix = '' } = flags;
  const usual = usernameClaim === 'email' ? '' : `${issuerURL}#`;
  const prefix = usernamePrefix === '-' ? '' : usernamePrefix || usual;
  const { signingAlgorithms = ['RS256'] } = flags;
  const unknown = signingAlgorithms.find((one) => !allowedAlgorithms.includes(one));
  if (unknown !== undefined) throw new Error(`--oidc-signing-algs: unsupported signing alg: "${unknown}"`);
  checkUrl(issuerURL, '--oidc-issuer-url');
  return {
    issuer: {
      url: issuerURL,
      audiences: [flags.clientID],
      ...(flags.ca !== undefined && { certificateAuthority: flags.ca }),
    },
    claimMappings: {
      username: { claim: usernameClaim, prefix },
      ...(groupsClaim && { groups: { claim: groupsClaim, prefix: groupsPrefix } }),
    },
    claimValidationRules: Object.entries(flags.requiredClaims ?? {}).map(([claim, requiredValue]) => ({
      claim,
      requiredValue,
    })),
    signingAlgorithms,
  };
}

const versions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `apiserver.config.k8s.io/${version}`);

const choice = { claim: text, expression: text };
const mappingsShape = struct('ClaimMappings', {
  username: struct('PrefixedClaimOrExpression', { ...choice, prefix: text }),
  groups: struct('PrefixedClaimOrExpression', { ...choice, prefix: text }),
  uid: struct('ClaimOrExpression', choice),
  extra: list(struct('ExtraMapping', { key: text, valueExpression: text })),
});
const issuerShape = struct('JWTAuthenticator', {
  issuer: struct('Issuer', {
    url: text,
    discoveryURL: text,
    certificateAuthority: text,
    audiences: texts,
    audienceMatchPolicy: { text: 'v1.AudienceMatchPolicyType' },
    egressSelectorType: { text: 'v1.EgressSelectorType' },
  }),
  claimMappings: mappingsShape,
  claimValidationRules: list(
    struct('ClaimValidationRule', { claim: text, requiredValue: text, expression: text, message: text }),
  ),
  userValidationRules: list(struct('UserValidationRule', { expression: text, message: text })),
});
const anonymousShape = struct('AnonymousAuthConfig', {
  enabled: bool,
  conditions: list(struct('AnonymousAuthCondition', { path: text })),
});
const fileShape = struct('AuthenticationConfiguration', {
  apiVersion: text,
  kind: text,
  jwt: list(issuerShape),
  anonymous: anonymousShape,
});

/** Checks a parsed file. Throws an Error that names the fields at fault. */
export function checkConfiguration(value: unknown, check: CheckExpression): AuthenticationConfiguration {
  const given = (value ?? {}) as { apiVersion?: unknown; kind?: unknown };
  if (!versions.includes(String(given.apiVersion)) || given.kind !== 'AuthenticationConfiguration') {
    throw new Error(`expected apiVersion ${versions[0]} and kind AuthenticationConfiguration`);
  }
  const { jwt = [], anonymous } = decodeConfiguration(value, fileShape, { isStrict: true });
  const configuration = { jwt: jwt.map(issuerOf), ...(anonymous && { anonymous: anonymousOf(anonymous) }) };
  const errors = validateConfiguration(configuration, check);
  if (errors.length > 0) throw new Error(aggregate(errors.map(fieldErrorMessage)));
  return configuration;
}

function anonymousOf({ enabled = false, conditions = [] }: Decoded<typeof anonymousShape>): AnonymousConfig {
  const paths = conditions.map(({ path = '' }) => ({ path }));
  return { enabled, ...(paths.length > 0 && { conditions: paths }) };
}

function issuerOf({
  issuer: { url = '', audiences = [], ...more } = {},
  claimMappings = {},
  claimValidationRules = [],
  userValidationRules = [],
}: Decoded<typeof issuerShape>): JwtIssuer {
  return {
    issuer: { url, audiences, ...said(more) },
    claimMappings: mappingsOf(claimMappings),
    claimValidationRules: claimValidationRules.map(said),
    userValidationRules: userValidationRules.map(({ expression = '', ...message }) => ({
      expression,
      ...said(message),
    })),
  };
}

function mappingsOf({
  username = {},
  groups = {},
  uid = {},
  extra = [],
}: Decoded<typeof mappingsShape>): ClaimMappings {
  return {
    username: said(username),
    ...((groups.claim || groups.expression) && { groups: said(groups) }),
    ...((uid.claim || uid.expression) && { uid: said(uid) }),
    extra: extra.map(({ key = '', valueExpression = '' }) => ({ key, valueExpression })),
  };
}

/** The fields that say something: of empty ones only a prefix does. */
function said<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => value !== '' || name === 'prefix')) as T;
}

function checkUrl(text: string, at: string): void {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:')
    throw new Error(`${at}: Invalid value: ${JSON.stringify(text)}: URL scheme must be https`);
  if (url.username || url.password) throw new Error(`${at}: URL must not contain a username or password`);
  if (url.search) throw new Error(`${at}: URL must not contain a query`);
  if (url.hash) throw new Error(`${at}: URL must not contain a fragment`);
}

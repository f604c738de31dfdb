// Which issuers of tokens are believed, and what their claims mean: from kube-apiserver's `--oidc-*` flags, or from a file
// (apiserver.config.k8s.io AuthenticationConfiguration). Pure: the file is parsed YAML or JSON.

import { aggregate } from '../../../apimachinery/aggregate.ts';
import { fieldErrorMessage } from '../../../apimachinery/validation/field-error.ts';
import { bool, decodeConfiguration, list, type Shape, struct, text, texts } from '../../configuration-decode.ts';
import { fieldsOf, listOf, textOf, textsOf } from '../../configuration-fields.ts';
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

const mapping = (name: string, more: Record<string, Shape> = {}) =>
  struct(name, { claim: text, expression: text, ...more });
const mappings = struct('ClaimMappings', {
  username: mapping('PrefixedClaimOrExpression', { prefix: text }),
  groups: mapping('PrefixedClaimOrExpression', { prefix: text }),
  uid: mapping('ClaimOrExpression'),
  extra: list(struct('ExtraMapping', { key: text, valueExpression: text })),
});
const fileShape = struct('AuthenticationConfiguration', {
  apiVersion: text,
  kind: text,
  jwt: list(
    struct('JWTAuthenticator', {
      issuer: struct('Issuer', {
        url: text,
        discoveryURL: text,
        certificateAuthority: text,
        audiences: texts,
        audienceMatchPolicy: { text: 'v1.AudienceMatchPolicyType' },
        egressSelectorType: { text: 'v1.EgressSelectorType' },
      }),
      claimMappings: mappings,
      claimValidationRules: list(
        struct('ClaimValidationRule', { claim: text, requiredValue: text, expression: text, message: text }),
      ),
      userValidationRules: list(struct('UserValidationRule', { expression: text, message: text })),
    }),
  ),
  anonymous: struct('AnonymousAuthConfig', {
    enabled: bool,
    conditions: list(struct('AnonymousAuthCondition', { path: text })),
  }),
});

/** Checks a parsed file. Throws an Error that names the fields at fault. */
export function checkConfiguration(value: unknown, check: CheckExpression): AuthenticationConfiguration {
  const given = (value ?? {}) as { apiVersion?: unknown; kind?: unknown };
  if (!versions.includes(String(given.apiVersion)) || given.kind !== 'AuthenticationConfiguration') {
    throw new Error(`expected apiVersion ${versions[0]} and kind AuthenticationConfiguration`);
  }
  const file = decodeConfiguration(value, fileShape, { isStrict: true });
  const configuration = {
    jwt: listOf(file.jwt, 'jwt').map((one, i) => issuerOf(one, `jwt[${i}]`)),
    ...(file.anonymous !== undefined && { anonymous: anonymousOf(file.anonymous) }),
  };
  const errors = validateConfiguration(configuration, check);
  if (errors.length > 0) throw new Error(aggregate(errors.map(fieldErrorMessage)));
  return configuration;
}

function anonymousOf(value: unknown): AnonymousConfig {
  const { enabled = false, conditions } = fieldsOf(value, 'anonymous', ['enabled', 'conditions']);
  if (typeof enabled !== 'boolean') throw new Error('anonymous.enabled: must be true or false');
  const paths = listOf(conditions, 'anonymous.conditions').map((one, i) => {
    const at = `anonymous.conditions[${i}]`;
    return { path: textOf(fieldsOf(one, at, ['path']).path, `${at}.path`) };
  });
  return { enabled, ...(paths.length > 0 && { conditions: paths }) };
}

function issuerOf(value: unknown, at: string): JwtIssuer {
  const fields = fieldsOf(value, at, ['issuer', 'claimMappings', 'claimValidationRules', 'userValidationRules']);
  const names = [
    'url',
    'discoveryURL',
    'certificateAuthority',
    'audiences',
    'audienceMatchPolicy',
    'egressSelectorType',
  ];
  const issuer = fieldsOf(fields.issuer ?? {}, `${at}.issuer`, names);
  const audiences = listOf(issuer.audiences, `${at}.issuer.audiences`);
  return {
    issuer: {
      url: textOf(issuer.url, `${at}.issuer.url`),
      audiences: audiences.map((one, i) => textOf(one, `${at}.issuer.audiences[${i}]`)),
      ...textsOf(issuer, `${at}.issuer`, [
        ...(['discoveryURL', 'certificateAuthority', 'audienceMatchPolicy', 'egressSelectorType'] as const),
      ]),
    },
    claimMappings: mappingsOf(fields.claimMappings ?? {}, `${at}.claimMappings`),
    claimValidationRules: listOf(fields.claimValidationRules, `${at}.claimValidationRules`).map((one, i) => {
      const known = ['claim', 'requiredValue', 'expression', 'message'] as const;
      const place = `${at}.claimValidationRules[${i}]`;
      return textsOf(fieldsOf(one, place, known), place, known);
    }),
    userValidationRules: listOf(fields.userValidationRules, `${at}.userValidationRules`).map((one, i) => {
      const place = `${at}.userValidationRules[${i}]`;
      const rule = fieldsOf(one, place, ['expression', 'message']);
      return { expression: textOf(rule.expression, `${place}.expression`), ...textsOf(rule, place, ['message']) };
    }),
  };
}

function mappingsOf(value: unknown, at: string): ClaimMappings {
  const fields = fieldsOf(value, at, ['username', 'groups', 'uid', 'extra']);
  const one = <K extends string>(name: string, known: readonly K[]) =>
    textsOf(fieldsOf(fields[name] ?? {}, `${at}.${name}`, known), `${at}.${name}`, known);
  const extra = listOf(fields.extra, `${at}.extra`).map((entry, i) => {
    const place = `${at}.extra[${i}]`;
    const { key, valueExpression } = fieldsOf(entry, place, ['key', 'valueExpression']);
    return {
      key: textOf(key, `${place}.key`),
      valueExpression: textOf(valueExpression, `${place}.valueExpression`),
    };
  });
  const groups = one('groups', ['claim', 'expression', 'prefix']);
  const uid = one('uid', ['claim', 'expression']);
  return {
    username: one('username', ['claim', 'expression', 'prefix']),
    ...((groups.claim || groups.expression) && { groups }),
    ...((uid.claim || uid.expression) && { uid }),
    extra,
  };
}

function checkUrl(text: string, at: string): void {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:')
    throw new Error(`${at}: Invalid value: ${JSON.stringify(text)}: URL scheme must be https`);
  if (url.username || url.password) throw new Error(`${at}: URL must not contain a username or password`);
  if (url.search) throw new Error(`${at}: URL must not contain a query`);
  if (url.hash) throw new Error(`${at}: URL must not contain a fragment`);
}

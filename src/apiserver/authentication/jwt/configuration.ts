// Which issuers of tokens are believed, and what their claims mean: from kube-apiserver's `--oidc-*` flags, or from a file
// (apiserver.config.k8s.io AuthenticationConfiguration). Pure: the file is parsed YAML or JSON.

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
  };
  readonly claimMappings: {
    readonly username: PrefixedClaim;
    readonly groups?: PrefixedClaim;
    readonly uid?: ClaimOrExpression;
    readonly extra?: readonly { readonly key: string; readonly valueExpression: string }[];
  };
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

type Fields = Readonly<Record<string, unknown>>;
const versions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `apiserver.config.k8s.io/${version}`);

/** Checks a parsed file. Throws an Error that names the field at fault. */
export function checkConfiguration(value: unknown): AuthenticationConfiguration {
  const file = fieldsOf(value, 'the configuration', ['apiVersion', 'kind', 'jwt', 'anonymous']);
  if (!versions.includes(String(file.apiVersion)) || file.kind !== 'AuthenticationConfiguration') {
    throw new Error(`expected apiVersion ${versions[0]} and kind AuthenticationConfiguration`);
  }
  const jwt = listOf(file.jwt, 'jwt').map((one, i) => checkIssuer(one, `jwt[${i}]`));
  const urls = jwt.map(({ issuer }) => issuer.url);
  urls.forEach((url, i) => {
    if (urls.indexOf(url) !== i) throw new Error(`jwt[${i}].issuer.url: Duplicate value: ${JSON.stringify(url)}`);
  });
  return { jwt, ...(file.anonymous !== undefined && { anonymous: checkAnonymous(file.anonymous) }) };
}

function checkAnonymous(value: unknown): AnonymousConfig {
  const { enabled, conditions } = fieldsOf(value, 'anonymous', ['enabled', 'conditions']);
  if (typeof enabled !== 'boolean') throw new Error('anonymous.enabled: must be true or false');
  if (conditions === undefined) return { enabled };
  if (!enabled) throw new Error('anonymous.conditions: enabled should be set to true when conditions are defined');
  const paths = listOf(conditions, 'anonymous.conditions').map((one, i) => {
    const at = `anonymous.conditions[${i}]`;
    return { path: textOf(fieldsOf(one, at, ['path']).path, `${at}.path`) };
  });
  return { enabled, conditions: paths };
}

function checkIssuer(value: unknown, at: string): JwtIssuer {
  const fields = fieldsOf(value, at, ['issuer', 'claimMappings', 'claimValidationRules', 'userValidationRules']);
  const names = ['url', 'discoveryURL', 'certificateAuthority', 'audiences', 'audienceMatchPolicy'];
  const issuer = fieldsOf(fields.issuer, `${at}.issuer`, names);
  const url = textOf(issuer.url, `${at}.issuer.url`);
  checkUrl(url, `${at}.issuer.url`);
  const discoveryURL = optionalText(issuer.discoveryURL, `${at}.issuer.discoveryURL`);
  if (discoveryURL !== undefined) {
    checkUrl(discoveryURL, `${at}.issuer.discoveryURL`);
    if (discoveryURL.replace(/\/$/, '') === url.replace(/\/$/, '')) {
      throw new Error(`${at}.issuer.discoveryURL: discoveryURL must be different from URL`);
    }
  }
  const certificateAuthority = optionalText(issuer.certificateAuthority, `${at}.issuer.certificateAuthority`);
  const audiences = listOf(issuer.audiences, `${at}.issuer.audiences`).map((one, i) =>
    textOf(one, `${at}.issuer.audiences[${i}]`),
  );
  if (audiences.length === 0) throw new Error(`${at}.issuer.audiences: at least one jwt issuer audience is required`);
  if (audiences.length > 1 && issuer.audienceMatchPolicy !== 'MatchAny') {
    throw new Error(`${at}.issuer.audienceMatchPolicy: audienceMatchPolicy must be MatchAny for multiple audiences`);
  }
  return {
    issuer: {
      url,
      audiences,
      ...(discoveryURL !== undefined && { discoveryURL }),
      ...(certificateAuthority !== undefined && { certificateAuthority }),
    },
    claimMappings: checkMappings(fields.claimMappings, `${at}.claimMappings`),
    claimValidationRules: listOf(fields.claimValidationRules, `${at}.claimValidationRules`).map((one, i) =>
      checkClaimRule(one, `${at}.claimValidationRules[${i}]`),
    ),
    userValidationRules: listOf(fields.userValidationRules, `${at}.userValidationRules`).map((one, i) => {
      const place = `${at}.userValidationRules[${i}]`;
      const rule = fieldsOf(one, place, ['expression', 'message']);
      return { expression: textOf(rule.expression, `${place}.expression`), ...messageOf(rule, place) };
    }),
  };
}

function checkMappings(value: unknown, at: string): JwtIssuer['claimMappings'] {
  const fields = fieldsOf(value, at, ['username', 'groups', 'uid', 'extra']);
  const username = checkClaim(fields.username, `${at}.username`, { isPrefixed: true });
  if (!username) throw new Error(`${at}.username: claim or expression is required`);
  const groups = checkClaim(fields.groups, `${at}.groups`, { isPrefixed: true });
  const uid = checkClaim(fields.uid, `${at}.uid`, { isPrefixed: false });
  const extra = listOf(fields.extra, `${at}.extra`).map((one, i) => {
    const place = `${at}.extra[${i}]`;
    const { key, valueExpression } = fieldsOf(one, place, ['key', 'valueExpression']);
    return {
      key: checkExtraKey(textOf(key, `${place}.key`), `${place}.key`),
      valueExpression: textOf(valueExpression, `${place}.valueExpression`),
    };
  });
  return { username, ...(groups && { groups }), ...(uid && { uid }), extra };
}

function checkExtraKey(key: string, at: string): string {
  const [domain = '', ...path] = key.split('/');
  if (path.length === 0 || path.join('/') === '') throw new Error(`${at}: must be a domain-prefixed path`);
  if (key !== key.toLowerCase()) throw new Error(`${at}: must be lowercase`);
  if (/(^|\.)(kubernetes|k8s)\.io$/.test(domain)) throw new Error(`${at}: ${domain} is reserved`);
  return key;
}

function checkClaim(
  value: unknown,
  at: string,
  { isPrefixed }: { readonly isPrefixed: boolean },
): PrefixedClaim | undefined {
  if (value === undefined) return undefined;
  const fields = fieldsOf(value, at, ['claim', 'expression', ...(isPrefixed ? ['prefix'] : [])]);
  const claim = optionalText(fields.claim, `${at}.claim`);
  const expression = optionalText(fields.expression, `${at}.expression`);
  if (claim !== undefined && expression !== undefined) throw new Error(`${at}: claim and expression can't both be set`);
  if (expression !== undefined) {
    if (fields.prefix !== undefined) throw new Error(`${at}.prefix: prefix can't be set when expression is set`);
    return { expression };
  }
  if (claim === undefined) return undefined;
  if (!isPrefixed) return { claim };
  if (typeof fields.prefix !== 'string') {
    throw new Error(`${at}.prefix: prefix is required when claim is set. It can be set to an empty string`);
  }
  return { claim, prefix: fields.prefix };
}

function checkClaimRule(value: unknown, at: string): ClaimValidationRule {
  const rule = fieldsOf(value, at, ['claim', 'requiredValue', 'expression', 'message']);
  const claim = optionalText(rule.claim, `${at}.claim`);
  const expression = optionalText(rule.expression, `${at}.expression`);
  if ((claim === undefined) === (expression === undefined)) {
    throw new Error(`${at}: one of claim and expression is required`);
  }
  if (expression !== undefined) return { expression, ...messageOf(rule, at) };
  const requiredValue = rule.requiredValue ?? '';
  if (typeof requiredValue !== 'string') throw new Error(`${at}.requiredValue: must be a text`);
  return { claim: claim ?? '', requiredValue };
}

function messageOf({ message }: Fields, at: string): { readonly message?: string } {
  const text = optionalText(message, `${at}.message`);
  return text === undefined ? {} : { message: text };
}

function checkUrl(text: string, at: string): void {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:')
    throw new Error(`${at}: Invalid value: ${JSON.stringify(text)}: URL scheme must be https`);
  if (url.username || url.password) throw new Error(`${at}: URL must not contain a username or password`);
  if (url.search) throw new Error(`${at}: URL must not contain a query`);
  if (url.hash) throw new Error(`${at}: URL must not contain a fragment`);
}

function fieldsOf(value: unknown, at: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${at}: must be an object`);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${at}: unknown field ${JSON.stringify(unknown)}`);
  return value as Fields;
}

function listOf(value: unknown, at: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new Error(`${at}: must be a list`);
  return value;
}

function textOf(value: unknown, at: string): string {
  if (typeof value !== 'string' || value === '') throw new Error(`${at}: Required value`);
  return value;
}

/** An empty text says nothing. */
function optionalText(value: unknown, at: string): string | undefined {
  if (value === undefined || value === '') return undefined;
  return textOf(value, at);
}

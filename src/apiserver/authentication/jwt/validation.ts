// What an AuthenticationConfiguration must be: the rules and words of k8s.io/apiserver (pkg/apis/apiserver/validation). Pure.
import { X509Certificate } from 'node:crypto';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { parseGoUrl } from '../../../apimachinery/validation/go-url.ts';
import { domainPrefixedPathErrors } from '../extra-key.ts';
import { serviceAccountIssuer } from '../service-account-token.ts';
import type {
  AuthenticationConfiguration,
  ClaimMappings,
  ClaimOrExpression,
  ClaimValidationRule,
  ExpressionRule,
  JwtIssuer,
} from './configuration.ts';

/** What compiling an expression says of it. */
export interface CheckedExpression {
  /** Why it cannot be used. */
  readonly wrong?: string;
  /** The claims that it names. */
  readonly claims: ReadonlySet<string>;
}

export type CheckExpression = (
  expression: string,
  about: { readonly variable: 'claims' | 'user'; readonly result: 'bool' | 'any' },
) => CheckedExpression;

const { invalid, required, duplicate, tooMany } = fieldError;
const mostIssuers = 64;
const both = "claim and expression can't both be set";
const noneOfBoth = 'claim or expression is required';

export function validateConfiguration(
  { jwt, anonymous }: AuthenticationConfiguration,
  check: CheckExpression,
): FieldError[] {
  if (jwt.length > mostIssuers) return [tooMany('jwt', jwt.length, mostIssuers)];
  const urls = new Set<string>();
  const discoveryUrls = new Set<string>();
  const errors = jwt.flatMap((one, i) => {
    const { url, discoveryURL = '' } = one.issuer;
    const at = `jwt[${i}]`;
    const found = validateIssuer(one, at, check);
    if (urls.has(url)) found.push(duplicate(`${at}.issuer.url`, url));
    if (discoveryURL !== '' && discoveryUrls.has(discoveryURL)) {
      found.push(duplicate(`${at}.issuer.discoveryURL`, discoveryURL));
    }
    urls.add(url);
    discoveryUrls.add(discoveryURL);
    return found;
  });
  const { enabled, conditions = [] } = anonymous ?? { enabled: true };
  if (!enabled && conditions.length > 0) {
    // Upstream prints them as Go has them.
    const printed = conditions.map(({ path }) => ({ Path: path }));
    errors.push(invalid('anonymous.conditions', printed, 'enabled should be set to true when conditions are defined'));
  }
  return errors;
}

function validateIssuer(
  { issuer, claimMappings, claimValidationRules = [], userValidationRules = [] }: JwtIssuer,
  at: string,
  check: CheckExpression,
): FieldError[] {
  const { url, discoveryURL = '', audiences, audienceMatchPolicy = '', certificateAuthority = '' } = issuer;
  const rules = validateClaimRules(claimValidationRules, `${at}.claimValidationRules`, check);
  const place = `${at}.issuer`;
  return [
    ...(url === '' ? [required(`${place}.url`)] : validateIssuerUrl(url, `${place}.url`)),
    ...(discoveryURL === '' ? [] : validateDiscoveryUrl(url, discoveryURL, `${place}.discoveryURL`)),
    ...validateAudiences(audiences, audienceMatchPolicy, place),
    ...validateAuthority(certificateAuthority, `${place}.certificateAuthority`),
    ...validateEgress(issuer.egressSelectorType, `${place}.egressSelectorType`),
    ...rules.errors,
    ...validateMappings(claimMappings, `${at}.claimMappings`, { check, claims: rules.claims }),
    ...validateUserRules(userValidationRules, `${at}.userValidationRules`, check),
  ];
}

/** Nobody else may issue tokens in this server's own name. */
function validateIssuerUrl(url: string, at: string): FieldError[] {
  const why = `URL must not overlap with disallowed issuers: [${serviceAccountIssuer}]`;
  return [...(url === serviceAccountIssuer ? [invalid(at, url, why)] : []), ...validateUrl(url, at)];
}

function validateUrl(text: string, at: string): FieldError[] {
  const url = parseGoUrl(text);
  if (typeof url === 'string') return [invalid(at, text, url)];
  const { scheme, user, query, fragment } = url;
  const errors: FieldError[] = [];
  if (scheme !== 'https') errors.push(invalid(at, text, 'URL scheme must be https'));
  if (user !== undefined) errors.push(invalid(at, text, 'URL must not contain a username or password'));
  if (query !== '') errors.push(invalid(at, text, 'URL must not contain a query'));
  if (fragment !== '') errors.push(invalid(at, text, 'URL must not contain a fragment'));
  return errors;
}

function validateDiscoveryUrl(url: string, discoveryURL: string, at: string): FieldError[] {
  const bare = (text: string) => text.replace(/\/+$/, '');
  const isSame = url !== '' && bare(url) === bare(discoveryURL);
  return [
    ...(isSame ? [invalid(at, discoveryURL, 'discoveryURL must be different from URL')] : []),
    ...validateUrl(discoveryURL, at),
  ];
}

function validateAudiences(audiences: readonly string[], policy: string, at: string): FieldError[] {
  const path = `${at}.audiences`;
  if (audiences.length === 0) return [required(path, `at least one ${path} is required`)];
  const errors = audiences.flatMap((audience, i) => [
    ...(audience === '' ? [required(`${path}[${i}]`)] : []),
    ...(audiences.indexOf(audience) < i ? [duplicate(`${path}[${i}]`, audience)] : []),
  ]);
  if (policy === 'MatchAny' || (audiences.length === 1 && policy === '')) return errors;
  const why = audiences.length > 1 ? 'MatchAny for multiple audiences' : 'empty or MatchAny for single audience';
  return [...errors, invalid(`${at}.audienceMatchPolicy`, policy, `audienceMatchPolicy must be ${why}`)];
}

function validateAuthority(pem: string, at: string): FieldError[] {
  if (pem === '') return [];
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (!found) return [invalid(at, '<omitted>', 'data does not contain any valid RSA or ECDSA certificates')];
  try {
    for (const one of found) new X509Certificate(one);
    return [];
  } catch {
    return [invalid(at, '<omitted>', 'x509: malformed certificate')];
  }
}

function validateEgress(type = '', at: string): FieldError[] {
  if (['', 'controlplane', 'cluster'].includes(type)) return [];
  return [invalid(at, type, 'egress selector must be either controlplane or cluster')];
}

function validateClaimRules(rules: readonly ClaimValidationRule[], path: string, check: CheckExpression) {
  const errors: FieldError[] = [];
  const claims = new Set<string>();
  const seen = new Set<string>();
  rules.forEach(({ claim = '', expression = '', message = '', requiredValue = '' }, i) => {
    const at = `${path}[${i}]`;
    if (claim !== '' && expression !== '') errors.push(invalid(at, claim, both));
    else if (claim === '' && expression === '') errors.push(required(at, noneOfBoth));
    else if (claim !== '') {
      if (message !== '') errors.push(invalid(`${at}.message`, message, 'may not be specified when claim is set'));
      if (seen.has(`claim ${claim}`)) errors.push(duplicate(`${at}.claim`, claim));
      seen.add(`claim ${claim}`);
    } else {
      if (requiredValue !== '') {
        errors.push(invalid(`${at}.requiredValue`, requiredValue, 'may not be specified when expression is set'));
      }
      if (seen.has(`expression ${expression}`)) {
        errors.push(duplicate(`${at}.expression`, expression));
        return;
      }
      seen.add(`expression ${expression}`);
      const checked = check(expression, { variable: 'claims', result: 'bool' });
      if (checked.wrong !== undefined) errors.push(invalid(`${at}.expression`, expression, checked.wrong));
      else for (const name of checked.claims) claims.add(name);
    }
  });
  return { errors, claims };
}

const emailRule =
  'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression';

function validateMappings(
  { username, groups, uid = {}, extra = [] }: ClaimMappings,
  at: string,
  { check, claims }: { readonly check: CheckExpression; readonly claims: ReadonlySet<string> },
): FieldError[] {
  const errors: FieldError[] = [];
  const compile = (expression: string, path: string): ReadonlySet<string> => {
    const checked = check(expression, { variable: 'claims', result: 'any' });
    if (checked.wrong === undefined) return checked.claims;
    errors.push(invalid(path, expression, checked.wrong));
    return new Set();
  };
  const prefixed = (mapping: ClaimOrExpression & { readonly prefix?: string }, path: string, isRequired: boolean) => {
    const { claim = '', expression = '', prefix } = mapping;
    if (claim !== '' && expression !== '') errors.push(invalid(path, '', both));
    else if (expression !== '') {
      if (prefix !== undefined) {
        errors.push(invalid(`${path}.prefix`, prefix, 'may not be specified when expression is set'));
      }
      const named = compile(expression, `${path}.expression`);
      return prefix === undefined ? named : new Set<string>();
    } else if (claim !== '' && prefix === undefined) {
      const why = 'prefix is required when claim is set. It can be set to an empty string to disable prefixing';
      errors.push(required(`${path}.prefix`, why));
    } else if (claim === '' && isRequired) errors.push(required(path, noneOfBoth));
    return new Set<string>();
  };
  const named = prefixed(username, `${at}.username`, true);
  if (groups) prefixed(groups, `${at}.groups`, false);
  if (uid.claim && uid.expression) errors.push(invalid(`${at}.uid`, '', both));
  else if (uid.expression) compile(uid.expression, `${at}.uid.expression`);
  const all = new Set([...claims, ...named]);
  const keys = new Set<string>();
  extra.forEach(({ key, valueExpression }, i) => {
    const path = `${at}.extra[${i}]`;
    errors.push(...validateExtraKey(key, `${path}.key`));
    if (keys.has(key)) {
      errors.push(duplicate(`${path}.key`, key));
      return;
    }
    keys.add(key);
    if (valueExpression === '') errors.push(required(`${path}.valueExpression`));
    else for (const name of compile(valueExpression, `${path}.valueExpression`)) all.add(name);
  });
  if (named.has('email') && !all.has('email_verified')) {
    errors.push(invalid(`${at}.username.expression`, username.expression, emailRule));
  }
  return errors;
}

function validateExtraKey(key: string, at: string): FieldError[] {
  const errors = domainPrefixedPathErrors(at, key);
  if (key !== key.toLowerCase()) errors.push(invalid(at, key, 'must be lowercase'));
  if (/^([^/]*\.)?(kubernetes|k8s)\.io\//.test(key)) {
    errors.push(invalid(at, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'));
  }
  return errors;
}

function validateUserRules(rules: readonly ExpressionRule[], path: string, check: CheckExpression): FieldError[] {
  const seen = new Set<string>();
  return rules.flatMap(({ expression }, i) => {
    const at = `${path}[${i}].expression`;
    if (expression === '') return [required(at)];
    if (seen.has(expression)) return [duplicate(at, expression)];
    seen.add(expression);
    const { wrong } = check(expression, { variable: 'user', result: 'bool' });
    return wrong === undefined ? [] : [invalid(at, expression, wrong)];
  });
}

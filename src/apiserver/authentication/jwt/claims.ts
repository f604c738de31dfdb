// From the claims of a token to a user: claims by their names or by CEL expressions, and what must hold of both.
import type { User } from '../../request.ts';
import type { ClaimOrExpression, ExpressionRule, JwtIssuer, PrefixedClaim } from './configuration.ts';
import type { Claims } from './token.ts';

/** Throws an Error for claims that make no user. */
export type UserOfClaims = (claims: Claims) => User;

/** Of claims, or of a user; throws an Error where it cannot be worked out. */
type Expression = (value: unknown) => unknown;
interface Expressions {
  claims(source: string): Expression;
  user(source: string): Expression;
}

/** Compiles the expressions. Throws an Error that holds the one that does not compile. */
export async function userOfClaims({
  claimMappings,
  claimValidationRules = [],
  userValidationRules = [],
}: JwtIssuer): Promise<UserOfClaims> {
  const { username, groups, uid, extra = [] } = claimMappings;
  const mayNeed = [username, groups, uid, ...claimValidationRules].some((one) => one?.expression !== undefined);
  const isNeeded = mayNeed || extra.length > 0 || userValidationRules.length > 0;
  const compile = isNeeded ? (await import('./expressions.ts')).expressions : noExpressions;
  const nameOf = mapping(username, compile);
  const groupsOf = groups && mapping(groups, compile);
  const uidOf = uid && mapping(uid, compile);
  const extras = extra.map(({ key, valueExpression }) => [key, compile.claims(valueExpression)] as const);
  const claimRules = rules(claimValidationRules, compile.claims);
  const userRules = rules(userValidationRules, compile.user);
  const required = claimValidationRules.flatMap(({ claim, requiredValue = '' }) =>
    claim === undefined ? [] : [[claim, requiredValue] as const],
  );
  return (claims) => {
    const name = prefixed(text(nameOf(claims), 'username'), username);
    if (name === '') throw new Error('username is empty');
    checkEmail(username, claims);
    const groupNames = groupsOf ? groupsIn(groupsOf(claims), groups) : [];
    const fields = extras.map(([key, of]) => [key, texts(of(claims), key)] as const).filter(([, of]) => of.length > 0);
    for (const [claim, value] of required) {
      if (claims[claim] !== value) throw new Error(`required claim ${claim} is missing, or its value does not match`);
    }
    claimRules(claims);
    const user: User = {
      name,
      // A claim that is null is an empty text, as Go reads it.
      ...(uidOf && { uid: text(uidOf(claims) ?? emptied(claims, uid), 'uid') }),
      groups: groupNames,
      ...(fields.length > 0 && { extra: Object.fromEntries(fields) }),
    };
    userRules({ username: name, uid: user.uid ?? '', groups: groupNames, extra: user.extra ?? {} });
    return user;
  };
}

const noExpressions: Expressions = {
  claims: () => () => undefined,
  user: () => () => undefined,
};

function mapping({ claim, expression }: ClaimOrExpression, compile: Expressions): (claims: Claims) => unknown {
  return expression === undefined ? (claims) => claims[claim ?? ''] : compile.claims(expression);
}

function emptied(claims: Claims, { claim = '' }: ClaimOrExpression = {}): '' | undefined {
  return claims[claim] === null ? '' : undefined;
}

function prefixed(value: string, { prefix = '' }: PrefixedClaim = {}): string {
  return prefix + value;
}

/** Whoever can claim an address that is not theirs is not believed. */
function checkEmail({ claim }: ClaimOrExpression, { email_verified: verified }: Claims): void {
  if (claim === 'email' && verified !== undefined && verified !== true) throw new Error('email not verified');
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`${what}: not present, or no text`);
  return value;
}

/** A claim's empty texts stand for groups too, an expression's for nothing. */
function groupsIn(value: unknown, mapping: PrefixedClaim = {}): string[] {
  const given = mapping.claim === undefined ? texts(value, 'groups') : textList(value, 'groups');
  return given.map((one) => prefixed(one, mapping));
}

/** One text or a list of them, empty ones left out; none where there is nothing. */
function texts(value: unknown, what: string): string[] {
  return textList(value, what).filter((one) => one !== '');
}

function textList(value: unknown, what: string): string[] {
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((one) => text(one, what));
}

function rules(
  given: readonly Partial<ExpressionRule>[],
  compile: (source: string) => Expression,
): (value: unknown) => void {
  const compiled = given.flatMap(({ expression, message = '' }) =>
    expression === undefined ? [] : [{ holds: compile(expression), expression, message }],
  );
  return (value) => {
    for (const { holds, expression, message } of compiled) {
      if (holds(value) !== true) throw new Error(`validation expression '${expression}' failed: ${message}`);
    }
  };
}

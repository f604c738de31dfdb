// CEL over the claims of a token, and over the user that they make (apiserver/pkg/authentication/cel).
import type { SelectExpr } from '../../../cel/ast.ts';
import { compileExpression } from '../../../cel/compile.ts';
import { any, type CelType, isPrimitive, listOf, mapOf, objectType, string } from '../../../cel/types.ts';
import { fromJson, ListValue, MapValue, toJson, type Value } from '../../../cel/values.ts';
import type { CheckExpression } from './validation.ts';

const claimsType = mapOf(string, any);
const userType = objectType('kubernetes.UserInfo', {
  username: string,
  uid: string,
  groups: listOf(string),
  extra: mapOf(string, listOf(string)),
});

interface Variable {
  readonly type: CelType;
  bind(value: unknown): Value;
}

const claimsVariable: Variable = { type: claimsType, bind: ofClaims };
const userVariable: Variable = { type: userType, bind: (user) => fromJson(user, userType) };

/** As Go reads JSON whose types it does not know: all numbers are doubles. */
function ofClaims(raw: unknown): Value {
  if (Array.isArray(raw)) return new ListValue(raw.map(ofClaims));
  if (typeof raw === 'object' && raw !== null) {
    return new MapValue(new Map(Object.entries(raw).map(([key, value]) => [key, ofClaims(value)])));
  }
  return typeof raw === 'number' ? raw : fromJson(raw);
}

function expression(
  name: 'claims' | 'user',
  { type, bind }: Variable,
): (source: string) => (value: unknown) => unknown {
  return (source) => {
    const { program, errors } = compileExpression(source, { variables: { [name]: type } });
    if (!program) throw new Error(`compilation failed: ${errors}`);
    return (value) => {
      const { value: result, error } = program.evaluate({ [name]: bind(value) });
      if (error !== undefined || result === undefined)
        throw new Error(`expression '${source}' resulted in error: ${error}`);
      return toJson(result);
    };
  };
}

export const expressions = { claims: expression('claims', claimsVariable), user: expression('user', userVariable) };

/** What stands in the way of an expression, and which claims it names. */
export const checkExpression: CheckExpression = (source, { variable, result }) => {
  const type = variable === 'claims' ? claimsType : userType;
  const { program, errors, stage } = compileExpression(source, { variables: { [variable]: type } });
  if (!program) return { wrong: `${stage} failed: ${errors}`, claims: new Set() };
  const claims = new Set<string>();
  addSelected(program.expr, claims);
  const isWrong = result === 'bool' && !isPrimitive(program.resultType, 'bool');
  return { ...(isWrong && { wrong: 'must evaluate to bool' }), claims };
};

/** Fields of `claims`, wherever they are named. */
function addSelected(expr: unknown, claims: Set<string>): void {
  if (typeof expr !== 'object' || expr === null) return;
  const { kind, operand, field } = expr as Partial<SelectExpr>;
  if (kind === 'select' && operand?.kind === 'ident' && operand.name === 'claims' && field) claims.add(field);
  for (const part of Object.values(expr)) addSelected(part, claims);
}

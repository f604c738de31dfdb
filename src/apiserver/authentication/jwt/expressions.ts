// CEL over the claims of a token, and over the user that they make (apiserver/pkg/authentication/cel).
import type { SelectExpr } from '../../../cel/ast.ts';
import { compileExpression } from '../../../cel/compile.ts';
import { type CelType, dyn, isPrimitive, listOf, mapOf, objectType, string } from '../../../cel/types.ts';
import { fromJson, toJson } from '../../../cel/values.ts';
import type { CheckExpression } from './validation.ts';

const claimsType = mapOf(string, dyn);
const userType = objectType('kubernetes.UserInfo', {
  username: string,
  uid: string,
  groups: listOf(string),
  extra: mapOf(string, listOf(string)),
});

function expression(name: 'claims' | 'user', type: CelType): (source: string) => (value: unknown) => unknown {
  return (source) => {
    const { program, errors } = compileExpression(source, { variables: { [name]: type } });
    if (!program) throw new Error(`compilation failed: ${errors}`);
    return (value) => {
      const { value: result, error } = program.evaluate({ [name]: fromJson(value, type) });
      if (error !== undefined || result === undefined)
        throw new Error(`expression '${source}' resulted in error: ${error}`);
      return toJson(result);
    };
  };
}

export const expressions = { claims: expression('claims', claimsType), user: expression('user', userType) };

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

// CEL over the claims of a token, and over the user that they make (apiserver/pkg/authentication/cel).
import { compileExpression } from '../../../cel/compile.ts';
import { type CelType, dyn, listOf, mapOf, objectType, string } from '../../../cel/types.ts';
import { fromJson, toJson } from '../../../cel/values.ts';

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

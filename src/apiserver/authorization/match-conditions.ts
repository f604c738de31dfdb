// Which requests a webhook is asked about: CEL over the SubjectAccessReviewSpec (apiserver/pkg/authorization/cel). Loaded where
// a configuration has such conditions.
import type { SubjectAccessReviewSpec } from '../../api/authorization/v1/types.generated.ts';
import { aggregate } from '../../apimachinery/aggregate.ts';
import { compileExpression, type Program } from '../../cel/compile.ts';
import { bool, isPrimitive, listOf, mapOf, objectType, printRuntimeType, string } from '../../cel/types.ts';
import { fromJson } from '../../cel/values.ts';

const requirementType = objectType('kubernetes.SelectorRequirement', {
  key: string,
  operator: string,
  values: listOf(string),
});
const selectorFields = { rawSelector: string, requirements: listOf(requirementType) };
const requestType = objectType('kubernetes.SubjectAccessReviewSpec', {
  resourceAttributes: objectType('kubernetes.ResourceAttributes', {
    namespace: string,
    verb: string,
    group: string,
    version: string,
    resource: string,
    subresource: string,
    name: string,
    fieldSelector: objectType('kubernetes.FieldSelectorAttributes', selectorFields),
    labelSelector: objectType('kubernetes.LabelSelectorAttributes', selectorFields),
  }),
  nonResourceAttributes: objectType('kubernetes.NonResourceAttributes', { path: string, verb: string }),
  user: string,
  groups: listOf(string),
  extra: mapOf(string, listOf(string)),
  uid: string,
});

type Compiled = { readonly program: Program } | { readonly wrong: string };

function compile(source: string): Compiled {
  const { program, errors, stage } = compileExpression(source, { variables: { request: requestType } });
  if (!program) return { wrong: `${stage} failed: ${errors}` };
  if (isPrimitive(program.resultType, 'bool')) return { program };
  return { wrong: `must evaluate to ${printRuntimeType(bool)} but got ${printRuntimeType(program.resultType)}` };
}

/** What is wrong with an expression; undefined: nothing. */
export function expressionError(source: string): string | undefined {
  const compiled = compile(source);
  return 'wrong' in compiled ? compiled.wrong : undefined;
}

export type Matches =
  | { readonly matches: boolean; readonly error?: undefined }
  | { readonly error: string; readonly matches?: undefined };

/** Whether all conditions hold: one that is false decides, whatever is wrong with others. */
export type Matcher = (spec: SubjectAccessReviewSpec) => Matches;

/** The expressions must be without an {@link expressionError}. */
export function matcherOf(expressions: readonly string[]): Matcher {
  const programs = expressions.map((source) => {
    const compiled = compile(source);
    if ('wrong' in compiled) throw new Error(compiled.wrong);
    return { source, program: compiled.program };
  });
  return (spec) => {
    const request = fromJson(filled(spec), requestType);
    const errors: string[] = [];
    for (const { source, program } of programs) {
      const { value, error } = program.evaluate({ request });
      if (error !== undefined) errors.push(`cel evaluation error: expression '${source}' resulted in error: ${error}`);
      else if (value !== true) return { matches: false };
    }
    if (errors.length === 0) return { matches: true };
    return { error: aggregate(errors) };
  };
}

/** With the texts that are empty, so that expressions need not ask whether they are there; selectors may be absent. */
function filled({ user = '', uid = '', groups = [], extra = {}, ...rest }: SubjectAccessReviewSpec) {
  const { resourceAttributes, nonResourceAttributes } = rest;
  const texts = { namespace: '', verb: '', group: '', version: '', resource: '', subresource: '', name: '' };
  return {
    ...{ user, uid, groups, extra },
    ...(resourceAttributes && { resourceAttributes: { ...texts, ...resourceAttributes } }),
    ...(nonResourceAttributes && { nonResourceAttributes: { path: '', verb: '', ...nonResourceAttributes } }),
  };
}

// Field selectors: `metadata.name=a,status.phase!=Running`, as k8s.io/apimachinery/pkg/fields reads them. Backslash
// escapes a comma, an equals sign and itself in values.
import { badRequest } from '../status.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** All requirements must hold; none at all selects everything. */
export type FieldSelector = readonly FieldRequirement[];

/** Reads the query parameter `fieldSelector`. Throws a 400 StatusError worded as kube-apiserver's. */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text).sort()) {
    if (term === '') continue;
    const parts = splitTerm(term);
    if (!parts) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const value = unescaped(parts.value);
    // Nothing of nothing says nothing (upstream Transform).
    if (parts.field !== '' || value !== '') requirements.push({ ...parts, value });
  }
  return requirements;
}

/** The fields that objects of a resource can be selected by. */
export interface SelectableFields {
  /** Beside metadata.name and, where objects have one, metadata.namespace. */
  readonly known: readonly string[];
  readonly namespaced: boolean;
  readonly isCustom: boolean;
  /** What is said of another field, where it is not the usual. */
  readonly refusal?: ((field: string) => string) | undefined;
}

/**
 * Refuses fields that a resource does not offer: 400, as upstream, which names the fields it knows only for built-in kinds
 * that have none of their own; those of them that are cluster-scoped can be asked for a namespace too.
 */
export function checkSelectableFields(
  selector: FieldSelector,
  { known, namespaced, isCustom, refusal }: SelectableFields,
): void {
  const usual = isCustom && !namespaced ? ['metadata.name'] : ['metadata.name', 'metadata.namespace'];
  for (const { field } of selector) {
    if (usual.includes(field) || known.includes(field)) continue;
    if (refusal) throw badRequest(refusal(field));
    throw badRequest(
      known.length > 0 || isCustom
        ? `field label not supported: ${field}`
        : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
}

/** `textOf` gives a field's text; undefined counts as the empty text. */
export function matchesFields(selector: FieldSelector, textOf: (field: string) => string | undefined): boolean {
  for (const { field, operator, value } of selector) {
    if (((textOf(field) ?? '') === value) !== (operator === '=')) return false;
  }
  return true;
}

/** The one value that a selector wants of a field, so that a list by name need not look at everything. */
export function requiredValue(selector: FieldSelector, field: string): string | undefined {
  return selector.find((r) => r.field === field && r.operator === '=')?.value;
}

function unescaped(value: string): string {
  let result = '';
  for (let i = 0; i < value.length; i++) {
    const char = value[i]!;
    if (char === '\\') {
      const next = String.fromCodePoint(...[value.codePointAt(++i)].filter((point) => point !== undefined));
      if (next !== '\\' && next !== ',' && next !== '=') {
        throw badRequest(`invalid field selector: invalid escape sequence: \\${next}`);
      }
      result += next;
    } else if (char === '=' || char === ',') {
      throw badRequest(`invalid field selector: unescaped character in value: ${char.charCodeAt(0)}`);
    } else result += char;
  }
  return result;
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === ',') {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

/** At the first operator: a backslash means nothing before it. */
function splitTerm(term: string): FieldRequirement | undefined {
  const match = /!=|==|=/.exec(term);
  if (!match) return undefined;
  const [operator] = match;
  const value = term.slice(match.index + operator.length);
  return { field: term.slice(0, match.index), operator: operator === '!=' ? '!=' : '=', value };
}

// Parses stored objects so that they share what is alike in most of them: which fields a manager has
// (metadata.managedFields[].fieldsV1) is the same in all that it writes of a kind, and often half of an object's parts.
import { parseExactly } from '../../apimachinery/json/int64.ts';
import { endOfString } from '../../apimachinery/json/parse.ts';
import { isObject } from '../../apimachinery/json/value.ts';
import type { FieldSet } from '../../apimachinery/managedfields/field-set.ts';
import type { KubeObject } from '../../apimachinery/object.ts';

const marker = '"fieldsV1":';
const opening = `${marker}{`;
/** No set of fields is a number, so it marks the place of one. */
const place = 0;

/** How many sets are kept for those to come, and how long a text may be for that, in UTF-16 units. */
const mostKept = 1000;
const longestKept = 4096;

const kept = new Map<string, FieldSet>();

/** The object of a text that is valid JSON. It has parts in common with others: never to be changed. */
export function parseSharing(text: string): KubeObject {
  const sets: FieldSet[] = [];
  let [rest, from] = ['', 0];
  for (let at = text.indexOf(opening); at >= 0; at = text.indexOf(opening, from)) {
    const start = at + marker.length;
    rest += `${text.slice(from, start)}${place}`;
    from = endOfObject(text, start);
    sets.push(setOf(text.slice(start, from)));
  }
  if (sets.length === 0) return parseExactly(text) as KubeObject;
  const object = parseExactly(rest + text.slice(from)) as KubeObject;
  const entries: unknown = object.metadata.managedFields;
  const places = (Array.isArray(entries) ? entries : []).filter((entry) => isObject(entry) && entry.fieldsV1 === place);
  // A custom resource may have such a field elsewhere, and so may what somebody wrote into storage past the API.
  if (places.length !== sets.length) return parseExactly(text) as KubeObject;
  places.forEach((entry, i) => {
    entry.fieldsV1 = sets[i];
  });
  return object;
}

function setOf(text: string): FieldSet {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const set = JSON.parse(text) as FieldSet;
  if (text.length > longestKept) return set;
  // Those still in use stay shared among the objects that have them.
  if (kept.size >= mostKept) kept.clear();
  kept.set(text, set);
  return set;
}

/** Where the JSON object ends whose `{` stands at `start`. Throws where it does not. */
export function endOfObject(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (code === 0x7b) depth++;
    else if (code === 0x7d && --depth === 0) return at + 1;
  }
  throw new Error('an object of a stored text has no end');
}

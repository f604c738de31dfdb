// The packet lab (../shared/proxy-lab): cases of objects, and what was recorded of packets and of rules among them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/apimachinery/object.ts';
import { shared } from '../fixtures/portico-process.ts';

export const lab = join(shared, 'proxy-lab');

/** Names of the cases, in order; none where the lab is not there. */
export const cases: readonly string[] = existsSync(lab)
  ? readdirSync(join(lab, 'cases'))
      .filter((file) => file.endsWith('.yaml') && !file.startsWith('_'))
      .map((file) => file.slice(0, -'.yaml'.length))
      .sort()
  : [];

/** A file of the lab: of `cases`, `outcomes` or `rules`. */
export function labText(folder: string, file: string): string {
  return readFileSync(join(lab, folder, file), 'utf8');
}

/** The objects of a text of several documents. */
export function objectsIn(text: string): KubeObject[] {
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
}

/** The objects of a case, or of `_cluster`. */
export function objectsOf(name: string): KubeObject[] {
  return objectsIn(labText('cases', `${name}.yaml`));
}

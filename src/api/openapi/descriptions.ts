// What types and fields are for, in a sentence each: what `kubectl explain` shows. Those without a line here are
// documented upstream (https://kubernetes.io/docs/reference/kubernetes-api/).
import { table } from '../../apimachinery/table.ts';
import { kinds } from './descriptions/kinds.ts';
import { meta } from './descriptions/meta.ts';
import { networking } from './descriptions/networking.ts';
import { pods } from './descriptions/pods.ts';
import { services } from './descriptions/services.ts';
import { workloads } from './descriptions/workloads.ts';

/** Fields that mean the same wherever they are. How they begin, tests of conformance look for. */
const usual = table<string>({
  apiVersion: 'APIVersion defines the schema that the object is written in: GROUP/VERSION.',
  kind: 'What the object is. Cannot be changed.',
  metadata: "Standard object's metadata: name, labels, owners, ….",
  items: 'The objects of the list.',
});

const ofConditions = table<string>({
  type: 'Which aspect.',
  status: 'True, False or Unknown.',
  reason: 'Why, in one word, for programs.',
  message: 'Why, for people.',
  lastTransitionTime: 'When the status last changed.',
  observedGeneration: 'The generation of the object that the condition is about.',
});

export interface Descriptions {
  /** By the last parts of its name: `core.v1.Pod`. */
  type(name: string): string | undefined;
  field(type: string, field: string): string | undefined;
  /** The types, and types with a field, that have a line of their own. */
  readonly names: readonly string[];
  /** All of it, for what tells whether it changed. */
  readonly text: string;
}

export function readDescriptions(): Descriptions {
  const text = [meta, services, pods, workloads, networking, kinds].join('');
  const lines = text.split('\n').filter((line) => line !== '');
  const known = new Map(lines.map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]));
  return {
    names: [...known.keys()],
    type: (name) => known.get(name),
    field: (type, field) =>
      known.get(`${type}.${field}`) ?? (type.endsWith('Condition') ? ofConditions[field] : undefined) ?? usual[field],
    text: JSON.stringify([text, usual, ofConditions]),
  };
}

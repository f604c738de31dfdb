// Which container of which pod on which node a streaming request means, and the refusals, in kube-apiserver's words.

import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { isOn } from '../../apimachinery/query.ts';
import { badRequest, invalid, notFound } from '../../apimachinery/status.ts';
import { readTime } from '../../apimachinery/time.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import type { ObjectView } from '../object-view.ts';
import type { RequestInfo } from '../request-info.ts';

export type PodObject = Readonly<Pod & KubeObject>;

const pods = { group: '', resource: 'pods' };

/** The pod that a path names; throws 404. */
export async function findPod(view: ObjectView, { namespace, name }: RequestInfo): Promise<PodObject> {
  let pod = view.get<PodObject>(pods, namespace, name);
  if (!pod) {
    await view.caughtUp();
    pod = view.get<PodObject>(pods, namespace, name);
  }
  if (!pod) throw notFound(pods, name);
  return pod;
}

/** The container that is meant; throws 400 when that is not clear or there is none of the name. */
export function chooseContainer({ metadata, spec }: PodObject, asked: string): string {
  const namesOf = (list: readonly { readonly name?: string }[] = []) => list.map(({ name }) => name ?? '');
  const containers = namesOf(spec.containers);
  const initContainers = namesOf(spec.initContainers);
  const ephemeral = namesOf(spec.ephemeralContainers);
  if (asked !== '') {
    if ([...containers, ...initContainers, ...ephemeral].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${metadata.name}`);
  }
  const [only, ...more] = containers;
  if (only !== undefined && more.length === 0) return only;
  let message = `a container name must be specified for pod ${metadata.name}`;
  if (containers.length > 0) message += `, choose one of: [${containers.join(' ')}]`;
  if (initContainers.length > 0) message += ` or one of the init containers: [${initContainers.join(' ')}]`;
  throw badRequest(message);
}

/** The pod's node; throws 400 while it has none. */
export function hostOf({ metadata, spec }: PodObject): string {
  if (spec.nodeName) return spec.nodeName;
  throw badRequest(`pod ${metadata.name} does not have a host assigned`);
}

/** Throws 422 for log options that make no sense (upstream ValidatePodLogOptions). */
export function checkLogOptions(podName: string, query: URLSearchParams): void {
  const errors: FieldError[] = [];
  const since = query.get('sinceTime') ?? '';
  if (since !== '' && since !== 'null') {
    const time = readTime(since, 'time');
    if (typeof time === 'string') throw badRequest(time);
  }
  const number = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const value = Number(text);
    if (!Number.isInteger(value)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
    return value;
  };
  const atLeast = (name: string, bound: 0 | 1) => {
    const value = number(name);
    if (value === undefined || value >= bound) return;
    const why = bound === 0 ? 'must be greater than or equal to 0' : 'must be greater than 0';
    errors.push(fieldError.invalid(name, value, why));
  };
  atLeast('tailLines', 0);
  atLeast('limitBytes', 1);
  if (query.get('sinceSeconds') && query.get('sinceTime')) {
    errors.push(fieldError.forbidden('[]', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  } else atLeast('sinceSeconds', 1);
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, podName, errors);
}

/** What an exec or attach wants, as the kubelet's query. */
export function execQuery(query: URLSearchParams, kind: 'exec' | 'attach'): URLSearchParams {
  const kubelet = new URLSearchParams();
  if (isOn(query.get('stdin'))) kubelet.set('input', '1');
  if (isOn(query.get('stdout'))) kubelet.set('output', '1');
  // A terminal has no stderr of its own.
  if (isOn(query.get('stderr')) && !isOn(query.get('tty'))) kubelet.set('error', '1');
  if (kubelet.size === 0) throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  if (isOn(query.get('tty'))) kubelet.set('tty', '1');
  const command = query.getAll('command');
  if (kind === 'exec' && command.length === 0)
    throw badRequest('you must specify at least one command for the container');
  if (kind === 'exec') for (const word of command) kubelet.append('command', word);
  return kubelet;
}

// The words of a refusal, exactly kube-apiserver's: people and programs search for them.
import { forbidden, StatusError } from '../../apimachinery/status.ts';
import type { Attributes } from '../extensions.ts';

/** `User "x" cannot list resource "services" in API group "" in the namespace "default"`. */
export function forbiddenReason({ user, verb, info }: Attributes): string {
  const who = `User ${JSON.stringify(user.name)} cannot`;
  if (!info.isResource) return `${who} ${verb} path ${JSON.stringify(info.path)}`;
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  const what = `${who} ${verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(info.group)}`;
  return info.namespace === ''
    ? `${what} at the cluster scope`
    : `${what} in the namespace ${JSON.stringify(info.namespace)}`;
}

/** The 403 for a request that is not allowed; `reason` is the authorizer's, when it gave one. */
export function forbiddenError(attributes: Attributes, reason = ''): StatusError {
  const why = reason === '' ? forbiddenReason(attributes) : `${forbiddenReason(attributes)}: ${reason}`;
  const { info } = attributes;
  if (info.isResource) return forbidden(info, info.name, why);
  return new StatusError({ code: 403, reason: 'Forbidden', message: `forbidden: ${why}`, details: {} });
}

// The words of a refusal, exactly kube-apiserver's: people and programs search for them.

import { quoted } from '../../apimachinery/json/go-text.ts';
import { forbidden, StatusError } from '../../apimachinery/status.ts';
import { table } from '../../apimachinery/table.ts';
import type { Attributes } from '../access-control.ts';
import { type ApiResponse, textResponse } from '../request.ts';

/** `User "x" cannot list resource "services" in API group "" in the namespace "default"`. */
function forbiddenReason({ user, verb, info }: Attributes): string {
  const who = `User ${quoted(user.name)} cannot`;
  if (!info.isResource) return `${who} ${verb} path ${quoted(info.path)}`;
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  const what = `${who} ${verb} resource ${quoted(resource)} in API group ${quoted(info.group)}`;
  return info.namespace === '' ? `${what} at the cluster scope` : `${what} in the namespace ${quoted(info.namespace)}`;
}

/** Names come from clients, and some show messages in pages. */
const escaped = table<string>({ '&': '&amp;', '<': '&lt;', '>': '&gt;' });

/** The answer to a request that nobody allows, where something kept an authorizer from deciding; `uri` as it was sent. */
export function undecidedResponse(uri: string, error: string): ApiResponse {
  const why = `Internal Server Error: ${quoted(uri)}: ${error}`.replace(/[&<>]/g, (char) => escaped[char] ?? char);
  return textResponse(500, `${why}\n`);
}

/** The 403 for a request that is not allowed; `reason` is the authorizer's, when it gave one. */
export function forbiddenError(attributes: Attributes, reason = ''): StatusError {
  const what = forbiddenReason(attributes).replace(/[&<>]/g, (char) => escaped[char] ?? char);
  const why = reason === '' ? what : `${what}: ${reason}`;
  const { info } = attributes;
  const { status } = info.isResource ? forbidden(info, info.name, why) : forbiddenPath(why);
  return new StatusError(status, { 'x-content-type-options': 'nosniff' });
}

function forbiddenPath(why: string): StatusError {
  return new StatusError({ code: 403, reason: 'Forbidden', message: `forbidden: ${why}`, details: {} });
}

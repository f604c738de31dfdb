// Refusals that belong to no resource: paths, methods and media types. Texts are kube-apiserver's.
import { StatusError } from '../apimachinery/status.ts';

export function pathNotFound(): StatusError {
  const message = 'the server could not find the requested resource';
  return new StatusError({ code: 404, reason: 'NotFound', message, details: {} });
}

export function methodNotAllowed(): StatusError {
  const message = 'the server does not allow this method on the requested resource';
  return new StatusError({ code: 405, reason: 'MethodNotAllowed', message, details: {} });
}

const representations = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json;stream=watch',
  'application/vnd.kubernetes.protobuf;stream=watch',
];

/** 406: the client accepts no media type of a built-in kind. Only collections come as streams. */
export function notAcceptable({ isCollection }: { readonly isCollection: boolean }): StatusError {
  return noRepresentation(representations.slice(0, isCollection ? representations.length : 3));
}

/** 406: a route has these media types, and the client accepts none of them. */
export function noRepresentation(available: readonly string[]): StatusError {
  const message = `406: Not Acceptable\n\nAvailable representations: ${available.join(', ')}`;
  return new StatusError({ code: 406, reason: 'NotAcceptable', message, details: {} });
}

/** 406: it accepts a media type, but in a form that there is not. */
export function formNotAcceptable(): StatusError {
  return noneAccepted(representations.slice(0, 3));
}

/** 406: what it prefers cannot be sent piece by piece. */
export function streamNotAcceptable(): StatusError {
  return noneAccepted(representations.slice(3));
}

/** 406: metadata of one object is asked for, and there are many; or the other way round. */
export function metadataNotAcceptable(goType: string, isList: boolean): StatusError {
  const message = isList
    ? `you requested PartialObjectMetadata, but the requested object is a list (${goType})`
    : `you requested PartialObjectMetadataList, but the requested object is not a list (${goType})`;
  return new StatusError({ code: 406, reason: 'NotAcceptable', message });
}

/** 406: the client accepts none of these. */
export function noneAccepted(accepted: readonly string[]): StatusError {
  const message = `only the following media types are accepted: ${accepted.join(', ')}`;
  return new StatusError({ code: 406, reason: 'NotAcceptable', message });
}

function unknownFormat(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return new StatusError({ code: 415, reason: 'UnsupportedMediaType', message });
}

/** 415 for a body of an object. */
export const unsupportedBody = () => unknownFormat(representations.slice(0, 3));

/** 415 for a patch. */
export function unsupportedPatch(): StatusError {
  const message = '415: Unsupported Media Type';
  return new StatusError({ code: 415, reason: 'UnsupportedMediaType', message, details: {} });
}

/** 415 for a body of a custom resource, which no protocol buffers know. */
export const unsupportedCustomBody = () => unknownFormat(representations.slice(0, 2));

/** 415 for a patch of a custom resource. */
export const unsupportedCustomPatch = () =>
  unknownFormat(['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']);

/** 504: the client asks for a state that has not happened yet. */
export function tooLargeResourceVersion(wanted: string, current: number): StatusError {
  const message = `Timeout: Too large resource version: ${wanted}, current: ${current}`;
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  return new StatusError(
    { code: 504, reason: 'Timeout', message, details: { causes, retryAfterSeconds: 1 } },
    { 'retry-after': '1' },
  );
}

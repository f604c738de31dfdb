// Labels of EndpointSlices by which the parts find those that concern them, and an annotation by which they measure their delay.

/** The Service whose endpoints a slice lists. */
export const serviceNameLabel = 'kubernetes.io/service-name';
/** The controller that keeps it. */
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
/** Of a Service without a cluster IP; older Endpoints objects have it, too. */
export const headlessLabel = 'service.kubernetes.io/headless';

/** Annotation: when the first of the changes happened that the last write is of (RFC 3339). */
export const lastChangeTriggerTime = 'endpoints.kubernetes.io/last-change-trigger-time';

/** The controller that keeps an Endpoints object. */
export const managedByLabel = 'endpoints.kubernetes.io/managed-by';
/** The one that derives Endpoints from a Service and its Pods. */
export const managedBy = 'endpoint-controller';

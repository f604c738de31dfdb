// Labels of EndpointSlices by which the parts find those that concern them (well-known labels of discovery.k8s.io).

/** The Service whose endpoints a slice lists. */
export const serviceNameLabel = 'kubernetes.io/service-name';
/** The controller that keeps it. */
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';

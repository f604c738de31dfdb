// What an answer came from, as texts that a change can be looked up by: when one of them changes, the answer may.

export const dependencyOn = {
  service: (namespace: string, name: string): string => `${namespace}/${name}`,
  /** Whether the namespace is there. No Service has an empty name. */
  namespace: (namespace: string): string => `${namespace}/`,
  /** Whose address it is: a Service's, endpoints', Pods'. */
  address: (address: string): string => `@${address}`,
};

// Names of signers of certificates (`example.com/my-signer`), and of the objects that are named after one.
import { dns1123Label, dns1123Subdomain, emptyMessage, type NameRule } from '../../apimachinery/validation/names.ts';

/** The signers that Kubernetes itself has for clients of its API server: of kubelets, and of anyone else. */
export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
export const apiserverClientSigner = 'kubernetes.io/kube-apiserver-client';

/** 571 bytes at most: a domain of 253, a slash, a subdomain of 253 and a namespace's name before it. */
const maxLength = 571;

/** A domain with a path: `<domain of two labels or more>/<path of DNS names joined by dots>`. */
export const signerName: NameRule = (name) => {
  const slash = name.indexOf('/');
  const whole = 'must be a fully qualified domain and path of the form "example.com/signer-name"';
  if (slash < 0 || name.indexOf('/', slash + 1) >= 0) return [whole];
  const [domain, path] = [name.slice(0, slash), name.slice(slash + 1)];
  const errors = dns1123Subdomain(domain).map((message) => `validating label ${JSON.stringify(domain)}: ${message}`);
  if (!domain.includes('.')) errors.push('should be a domain with at least two segments separated by dots');
  if (path === '') errors.push(`validating part ${JSON.stringify(path)}: ${emptyMessage}`);
  else {
    for (const part of path.split('.')) {
      errors.push(...dns1123Label(part).map((message) => `validating label ${JSON.stringify(part)}: ${message}`));
    }
  }
  if (name.length > maxLength) errors.push(`must be no more than ${maxLength} characters`);
  return errors;
};

/** The signer in the name of a ClusterTrustBundle (`example.com:my-signer:name`); undefined where there is none. */
function signerOfBundleName(name: string): string | undefined {
  const colon = name.lastIndexOf(':');
  return colon < 0 ? undefined : name.slice(0, colon).replaceAll(':', '/');
}

/** `<signer with : for />:<subdomain>`, or a subdomain. */
export const clusterTrustBundleName: NameRule = (name) => {
  const signer = signerOfBundleName(name);
  if (signer === undefined) return dns1123Subdomain(name);
  return dns1123Subdomain(name.slice(name.lastIndexOf(':') + 1));
};

// How traffic comes in and where it may go.

export const networking = `
networking.v1.HTTPIngressPath.backend: Where requests of the path go.
networking.v1.HTTPIngressPath.path: The path; it begins with a slash.
networking.v1.HTTPIngressPath.pathType: Exact, Prefix (by whole parts of the path) or ImplementationSpecific.
networking.v1.IPAddress: One address that is taken, and who has it.
networking.v1.Ingress: Which Services HTTP requests from outside go to, by host and path.
networking.v1.IngressBackend.service: A Service and one of its ports.
networking.v1.IngressClass: Which program serves Ingresses of a class.
networking.v1.IngressRule.host: The host that requests name; all when empty. May begin with "*.".
networking.v1.IngressSpec.defaultBackend: Where requests go that no rule is for.
networking.v1.IngressSpec.ingressClassName: The IngressClass that serves it.
networking.v1.IngressSpec.rules: By host, then by path.
networking.v1.IngressSpec.tls: Hosts that are served by TLS, and the Secrets with their certificates.
networking.v1.NetworkPolicy: What traffic its Pods may get and send.
networking.v1.NetworkPolicyPeer.ipBlock: A range of addresses.
networking.v1.NetworkPolicyPeer.namespaceSelector: Pods of these namespaces.
networking.v1.NetworkPolicyPeer.podSelector: These Pods.
networking.v1.NetworkPolicySpec.egress: What they may send; nothing when empty.
networking.v1.NetworkPolicySpec.ingress: What they may get; nothing when empty.
networking.v1.NetworkPolicySpec.podSelector: The Pods it is for; empty is all of the namespace.
networking.v1.NetworkPolicySpec.policyTypes: Ingress, Egress or both.
networking.v1.ServiceCIDR: A range that Services' virtual IPs are given out from.
networking.v1.ServiceCIDRSpec.cidrs: The range, or one per IP family. Cannot be changed.
`;

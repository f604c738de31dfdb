// Services and their endpoints.

export const services = `
core.v1.Service: A fixed front door (virtual IP, DNS name, ports) for a changing set of Pods.
core.v1.Service.spec: What the Service offers, and where its traffic goes.
core.v1.Service.status: What the load balancer, if there is one, reported.
core.v1.ServiceSpec.allocateLoadBalancerNodePorts: Whether node ports are given out for type LoadBalancer; default true.
core.v1.ServiceSpec.clusterIP: The virtual IP: given out from the cluster's range when empty, "None" for a headless Service. Cannot be changed once set, save by changing the type.
core.v1.ServiceSpec.clusterIPs: The virtual IPs, one per IP family, at most two; the first equals clusterIP.
core.v1.ServiceSpec.externalIPs: Further IPs at which nodes accept traffic for the Service; routing them to the nodes is the administrator's business.
core.v1.ServiceSpec.externalName: For type ExternalName: the name that cluster DNS answers with as a CNAME.
core.v1.ServiceSpec.externalTrafficPolicy: How traffic from outside (node ports, external IPs, load balancers) chooses endpoints. Cluster: all of them, with the source address translated; Local: those of the receiving node only, with the source address kept.
core.v1.ServiceSpec.healthCheckNodePort: For type LoadBalancer with externalTrafficPolicy Local: the node port at which load balancers ask whether the node has endpoints. Given out when not set.
core.v1.ServiceSpec.internalTrafficPolicy: How traffic from inside the cluster to the cluster IP chooses endpoints. Cluster: all of them; Local: those of the client's node only.
core.v1.ServiceSpec.ipFamilies: IPv4, IPv6 or both, in the order of clusterIPs.
core.v1.ServiceSpec.ipFamilyPolicy: SingleStack, PreferDualStack (two families where the cluster has two) or RequireDualStack.
core.v1.ServiceSpec.loadBalancerClass: Which implementation serves a Service of type LoadBalancer; the cluster's default when not set. Cannot be changed.
core.v1.ServiceSpec.loadBalancerIP: The address wanted of the load balancer. Deprecated: implementations differ in what they make of it.
core.v1.ServiceSpec.loadBalancerSourceRanges: CIDRs from which clients may use the load balancer's addresses; all when empty.
core.v1.ServiceSpec.ports: The ports offered. With more than one, each needs a name.
core.v1.ServiceSpec.publishNotReadyAddresses: Whether endpoints count as ready whatever their Pods say; for DNS among the members of a StatefulSet.
core.v1.ServiceSpec.selector: The labels of the Pods that traffic goes to. Without one, endpoints are written by somebody else.
core.v1.ServiceSpec.sessionAffinity: ClientIP sends a client to the same endpoint as before; None (the default) does not.
core.v1.ServiceSpec.sessionAffinityConfig: How long an affinity lasts.
core.v1.ServiceSpec.trafficDistribution: A preference among endpoints: PreferSameZone, PreferSameNode, or PreferClose (the old name of PreferSameZone).
core.v1.ServiceSpec.type: ClusterIP (inside the cluster), NodePort (also at a port of every node), LoadBalancer (also at an address of a load balancer) or ExternalName (a DNS alias only). Default: ClusterIP.
core.v1.ServicePort: One port of a Service.
core.v1.ServicePort.appProtocol: What is spoken on the port, for those who look inside: a name of IANA, kubernetes.io/h2c, kubernetes.io/ws, kubernetes.io/wss, or a prefixed name.
core.v1.ServicePort.name: The port's name within the Service, a DNS label; SRV records and EndpointSlices carry it.
core.v1.ServicePort.nodePort: The port on every node, for types NodePort and LoadBalancer. Given out when not set.
core.v1.ServicePort.port: The port at the Service's own addresses.
core.v1.ServicePort.protocol: TCP (the default), UDP or SCTP.
core.v1.ServicePort.targetPort: The port at the Pods: a number, or the name of a container port. Default: the value of port.
core.v1.ServiceStatus.loadBalancer: The addresses at which the load balancer serves the Service.
core.v1.LoadBalancerIngress.hostname: A DNS name of the load balancer.
core.v1.LoadBalancerIngress.ip: An IP of the load balancer.
core.v1.LoadBalancerIngress.ipMode: VIP: nodes catch traffic to the IP themselves; Proxy: it must go through the load balancer.
core.v1.ClientIPConfig.timeoutSeconds: Seconds, from 1 to 86400; default 10800.
discovery.v1.EndpointSlice: A part of the endpoints of a Service. The label kubernetes.io/service-name says of which.
discovery.v1.EndpointSlice.addressType: IPv4, IPv6 or FQDN: of all addresses of the slice. Cannot be changed.
discovery.v1.EndpointSlice.endpoints: At most 1000 endpoints.
discovery.v1.EndpointSlice.ports: The ports that every endpoint of the slice serves, at most 100.
discovery.v1.Endpoint.addresses: The endpoint's addresses; only the first is used.
discovery.v1.Endpoint.conditions: Whether traffic should go to the endpoint.
discovery.v1.Endpoint.hints: For which zones or nodes the endpoint is meant, when the Service asks for a traffic distribution.
discovery.v1.Endpoint.hostname: The endpoint's own name below the name of a headless Service.
discovery.v1.Endpoint.nodeName: The node the endpoint is on.
discovery.v1.Endpoint.targetRef: The object behind the endpoint, as a rule a Pod.
discovery.v1.Endpoint.zone: The zone the endpoint is in.
discovery.v1.EndpointConditions.ready: Should get new connections. Not set counts as true.
discovery.v1.EndpointConditions.serving: Would answer, terminating or not; used while no endpoint is ready. Not set counts as true.
discovery.v1.EndpointConditions.terminating: On its way out. Not set counts as false.
discovery.v1.EndpointPort.appProtocol: As of the Service's port.
discovery.v1.EndpointPort.name: The name of the Service's port that is served; each name stands once in a slice.
discovery.v1.EndpointPort.port: The port number at the endpoint.
discovery.v1.EndpointPort.protocol: TCP (the default), UDP or SCTP.
`;

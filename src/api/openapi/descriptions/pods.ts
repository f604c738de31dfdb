// Pods, containers, volumes and nodes.

export const pods = `
core.v1.Affinity.nodeAffinity: Which nodes the Pod may run on, or would rather.
core.v1.Affinity.podAffinity: Near which other Pods it may run, or would rather.
core.v1.Affinity.podAntiAffinity: Away from which other Pods it must run, or would rather.
core.v1.ConfigMapKeySelector.key: The key in the ConfigMap's data.
core.v1.ConfigMapKeySelector.optional: Whether it may be missing.
core.v1.Container: One program of a Pod, from an image.
core.v1.Container.args: Arguments of the command; the image's CMD when not set. $(NAME) stands for a variable of env.
core.v1.Container.command: The program and its first arguments, without a shell; the image's ENTRYPOINT when not set. Cannot be changed.
core.v1.Container.env: Environment variables. Cannot be changed.
core.v1.Container.envFrom: ConfigMaps and Secrets whose keys all become variables; env wins over them, later sources over earlier ones.
core.v1.Container.image: The image's name, as the runtime on the node finds it.
core.v1.Container.imagePullPolicy: Always, IfNotPresent or Never. Default: Always for the tag latest and for none, IfNotPresent otherwise.
core.v1.Container.lifecycle: What is done right after the start and before the stop.
core.v1.Container.livenessProbe: While it fails, the container is restarted.
core.v1.Container.name: A DNS label, unique in the Pod. Cannot be changed.
core.v1.Container.ports: The ports that the program listens on: for people, and for names that Services use. A port need not be listed to be reached.
core.v1.Container.readinessProbe: While it fails, the Pod is no endpoint of its Services.
core.v1.Container.resizePolicy: Which resources can change without a restart.
core.v1.Container.resources: What the container needs, and may use at most.
core.v1.Container.restartPolicy: For one container another policy than the Pod's. Always makes an init container a sidecar.
core.v1.Container.securityContext: Users and rights; wins over the Pod's.
core.v1.Container.startupProbe: Until it succeeds, the other probes wait; when it fails, the container is restarted.
core.v1.Container.stdin: Whether standard input is kept open.
core.v1.Container.terminationMessagePath: The file whose text becomes the status's message when the container ends. Default: /dev/termination-log.
core.v1.Container.tty: Whether it has a terminal; needs stdin.
core.v1.Container.volumeMounts: Where the Pod's volumes are in the container's files. Cannot be changed.
core.v1.Container.workingDir: Where the program starts; the image's when not set.
core.v1.ContainerPort.containerPort: The port in the Pod, 1 to 65535.
core.v1.ContainerPort.hostPort: The same port of the node, where one is wanted.
core.v1.ContainerPort.name: A name for the port, unique in the Pod, that Services may use.
core.v1.ContainerPort.protocol: TCP (the default), UDP or SCTP.
core.v1.ContainerStatus.lastState: How the container before this one ended.
core.v1.ContainerStatus.ready: Whether its readiness probe, if it has one, succeeds.
core.v1.ContainerStatus.restartCount: How often it was started again.
core.v1.ContainerStatus.state: Waiting, running or terminated, with the particulars.
core.v1.EmptyDirVolumeSource.medium: "" for the node's disk, Memory for a file system in memory.
core.v1.EmptyDirVolumeSource.sizeLimit: How much may be written; past it the Pod is evicted.
core.v1.EnvVar.name: The variable.
core.v1.EnvVar.value: Its value; $(NAME) stands for an earlier variable.
core.v1.EnvVar.valueFrom: Where the value is read, instead of value.
core.v1.EnvVarSource.configMapKeyRef: A key of a ConfigMap.
core.v1.EnvVarSource.fieldRef: A field of the Pod: metadata.name, status.podIP, ….
core.v1.EnvVarSource.resourceFieldRef: A limit or request of a container.
core.v1.EnvVarSource.secretKeyRef: A key of a Secret.
core.v1.HTTPGetAction.path: The path asked for.
core.v1.HTTPGetAction.port: Number or name of the port.
core.v1.HTTPGetAction.scheme: HTTP (the default) or HTTPS, whose certificate is not checked.
core.v1.HostPathVolumeSource.path: The path on the node.
core.v1.Lifecycle.postStart: Runs right after the start; when it fails, the container is killed.
core.v1.Lifecycle.preStop: Runs before the container is told to stop, within the grace period.
core.v1.Node: A machine that runs Pods.
core.v1.NodeCondition.type: Ready, MemoryPressure, DiskPressure, PIDPressure or NetworkUnavailable.
core.v1.NodeSpec.podCIDR: The range that its Pods' addresses are from.
core.v1.NodeSpec.podCIDRs: The ranges, one per IP family; the first equals podCIDR.
core.v1.NodeSpec.providerID: The node's name at the provider of the machines.
core.v1.NodeSpec.taints: What keeps Pods off that do not tolerate it.
core.v1.NodeSpec.unschedulable: Whether new Pods are kept off.
core.v1.NodeStatus.addresses: Where the node is reached.
core.v1.NodeStatus.allocatable: What Pods may use of its resources.
core.v1.NodeStatus.capacity: All its resources.
core.v1.NodeStatus.nodeInfo: Kernel, runtime, kubelet and operating system.
core.v1.Pod: Containers that run together on one node, with one network address.
core.v1.PodCondition.type: PodScheduled, Initialized, ContainersReady, Ready, or another's own.
core.v1.PodSecurityContext.fsGroup: The group that owns files of volumes, and that processes also belong to.
core.v1.PodSecurityContext.runAsNonRoot: Whether a container that would run as user 0 is refused.
core.v1.PodSecurityContext.runAsUser: The user of processes; the image's when not set.
core.v1.PodSecurityContext.sysctls: Kernel settings of the Pod's namespaces.
core.v1.PodSpec.activeDeadlineSeconds: Seconds after the start when the Pod is stopped and counts as failed.
core.v1.PodSpec.affinity: Rules for the scheduler's choice of a node.
core.v1.PodSpec.automountServiceAccountToken: Whether containers get a token of the service account as a file.
core.v1.PodSpec.containers: At least one. None can be added or removed.
core.v1.PodSpec.dnsConfig: Added to what dnsPolicy makes.
core.v1.PodSpec.dnsPolicy: ClusterFirst (the default), ClusterFirstWithHostNet, Default (the node's) or None (dnsConfig alone).
core.v1.PodSpec.enableServiceLinks: Whether containers have variables for the namespace's Services. Default: true.
core.v1.PodSpec.ephemeralContainers: Containers put into the running Pod for a look inside; by the subresource of that name only.
core.v1.PodSpec.hostAliases: Lines for /etc/hosts.
core.v1.PodSpec.hostIPC: Whether it uses the node's IPC namespace.
core.v1.PodSpec.hostNetwork: Whether it uses the node's network, and so its ports and addresses.
core.v1.PodSpec.hostPID: Whether it sees the node's processes.
core.v1.PodSpec.hostname: The host name in the Pod; its name when not set.
core.v1.PodSpec.imagePullSecrets: Secrets with credentials for registries.
core.v1.PodSpec.initContainers: Containers that run before the others, one after the other, each to its end; those with restartPolicy Always run on beside.
core.v1.PodSpec.nodeName: The node it runs on. Set by the scheduler.
core.v1.PodSpec.nodeSelector: Labels that the node must have.
core.v1.PodSpec.overhead: What running the Pod takes beyond its containers, from the RuntimeClass.
core.v1.PodSpec.preemptionPolicy: PreemptLowerPriority (the default) or Never.
core.v1.PodSpec.priority: Higher ones are scheduled first, and may drive out lower ones. From the priority class.
core.v1.PodSpec.priorityClassName: The PriorityClass that says the priority.
core.v1.PodSpec.readinessGates: Further conditions that must be True for the Pod to be ready.
core.v1.PodSpec.restartPolicy: Of containers that end: Always (the default), OnFailure or Never.
core.v1.PodSpec.runtimeClassName: The RuntimeClass that runs it; the node's usual runtime when not set.
core.v1.PodSpec.schedulerName: Which scheduler chooses the node. Default: default-scheduler.
core.v1.PodSpec.schedulingGates: While there are any, the Pod is not scheduled; they can only be taken away.
core.v1.PodSpec.securityContext: Users and rights of all containers.
core.v1.PodSpec.serviceAccountName: The service account it runs as. Default: default.
core.v1.PodSpec.shareProcessNamespace: Whether containers see each other's processes.
core.v1.PodSpec.subdomain: With it and a headless Service of its name, the Pod has the DNS name hostname.subdomain.namespace.svc.
core.v1.PodSpec.terminationGracePeriodSeconds: Seconds that containers get between SIGTERM and SIGKILL. Default: 30.
core.v1.PodSpec.tolerations: Taints that do not keep the Pod off a node.
core.v1.PodSpec.topologySpreadConstraints: How evenly Pods like this one are to be spread over zones, nodes, ….
core.v1.PodSpec.volumes: What containers can mount.
core.v1.PodStatus.conditions: What is true of it now: scheduled, initialized, ready.
core.v1.PodStatus.containerStatuses: One per container.
core.v1.PodStatus.hostIP: The node's address.
core.v1.PodStatus.phase: Pending, Running, Succeeded, Failed or Unknown.
core.v1.PodStatus.podIP: The Pod's address.
core.v1.PodStatus.podIPs: Its addresses, one per IP family; the first equals podIP.
core.v1.PodStatus.qosClass: Guaranteed, Burstable or BestEffort, by requests and limits.
core.v1.PodStatus.startTime: When the kubelet took it up.
core.v1.PodTemplate: A template that is kept by itself.
core.v1.PodTemplateSpec: The Pods that are made from it.
core.v1.Probe: A question that the kubelet asks a container again and again.
core.v1.Probe.exec: A command that must end with 0.
core.v1.Probe.failureThreshold: Failures in a row that count as one. Default: 3.
core.v1.Probe.grpc: A call of the gRPC health protocol.
core.v1.Probe.httpGet: A request whose answer must be 200 to 399.
core.v1.Probe.initialDelaySeconds: Seconds from the start to the first time.
core.v1.Probe.periodSeconds: Seconds between two times. Default: 10.
core.v1.Probe.successThreshold: Successes in a row that count as one. Default: 1.
core.v1.Probe.tcpSocket: A connection that must come about.
core.v1.Probe.timeoutSeconds: Seconds to wait for an answer. Default: 1.
core.v1.ResourceRequirements.claims: Resource claims of the Pod that the container uses.
core.v1.ResourceRequirements.limits: At most this much: cpu is throttled, past memory the container is killed.
core.v1.ResourceRequirements.requests: At least this much is kept free for it on the node; the limits when not set.
core.v1.SecurityContext.allowPrivilegeEscalation: Whether a process may gain more rights than its parent.
core.v1.SecurityContext.capabilities: Linux capabilities to add and to drop.
core.v1.SecurityContext.privileged: Whether it may do all that root may on the node.
core.v1.SecurityContext.readOnlyRootFilesystem: Whether it can write to its volumes only.
core.v1.SecurityContext.runAsGroup: The group of its processes.
core.v1.SecurityContext.runAsNonRoot: Whether it is refused if it would run as user 0.
core.v1.SecurityContext.runAsUser: The user of its processes.
core.v1.Taint.effect: NoSchedule, PreferNoSchedule or NoExecute, which also drives running Pods out.
core.v1.Toleration.effect: The effect tolerated; all when empty.
core.v1.Toleration.key: The taint tolerated; all when empty, with operator Exists.
core.v1.Toleration.operator: Equal (the default) or Exists.
core.v1.Toleration.tolerationSeconds: For NoExecute: how long; for good when not set.
core.v1.TopologySpreadConstraint.maxSkew: By how much the fullest domain may be ahead of the emptiest.
core.v1.TopologySpreadConstraint.topologyKey: The label of nodes whose values are the domains.
core.v1.TopologySpreadConstraint.whenUnsatisfiable: DoNotSchedule or ScheduleAnyway.
core.v1.Volume: Files that containers of the Pod can mount.
core.v1.Volume.configMap: The keys of a ConfigMap as files.
core.v1.Volume.csi: A volume of a CSI driver that lives as long as the Pod.
core.v1.Volume.emptyDir: An empty folder that lives as long as the Pod.
core.v1.Volume.ephemeral: A claim made for the Pod, that goes with it.
core.v1.Volume.hostPath: A path of the node.
core.v1.Volume.name: A DNS label, unique in the Pod.
core.v1.Volume.nfs: A path that an NFS server exports.
core.v1.Volume.persistentVolumeClaim: A claim in the same namespace.
core.v1.Volume.projected: Several sources in one folder.
core.v1.Volume.secret: The keys of a Secret as files.
core.v1.VolumeMount.mountPath: Where it is in the container.
core.v1.VolumeMount.name: The volume.
core.v1.VolumeMount.readOnly: Whether it cannot be written to.
core.v1.VolumeMount.subPath: The part of the volume that is mounted; its root when not set.
`;

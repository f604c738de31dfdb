// How Go writes the fields that the published schema says too little of: whether an optional scalar is a pointer (its
// zero is a value) or a plain value (its zero is absence), which optional structs are always written, which lists are
// written as null. One line per type, `type: field field …`; read off the json tags of k8s.io/api.

/** Optional numbers and booleans that are plain values with omitempty: `0` and `false` are left out. All others are pointers. */
const plainNumbersAndBooleans = `
admissionregistration.v1.ValidatingAdmissionPolicyStatus: observedGeneration
apiextensions.v1.CustomResourceColumnDefinition: priority
apiextensions.v1.CustomResourceDefinitionCondition: observedGeneration
apiextensions.v1.CustomResourceDefinitionSpec: preserveUnknownFields
apiextensions.v1.CustomResourceDefinitionStatus: observedGeneration
apiextensions.v1.CustomResourceDefinitionVersion: deprecated
apiextensions.v1.JSONSchemaProps: exclusiveMaximum exclusiveMinimum nullable uniqueItems x-kubernetes-embedded-resource x-kubernetes-int-or-string
apiregistration.v1.APIServiceSpec: insecureSkipTLSVerify
apps.v1.DaemonSetSpec: minReadySeconds
apps.v1.DaemonSetStatus: numberAvailable numberUnavailable observedGeneration updatedNumberScheduled
apps.v1.DeploymentSpec: minReadySeconds paused
apps.v1.DeploymentStatus: availableReplicas observedGeneration readyReplicas replicas unavailableReplicas updatedReplicas
apps.v1.ReplicaSetSpec: minReadySeconds
apps.v1.ReplicaSetStatus: availableReplicas fullyLabeledReplicas observedGeneration readyReplicas
apps.v1.StatefulSetSpec: minReadySeconds
apps.v1.StatefulSetStatus: currentReplicas observedGeneration readyReplicas updatedReplicas
authentication.v1.TokenReviewStatus: authenticated
authorization.v1.SubjectAccessReviewStatus: denied
autoscaling.v1.ScaleSpec: replicas
autoscaling.v2.HorizontalPodAutoscalerStatus: currentReplicas
batch.v1.JobStatus: active failed succeeded
core.v1.AWSElasticBlockStoreVolumeSource: partition readOnly
core.v1.AzureFilePersistentVolumeSource: readOnly
core.v1.AzureFileVolumeSource: readOnly
core.v1.CSIPersistentVolumeSource: readOnly
core.v1.CephFSPersistentVolumeSource: readOnly
core.v1.CephFSVolumeSource: readOnly
core.v1.CinderPersistentVolumeSource: readOnly
core.v1.CinderVolumeSource: readOnly
core.v1.Container: stdin stdinOnce tty
core.v1.ContainerImage: sizeBytes
core.v1.ContainerPort: hostPort
core.v1.ContainerStateTerminated: signal
core.v1.EphemeralContainer: stdin stdinOnce tty
core.v1.Event: count
core.v1.EventSeries: count
core.v1.FCVolumeSource: readOnly
core.v1.FlexPersistentVolumeSource: readOnly
core.v1.FlexVolumeSource: readOnly
core.v1.GCEPersistentDiskVolumeSource: partition readOnly
core.v1.GlusterfsPersistentVolumeSource: readOnly
core.v1.GlusterfsVolumeSource: readOnly
core.v1.ISCSIPersistentVolumeSource: chapAuthDiscovery chapAuthSession readOnly
core.v1.ISCSIVolumeSource: chapAuthDiscovery chapAuthSession readOnly
core.v1.NFSVolumeSource: readOnly
core.v1.NodeSpec: unschedulable
core.v1.PersistentVolumeClaimVolumeSource: readOnly
core.v1.PodCondition: observedGeneration
core.v1.PodSpec: hostIPC hostNetwork hostPID
core.v1.PodStatus: observedGeneration
core.v1.PortworxVolumeSource: readOnly
core.v1.Probe: failureThreshold initialDelaySeconds periodSeconds successThreshold timeoutSeconds
core.v1.QuobyteVolumeSource: readOnly
core.v1.RBDPersistentVolumeSource: readOnly
core.v1.RBDVolumeSource: readOnly
core.v1.ReplicationControllerSpec: minReadySeconds
core.v1.ReplicationControllerStatus: availableReplicas fullyLabeledReplicas observedGeneration readyReplicas
core.v1.ScaleIOPersistentVolumeSource: readOnly sslEnabled
core.v1.ScaleIOVolumeSource: readOnly sslEnabled
core.v1.ServicePort: nodePort
core.v1.ServiceSpec: healthCheckNodePort publishNotReadyAddresses
core.v1.StorageOSPersistentVolumeSource: readOnly
core.v1.StorageOSVolumeSource: readOnly
core.v1.VolumeMount: readOnly
core.v1.VolumeMountStatus: readOnly
events.v1.Event: deprecatedCount
flowcontrol.v1.ResourcePolicyRule: clusterScope
meta.v1.Condition: observedGeneration
meta.v1.ObjectMeta: generation
meta.v1.Status: code
meta.v1.StatusDetails: retryAfterSeconds
networking.v1.ServiceBackendPort: number
policy.v1.PodDisruptionBudgetStatus: observedGeneration
resource.v1.DeviceSubRequest: count
resource.v1.ExactDeviceRequest: count
scheduling.v1.PriorityClass: globalDefault
`;

/** Optional texts that are pointers: the empty text is a value. All others are left out when empty. */
const textPointers = `
admissionregistration.v1.MatchResources: matchPolicy
admissionregistration.v1.MutatingAdmissionPolicySpec: failurePolicy
admissionregistration.v1.MutatingWebhook: failurePolicy matchPolicy reinvocationPolicy sideEffects
admissionregistration.v1.NamedRuleWithOperations: scope
admissionregistration.v1.ParamRef: parameterNotFoundAction
admissionregistration.v1.RuleWithOperations: scope
admissionregistration.v1.ServiceReference: path
admissionregistration.v1.ValidatingAdmissionPolicySpec: failurePolicy
admissionregistration.v1.ValidatingWebhook: failurePolicy matchPolicy sideEffects
admissionregistration.v1.Validation: reason
admissionregistration.v1.WebhookClientConfig: url
apiextensions.v1.CustomResourceDefinitionVersion: deprecationWarning
apiextensions.v1.CustomResourceSubresourceScale: labelSelectorPath
apiextensions.v1.JSONSchemaProps: $ref x-kubernetes-list-type x-kubernetes-map-type
apiextensions.v1.ServiceReference: path
apiextensions.v1.ValidationRule: reason
apiextensions.v1.WebhookClientConfig: url
autoscaling.v2.HPAScalingRules: selectPolicy
batch.v1.CronJobSpec: timeZone
batch.v1.JobSpec: completionMode managedBy podReplacementPolicy
batch.v1.JobStatus: failedIndexes
batch.v1.PodFailurePolicyOnExitCodesRequirement: containerName
batch.v1.SuccessPolicyRule: succeededIndexes
coordination.v1.LeaseSpec: holderIdentity preferredHolder strategy
core.v1.AppArmorProfile: localhostProfile
core.v1.AzureDiskVolumeSource: cachingMode fsType kind
core.v1.AzureFilePersistentVolumeSource: secretNamespace
core.v1.CSIVolumeSource: fsType
core.v1.ClusterTrustBundleProjection: name signerName
core.v1.Container: restartPolicy
core.v1.ContainerStatus: stopSignal
core.v1.EndpointAddress: nodeName
core.v1.EndpointPort: appProtocol
core.v1.EphemeralContainer: restartPolicy
core.v1.GRPCAction: service
core.v1.GlusterfsPersistentVolumeSource: endpointsNamespace
core.v1.HostPathVolumeSource: type
core.v1.ISCSIPersistentVolumeSource: initiatorName
core.v1.ISCSIVolumeSource: initiatorName
core.v1.Lifecycle: stopSignal
core.v1.LoadBalancerIngress: ipMode
core.v1.LocalVolumeSource: fsType
core.v1.PersistentVolumeClaimSpec: storageClassName volumeAttributesClassName volumeMode
core.v1.PersistentVolumeClaimStatus: currentVolumeAttributesClassName
core.v1.PersistentVolumeSpec: volumeAttributesClassName volumeMode
core.v1.PodDNSConfigOption: value
core.v1.PodResourceClaim: resourceClaimName resourceClaimTemplateName
core.v1.PodResourceClaimStatus: resourceClaimName
core.v1.PodSchedulingGroup: podGroupName
core.v1.PodSecurityContext: fsGroupChangePolicy seLinuxChangePolicy supplementalGroupsPolicy
core.v1.PodSpec: hostnameOverride preemptionPolicy runtimeClassName
core.v1.PortStatus: error
core.v1.ResourceHealth: message
core.v1.SeccompProfile: localhostProfile
core.v1.SecurityContext: procMount
core.v1.ServicePort: appProtocol
core.v1.ServiceSpec: internalTrafficPolicy ipFamilyPolicy loadBalancerClass trafficDistribution
core.v1.TopologySpreadConstraint: nodeAffinityPolicy nodeTaintsPolicy
core.v1.TypedLocalObjectReference: apiGroup
core.v1.TypedObjectReference: apiGroup namespace
core.v1.VolumeMount: mountPropagation recursiveReadOnly
core.v1.VolumeMountStatus: recursiveReadOnly
core.v1.WindowsSecurityContextOptions: gmsaCredentialSpec gmsaCredentialSpecName runAsUserName
discovery.v1.Endpoint: hostname nodeName zone
discovery.v1.EndpointPort: appProtocol name protocol
meta.v1.DeleteOptions: propagationPolicy
meta.v1.Preconditions: resourceVersion uid
networking.v1.HTTPIngressPath: pathType
networking.v1.IngressClassParametersReference: apiGroup namespace scope
networking.v1.IngressPortStatus: error
networking.v1.IngressSpec: ingressClassName
networking.v1.NetworkPolicyPort: protocol
policy.v1.PodDisruptionBudgetSpec: unhealthyPodEvictionPolicy
resource.v1.AllocatedDeviceStatus: shareID
resource.v1.Device: nodeName
resource.v1.DeviceAttribute: string version
resource.v1.DeviceClassSpec: extendedResourceName
resource.v1.DeviceConstraint: distinctAttribute matchAttribute
resource.v1.DeviceRequestAllocationResult: shareID
resource.v1.NodeAllocatableResourceMapping: capacityKey
resource.v1.ResourceSliceSpec: nodeName
scheduling.v1.PriorityClass: preemptionPolicy
storage.v1.CSIDriverSpec: fsGroupPolicy
storage.v1.StorageClass: reclaimPolicy volumeBindingMode
storage.v1.VolumeAttachmentSource: persistentVolumeName
`;

/**
 * Optional structs that are plain values: written as `{}` when nothing is in them. So are `metadata`, and `spec` and
 * `status` of every kind.
 */
const plainStructs = `
apiextensions.v1.CustomResourceDefinitionStatus: acceptedNames
apps.v1.DaemonSetSpec: updateStrategy
apps.v1.DeploymentSpec: strategy
apps.v1.ReplicaSetSpec: template
apps.v1.StatefulSetSpec: updateStrategy
authentication.v1.SelfSubjectReviewStatus: userInfo
authentication.v1.TokenReviewStatus: user
batch.v1.JobTemplateSpec: spec
core.v1.Container: resources
core.v1.ContainerStatus: lastState state
core.v1.EphemeralContainer: resources
core.v1.Event: source
core.v1.NodeDaemonEndpoints: kubeletEndpoint
core.v1.NodeStatus: daemonEndpoints nodeInfo
core.v1.PersistentVolumeClaimSpec: resources
core.v1.PodTemplate: template
core.v1.PodTemplateSpec: spec
core.v1.ServiceStatus: loadBalancer
discovery.v1.Endpoint: conditions
events.v1.Event: deprecatedSource regarding
meta.v1.APIGroup: preferredVersion
networking.v1.IngressServiceBackend: port
networking.v1.IngressStatus: loadBalancer
networking.v1.NetworkPolicySpec: podSelector
resource.v1.AllocationResult: devices
resource.v1.ResourceClaimSpec: devices
`;

/** Lists and pointers without omitempty that validation does not require, and times that are structs, are written as null when absent. */
const nulls = `
apiextensions.v1.CustomResourceDefinitionCondition: lastTransitionTime
apiextensions.v1.CustomResourceDefinitionStatus: conditions storedVersions
apps.v1.DaemonSetCondition: lastTransitionTime
apps.v1.DeploymentCondition: lastTransitionTime lastUpdateTime
apps.v1.ReplicaSetCondition: lastTransitionTime
apps.v1.StatefulSetCondition: lastTransitionTime
autoscaling.v2.HorizontalPodAutoscalerCondition: lastTransitionTime
autoscaling.v2.HorizontalPodAutoscalerStatus: currentMetrics
batch.v1.JobCondition: lastProbeTime lastTransitionTime
batch.v1.PodFailurePolicy: rules
certificates.v1.CertificateSigningRequestCondition: lastTransitionTime lastUpdateTime
core.v1.AzureFilePersistentVolumeSource: secretNamespace
core.v1.ContainerImage: names
core.v1.ContainerStateRunning: startedAt
core.v1.ContainerStateTerminated: finishedAt startedAt
core.v1.Event: eventTime firstTimestamp lastTimestamp
core.v1.EventSeries: lastObservedTime
core.v1.LimitRangeSpec: limits
core.v1.NamespaceCondition: lastTransitionTime
core.v1.NodeCondition: lastHeartbeatTime lastTransitionTime
core.v1.PersistentVolumeClaimCondition: lastProbeTime lastTransitionTime
core.v1.PodCondition: lastProbeTime lastTransitionTime
core.v1.ProjectedVolumeSource: sources
core.v1.ReplicationControllerCondition: lastTransitionTime
core.v1.ScaleIOPersistentVolumeSource: secretRef
core.v1.ScaleIOVolumeSource: secretRef
core.v1.TypedLocalObjectReference: apiGroup
core.v1.TypedObjectReference: apiGroup
discovery.v1.EndpointSlice: endpoints ports
events.v1.Event: deprecatedFirstTimestamp deprecatedLastTimestamp eventTime
events.v1.EventSeries: lastObservedTime
flowcontrol.v1.FlowSchemaCondition: lastTransitionTime
flowcontrol.v1.PriorityLevelConfigurationCondition: lastTransitionTime
flowcontrol.v1.ResourcePolicyRule: namespaces
meta.v1.Condition: lastTransitionTime
rbac.v1.ClusterRole: rules
rbac.v1.Role: rules
resource.v1.AllocatedDeviceStatus: conditions
resource.v1.DeviceClaim: requests
storage.v1.CSINodeDriver: topologyKeys
storage.v1.CSINodeSpec: drivers
storage.v1.VolumeError: time
`;

/** Optional numbers, booleans and texts without omitempty: the zero is written. */
const zeros = `
apps.v1.StatefulSetOrdinals: start
apps.v1.StatefulSetSpec: serviceName
apps.v1.StatefulSetStatus: availableReplicas
core.v1.NodeRuntimeHandler: name
flowcontrol.v1.FlowSchemaSpec: matchingPrecedence
flowcontrol.v1.QueuingConfiguration: handSize queueLengthLimit queues
policy.v1.PodDisruptionBudgetStatus: currentHealthy desiredHealthy disruptionsAllowed expectedPods
scheduling.v1.PriorityClass: value
`;

/** Required fields that are pointers, or have omitempty, nevertheless: absence stays absence, for validation to refuse. */
const requiredAbsent = `
admissionregistration.v1.MutatingWebhook: sideEffects
admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec: validationActions
admissionregistration.v1.ValidatingWebhook: sideEffects
apps.v1.DaemonSetSpec: selector
apps.v1.DeploymentSpec: selector
apps.v1.ReplicaSetSpec: selector
apps.v1.StatefulSetSpec: selector
networking.v1.HTTPIngressPath: pathType
networking.v1.IPAddressSpec: parentRef
resource.v1.CapacityRequestPolicyRange: min
resource.v1.CounterSet: counters
resource.v1.DeviceCounterConsumption: counters
`;

export interface GoEncoding {
  /** Of an optional number, boolean or text: its zero is a value. */
  keepsZero(type: string, field: string, kind: 'text' | 'other'): boolean;
  isPlainStruct(type: string, field: string): boolean;
  isNullWhenAbsent(type: string, field: string): boolean;
  isZeroWhenAbsent(type: string, field: string): boolean;
  isLeftOutThoughRequired(type: string, field: string): boolean;
}

/** Types are named by their group, version and name: `core.v1.Container`. */
export function goEncoding(): GoEncoding {
  const [plain, pointers] = [fieldsOf(plainNumbersAndBooleans), fieldsOf(textPointers)];
  const [structs, nullable] = [fieldsOf(plainStructs), fieldsOf(nulls)];
  const [zeroed, required] = [fieldsOf(zeros), fieldsOf(requiredAbsent)];
  const has = (table: Fields, type: string, field: string) => table.get(type)?.includes(field) ?? false;
  return {
    keepsZero: (type, field, kind) => (kind === 'text' ? has(pointers, type, field) : !has(plain, type, field)),
    isPlainStruct: (type, field) => has(structs, type, field),
    isNullWhenAbsent: (type, field) => has(nullable, type, field),
    isZeroWhenAbsent: (type, field) => has(zeroed, type, field),
    isLeftOutThoughRequired: (type, field) => has(required, type, field),
  };
}

type Fields = ReadonlyMap<string, readonly string[]>;

function fieldsOf(table: string): Fields {
  return new Map(
    table
      .trim()
      .split('\n')
      .map((line) => {
        const [type = '', fields = ''] = line.split(': ');
        return [type, fields.split(' ')];
      }),
  );
}

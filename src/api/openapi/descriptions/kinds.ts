// The other kinds, in a sentence each.

export const kinds = `
admissionregistration.v1.MutatingAdmissionPolicy: Changes objects on their way in, as CEL expressions say.
admissionregistration.v1.MutatingAdmissionPolicyBinding: Where a policy applies, and with which parameters.
admissionregistration.v1.MutatingWebhookConfiguration: Web servers that may change objects on their way in.
admissionregistration.v1.ValidatingAdmissionPolicy: Refuses objects on their way in, as CEL expressions say.
admissionregistration.v1.ValidatingAdmissionPolicyBinding: Where a policy applies, with which parameters, and what a refusal does.
admissionregistration.v1.ValidatingWebhookConfiguration: Web servers that may refuse objects on their way in.
apiextensions.v1.CustomResourceDefinition: A kind of your own, served as the built-in ones are.
apiextensions.v1.CustomResourceDefinitionSpec.conversion: How objects go from one version to another.
apiextensions.v1.CustomResourceDefinitionSpec.group: The group; the name is PLURAL.GROUP.
apiextensions.v1.CustomResourceDefinitionSpec.names: What the kind is called.
apiextensions.v1.CustomResourceDefinitionSpec.scope: Namespaced or Cluster.
apiextensions.v1.CustomResourceDefinitionSpec.versions: The versions; exactly one is stored.
apiregistration.v1.APIService: A group and version of the API, and the server behind it.
authentication.v1.SelfSubjectReview: Who am I?
authentication.v1.TokenRequest: Asks for a token of a service account.
authentication.v1.TokenReview: Whose token is this?
authorization.v1.LocalSubjectAccessReview: May somebody do something in this namespace?
authorization.v1.SelfSubjectAccessReview: May I do something?
authorization.v1.SelfSubjectRulesReview: What may I do in a namespace?
authorization.v1.SubjectAccessReview: May somebody do something?
certificates.v1.CertificateSigningRequest: Asks a signer for a certificate.
certificates.v1.CertificateSigningRequestSpec.request: The PKCS #10 request in PEM.
certificates.v1.CertificateSigningRequestSpec.signerName: Who is to sign.
certificates.v1.CertificateSigningRequestSpec.usages: What the certificate is for.
coordination.v1.Lease: Who holds something, and until when: node heartbeats, elected leaders.
coordination.v1.LeaseSpec.holderIdentity: Who holds it.
coordination.v1.LeaseSpec.leaseDurationSeconds: Seconds after renewTime when others may take it.
core.v1.Binding: Puts a Pod on a node.
core.v1.ComponentStatus: Whether parts of the control plane are well. Deprecated.
core.v1.ConfigMap: Settings for Pods, as keys and values; not for secrets.
core.v1.ConfigMap.binaryData: Values that are no text, in base64.
core.v1.ConfigMap.data: Values that are text.
core.v1.ConfigMap.immutable: Whether data can never be changed again.
core.v1.Endpoints: The endpoints of a Service in the older form. Deprecated: see EndpointSlice.
core.v1.Event: Something that happened to an object.
core.v1.LimitRange: Bounds and defaults for the resources of a namespace's containers, Pods and claims.
core.v1.Namespace: A room for names: objects inside are apart from those in others.
core.v1.PersistentVolume: A piece of storage in the cluster.
core.v1.PersistentVolumeClaim: Asks for storage, and names what was found.
core.v1.ResourceQuota: How much a namespace may have in all.
core.v1.ResourceQuotaSpec.hard: The bounds, by resource.
core.v1.Secret: Keys and values that few should see.
core.v1.Secret.data: Values in base64.
core.v1.Secret.stringData: Values as text, put into data on writes; never shown.
core.v1.Secret.type: What it is for, which says which keys it must have. Default: Opaque.
core.v1.ServiceAccount: Whom Pods are, when they speak to the API.
events.v1.Event: Something that happened to an object.
flowcontrol.v1.FlowSchema: Which requests have which priority level.
flowcontrol.v1.PriorityLevelConfiguration: How many requests of a level are served at once.
node.v1.RuntimeClass: A way to run Pods that nodes offer.
node.v1.RuntimeClass.handler: What the container runtime calls it.
rbac.v1.ClusterRole: What may be done, in any namespace and to what is in none.
rbac.v1.ClusterRoleBinding: Who may do what a ClusterRole says, everywhere.
rbac.v1.PolicyRule.apiGroups: The groups; "" is the core group, "*" all.
rbac.v1.PolicyRule.nonResourceURLs: Paths that are no resource, for ClusterRoles; may end with "*".
rbac.v1.PolicyRule.resourceNames: Only objects of these names; all when empty.
rbac.v1.PolicyRule.resources: The resources; "*" is all, "pods/log" a subresource.
rbac.v1.PolicyRule.verbs: get, list, watch, create, update, patch, delete, deletecollection, or "*".
rbac.v1.Role: What may be done in one namespace.
rbac.v1.RoleBinding: Who may do what a role says, in one namespace.
rbac.v1.RoleBinding.roleRef: The role. Cannot be changed.
rbac.v1.RoleBinding.subjects: Users, groups and service accounts.
resource.v1.DeviceClass: Devices that claims can ask for by one name.
resource.v1.ResourceClaim: Asks for devices, and names what was found.
resource.v1.ResourceClaimTemplate: Claims made for Pods.
resource.v1.ResourceSlice: Devices that a driver offers.
storage.v1.CSIDriver: What a storage driver can do.
storage.v1.CSINode: The storage drivers of a node.
storage.v1.CSIStorageCapacity: How much storage is left in a part of the cluster.
storage.v1.StorageClass: How volumes are made.
storage.v1.StorageClass.provisioner: The driver that makes them.
storage.v1.StorageClass.reclaimPolicy: What becomes of a volume when its claim goes: Delete (the default) or Retain.
storage.v1.StorageClass.volumeBindingMode: Immediate (the default), or WaitForFirstConsumer: when a Pod needs it.
storage.v1.VolumeAttachment: A volume that should be at a node.
storage.v1.VolumeAttributesClass: Settings of volumes that can change.
`;

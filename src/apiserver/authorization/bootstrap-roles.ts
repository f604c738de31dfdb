// The ClusterRoles that every cluster has, as a table: upstream's names and rules (bootstrappolicy of kube-apiserver v1.36).
//
// A line without indentation names a role, and after `->` the role that it is aggregated to. Each line below is one rule:
// verbs, groups, resources and names, parted by spaces; lists by commas. `-` is the core group, `R` is get,list,watch, `W`
// every verb that writes, `E` the right to tell events, `path` a rule of paths.
export const clusterRoleTable = `
cluster-admin
  * * *
  path * *

system:discovery
  path get /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/

system:public-info-viewer
  path get /healthz,/livez,/readyz,/version,/version/

system:monitoring
  path get /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*
  path get /flagz
  path get /statusz

system:basic-user
  create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews
  create authentication.k8s.io selfsubjectreviews

system:aggregate-to-admin -> admin
  create authorization.k8s.io localsubjectaccessreviews
  RW rbac.authorization.k8s.io rolebindings,roles

system:aggregate-to-edit -> edit
  R - pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy
  impersonate - serviceaccounts
  W - pods,pods/attach,pods/exec,pods/portforward,pods/proxy
  create - pods/eviction
  W - configmaps,events,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy
  create - serviceaccounts/token
  W apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale
  W autoscaling horizontalpodautoscalers
  W batch cronjobs,jobs
  W extensions daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale
  W policy poddisruptionbudgets
  W networking.k8s.io ingresses,networkpolicies
  RW coordination.k8s.io leases
  W resource.k8s.io resourceclaims,resourceclaimtemplates

system:aggregate-to-view -> view
  R - configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status
  R - bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status
  R - namespaces
  R discovery.k8s.io endpointslices
  R apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status
  R autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status
  R batch cronjobs,cronjobs/status,jobs,jobs/status
  R extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale
  R policy poddisruptionbudgets,poddisruptionbudgets/status
  R networking.k8s.io ingresses,ingresses/status,networkpolicies
  R resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates

system:auth-delegator
  create authentication.k8s.io tokenreviews
  create authorization.k8s.io subjectaccessreviews

system:certificates.k8s.io:certificatesigningrequests:nodeclient
  create certificates.k8s.io certificatesigningrequests/nodeclient

system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
  create certificates.k8s.io certificatesigningrequests/selfnodeclient

system:certificates.k8s.io:kube-apiserver-client-approver
  approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client

system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
  approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet

system:certificates.k8s.io:kubelet-serving-approver
  approve certificates.k8s.io signers kubernetes.io/kubelet-serving

system:certificates.k8s.io:legacy-unknown-approver
  approve certificates.k8s.io signers kubernetes.io/legacy-unknown

system:heapster
  R - events,namespaces,nodes,pods
  R extensions deployments

system:kube-aggregator
  R - endpoints,services

system:kube-controller-manager
  E
  create coordination.k8s.io leases
  get,update coordination.k8s.io leases kube-controller-manager
  create - secrets,serviceaccounts
  delete - secrets
  get - configmaps,namespaces,secrets,serviceaccounts
  update - secrets,serviceaccounts
  create authentication.k8s.io tokenreviews
  create authorization.k8s.io subjectaccessreviews
  list,watch * *
  create - serviceaccounts/token

system:kube-dns
  list,watch - endpoints,services

system:kube-scheduler
  E
  create coordination.k8s.io leases
  get,list,update,watch coordination.k8s.io leases kube-scheduler
  R - nodes
  delete,get,list,watch - pods
  create - bindings,pods/binding
  patch,update - pods/status
  R - replicationcontrollers,services
  R apps,extensions replicasets
  R apps statefulsets
  R policy poddisruptionbudgets
  R - persistentvolumeclaims,persistentvolumes
  create authentication.k8s.io tokenreviews
  create authorization.k8s.io subjectaccessreviews
  R storage.k8s.io csinodes
  R - namespaces
  R storage.k8s.io csidrivers
  R storage.k8s.io csistoragecapacities
  R storage.k8s.io volumeattachments
  R resource.k8s.io deviceclasses
  patch,update resource.k8s.io resourceclaims
  R resource.k8s.io resourceclaims
  patch,update resource.k8s.io resourceclaims/binding,resourceclaims/status
  R resource.k8s.io resourceslices
  update - pods/finalizers

system:kubelet-api-admin
  R - nodes
  proxy - nodes
  * - nodes/configz,nodes/healthz,nodes/log,nodes/metrics,nodes/pods,nodes/proxy,nodes/stats

system:node
  create authentication.k8s.io tokenreviews
  create authorization.k8s.io localsubjectaccessreviews,subjectaccessreviews
  R - services
  create,get,list,watch - nodes
  patch,update - nodes/status
  patch,update - nodes
  create,patch,update - events
  R - pods
  create,delete - pods
  patch,update - pods/status
  create - pods/eviction
  R - configmaps,secrets
  get - persistentvolumeclaims,persistentvolumes
  get - endpoints
  create,get,list,watch certificates.k8s.io certificatesigningrequests
  create,delete,get,patch,update coordination.k8s.io leases
  get storage.k8s.io volumeattachments
  create - serviceaccounts/token
  get,patch,update - persistentvolumeclaims/status
  R storage.k8s.io csidrivers
  create,delete,get,patch,update storage.k8s.io csinodes
  R node.k8s.io runtimeclasses
  get resource.k8s.io resourceclaims
  RW resource.k8s.io resourceslices

system:node-bootstrapper
  create,get,list,watch certificates.k8s.io certificatesigningrequests

system:node-problem-detector
  get - nodes
  patch - nodes/status
  E

system:node-proxier
  list,watch - endpoints,services
  R - nodes
  E
  list,watch discovery.k8s.io endpointslices
  list,watch networking.k8s.io servicecidrs

system:persistent-volume-provisioner
  create,delete,get,list,watch - persistentvolumes
  get,list,update,watch - persistentvolumeclaims
  R storage.k8s.io storageclasses
  watch - events
  E

system:service-account-issuer-discovery
  path get /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/

system:volume-scheduler
  get,list,patch,update,watch - persistentvolumes
  R storage.k8s.io storageclasses
  get,list,patch,update,watch - persistentvolumeclaims
`;

/** The same for `system:controller:NAME`, each held by the service account NAME of kube-system. */
export const controllerRoleTable = `
attachdetach-controller
  list,watch - persistentvolumeclaims,persistentvolumes
  R - nodes
  patch,update - nodes/status
  list,watch - pods
  E
  create,delete,get,list,watch storage.k8s.io volumeattachments
  R storage.k8s.io csidrivers
  R storage.k8s.io csinodes

certificate-controller
  delete,get,list,watch certificates.k8s.io certificatesigningrequests
  update certificates.k8s.io certificatesigningrequests/approval,certificatesigningrequests/status
  approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet
  sign certificates.k8s.io signers kubernetes.io/kube-apiserver-client,kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kubelet-serving,kubernetes.io/legacy-unknown
  create authorization.k8s.io subjectaccessreviews
  E

clusterrole-aggregation-controller
  escalate,get,list,patch,update,watch rbac.authorization.k8s.io clusterroles

cronjob-controller
  get,list,update,watch batch cronjobs
  create,delete,get,list,patch,update,watch batch jobs
  update batch cronjobs/status
  update batch cronjobs/finalizers
  delete,list,watch - pods
  E

daemon-set-controller
  R apps,extensions daemonsets
  update apps,extensions daemonsets/status
  update apps,extensions daemonsets/finalizers
  list,watch - nodes
  create,delete,list,patch,watch - pods
  create - pods/binding
  create,delete,get,list,patch,update,watch apps controllerrevisions
  E

deployment-controller
  get,list,update,watch apps,extensions deployments
  update apps,extensions deployments/status
  update apps,extensions deployments/finalizers
  create,delete,get,list,patch,update,watch apps,extensions replicasets
  get,list,update,watch - pods
  E

device-taint-eviction-controller
  delete,get,list,watch - pods
  patch,update - pods/status
  R resource.k8s.io resourceclaims
  R resource.k8s.io resourceslices
  R resource.k8s.io deviceclasses
  E

disruption-controller
  R apps,extensions deployments
  R apps,extensions replicasets
  R - replicationcontrollers
  R policy poddisruptionbudgets
  R apps statefulsets
  update policy poddisruptionbudgets/status
  patch,update - pods/status
  get * */scale
  E

endpoint-controller
  R - pods,services
  create,delete,get,list,update,watch - endpoints
  create - endpoints/restricted
  E

endpointslice-controller
  R - nodes,pods,services
  update - services/finalizers
  create,delete,get,list,update,watch discovery.k8s.io endpointslices
  E

endpointslicemirroring-controller
  R - endpoints,services
  update - services/finalizers
  update - endpoints/finalizers
  create,delete,get,list,update,watch discovery.k8s.io endpointslices
  E

ephemeral-volume-controller
  R - pods
  update - pods/finalizers
  create,get,list,watch - persistentvolumeclaims
  E

expand-controller
  get,list,patch,update,watch - persistentvolumes
  patch,update - persistentvolumeclaims/status
  R - persistentvolumeclaims
  E

generic-garbage-collector
  delete,get,list,patch,update,watch * *
  E

horizontal-pod-autoscaler
  R autoscaling horizontalpodautoscalers
  update autoscaling horizontalpodautoscalers/status
  get,update * */scale
  list,watch - pods
  list,watch metrics.k8s.io pods
  R custom.metrics.k8s.io *
  R external.metrics.k8s.io *
  E

job-controller
  get,list,patch,update,watch batch jobs
  update batch jobs/status
  update batch jobs/finalizers
  create,delete,list,patch,watch - pods
  E

legacy-service-account-token-cleaner
  get - configmaps kube-apiserver-legacy-service-account-token-tracking
  delete,patch - secrets

namespace-controller
  delete,get,list,watch - namespaces
  update - namespaces/finalize,namespaces/status
  delete,deletecollection,get,list,watch * *

node-controller
  delete,get,list,patch,update,watch - nodes
  patch,update - nodes/status
  patch,update - pods/status
  delete,get,list,watch - pods
  E

persistent-volume-binder
  create,delete,get,list,update,watch - persistentvolumes
  update - persistentvolumes/status
  get,list,update,watch - persistentvolumeclaims
  update - persistentvolumeclaims/status
  create,delete,get,list,watch - pods
  R storage.k8s.io storageclasses
  list,watch - nodes
  E
  watch - events

pod-garbage-collector
  delete,list,watch - pods
  R - nodes
  patch - pods/status

pv-protection-controller
  get,list,update,watch - persistentvolumes
  E

pvc-protection-controller
  get,list,update,watch - persistentvolumeclaims
  update - persistentvolumeclaims/status
  R - pods
  E

replicaset-controller
  get,list,update,watch apps,extensions replicasets
  update apps,extensions replicasets/status
  update apps,extensions replicasets/finalizers
  create,delete,list,patch,watch - pods
  E

replication-controller
  get,list,update,watch - replicationcontrollers
  update - replicationcontrollers/status
  update - replicationcontrollers/finalizers
  create,delete,list,patch,watch - pods
  E

resource-claim-controller
  R - pods
  update - pods/finalizers
  create,delete,get,list,watch resource.k8s.io resourceclaims
  patch,update resource.k8s.io resourceclaims,resourceclaims/status
  patch,update - pods/status
  E
  patch,update resource.k8s.io resourceclaims/binding

resourcequota-controller
  list,watch * *
  update - resourcequotas/status
  E

root-ca-cert-publisher
  create,update - configmaps
  E

route-controller
  list,watch - nodes
  patch - nodes/status
  E

selinux-warning-controller
  E
  R - persistentvolumes
  R - persistentvolumeclaims
  R - pods
  R storage.k8s.io csidrivers

service-account-controller
  create - serviceaccounts
  E

service-cidrs-controller
  get,list,patch,update,watch networking.k8s.io servicecidrs
  patch,update networking.k8s.io servicecidrs/finalizers
  patch,update networking.k8s.io servicecidrs/status
  R networking.k8s.io ipaddresses
  E

service-controller
  R - services
  patch,update - services/status
  list,watch - nodes
  E

statefulset-controller
  list,watch - pods
  R apps statefulsets
  update apps statefulsets/status
  update apps statefulsets/finalizers
  create,delete,get,patch,update - pods
  create,delete,get,list,patch,update,watch apps controllerrevisions
  create,get,list,watch - persistentvolumeclaims
  delete,update - persistentvolumeclaims
  update - pods/finalizers
  E

ttl-after-finished-controller
  delete,get,list,watch batch jobs
  E

ttl-controller
  list,patch,update,watch - nodes
  E

validatingadmissionpolicy-status-controller
  R admissionregistration.k8s.io validatingadmissionpolicies
  get,patch,update admissionregistration.k8s.io validatingadmissionpolicies/status
  E

volumeattributesclass-protection-controller
  R - persistentvolumeclaims
  R - persistentvolumes
  get,list,update,watch storage.k8s.io volumeattributesclasses
  E
`;

/** Roles of a namespace, `NAMESPACE/NAME`. */
export const roleTable = `
kube-system/extension-apiserver-authentication-reader
  R - configmaps extension-apiserver-authentication

kube-system/system:controller:bootstrap-signer
  R - secrets

kube-system/system:controller:cloud-provider
  create,get,list,watch - configmaps

kube-system/system:controller:token-cleaner
  delete,get,list,watch - secrets
  E

kube-system/system::leader-locking-kube-controller-manager
  watch - configmaps
  get,update - configmaps kube-controller-manager
  create,get,list,update,watch coordination.k8s.io leases

kube-system/system::leader-locking-kube-scheduler
  watch - configmaps
  get,update - configmaps kube-scheduler

kube-public/system:controller:bootstrap-signer
  R - configmaps
  update - configmaps cluster-info
  E
`;

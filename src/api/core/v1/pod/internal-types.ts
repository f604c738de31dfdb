// The fields of kube-apiserver's own types, in their order and under their Go names (pkg/apis/core/types.go, v1.36): they
// show in messages that print a value as a whole, or the difference of two. A field is `GoName:type`, or
// `GoName=jsonName:type` where the name in JSON is not the Go name with a small first letter. Types: `string`, `int`,
// `bool`, `quantity` and names of the table have a zero value; with `*`, `[]` or `map` absence is null; `json` is printed
// as the API has it, `selector` as a label selector; `^T` is embedded, its fields stand in place.
import { table } from '../../../../apimachinery/table.ts';

export const internalTypes = table<string>({
  PodSpec:
    'Volumes:[]Volume InitContainers:[]Container Containers:[]Container EphemeralContainers:[]EphemeralContainer' +
    ' RestartPolicy:string TerminationGracePeriodSeconds:* ActiveDeadlineSeconds:* DNSPolicy=dnsPolicy:string' +
    ' NodeSelector:map ServiceAccountName:string AutomountServiceAccountToken:* NodeName:string' +
    ' SecurityContext:PodSecurityContext ImagePullSecrets:[]LocalObjectReference Hostname:string Subdomain:string' +
    ' SetHostnameAsFQDN:* Affinity:*Affinity SchedulerName:string Tolerations:[]Toleration HostAliases:[]HostAlias' +
    ' PriorityClassName:string Priority:* PreemptionPolicy:* DNSConfig=dnsConfig:*PodDNSConfig' +
    ' ReadinessGates:[]PodReadinessGate RuntimeClassName:* Overhead:map EnableServiceLinks:*' +
    ' TopologySpreadConstraints:[]TopologySpreadConstraint OS=os:*PodOS SchedulingGates:[]PodSchedulingGate' +
    ' ResourceClaims:[]PodResourceClaim Resources:*ResourceRequirements HostnameOverride:*' +
    ' SchedulingGroup:*PodSchedulingGroup',
  PodSecurityContext:
    'HostNetwork:bool HostPID:bool HostIPC:bool ShareProcessNamespace:* HostUsers:*' +
    ' SELinuxOptions=seLinuxOptions:*SELinuxOptions WindowsOptions:*WindowsSecurityContextOptions RunAsUser:*' +
    ' RunAsGroup:* RunAsNonRoot:* SupplementalGroups:[] SupplementalGroupsPolicy:* FSGroup=fsGroup:*' +
    ' FSGroupChangePolicy=fsGroupChangePolicy:* Sysctls:[]Sysctl SeccompProfile:*SeccompProfile' +
    ' AppArmorProfile:*AppArmorProfile SELinuxChangePolicy=seLinuxChangePolicy:*',
  SecurityContext:
    'Capabilities:*Capabilities Privileged:* SELinuxOptions=seLinuxOptions:*SELinuxOptions' +
    ' WindowsOptions:*WindowsSecurityContextOptions RunAsUser:* RunAsGroup:* RunAsNonRoot:* ReadOnlyRootFilesystem:*' +
    ' AllowPrivilegeEscalation:* ProcMount:* SeccompProfile:*SeccompProfile AppArmorProfile:*AppArmorProfile',
  Capabilities: 'Add:[] Drop:[]',
  SELinuxOptions: 'User:string Role:string Type:string Level:string',
  WindowsSecurityContextOptions:
    'GMSACredentialSpecName=gmsaCredentialSpecName:* GMSACredentialSpec=gmsaCredentialSpec:* RunAsUserName:*' +
    ' HostProcess:*',
  SeccompProfile: 'Type:string LocalhostProfile:*',
  AppArmorProfile: 'Type:string LocalhostProfile:*',
  Sysctl: 'Name:string Value:string',
  Container:
    'Name:string Image:string Command:[] Args:[] WorkingDir:string Ports:[]ContainerPort EnvFrom:[]EnvFromSource' +
    ' Env:[]EnvVar Resources:ResourceRequirements ResizePolicy:[]ContainerResizePolicy RestartPolicy:*' +
    ' RestartPolicyRules:[]ContainerRestartRule VolumeMounts:[]VolumeMount VolumeDevices:[]VolumeDevice' +
    ' LivenessProbe:*Probe ReadinessProbe:*Probe StartupProbe:*Probe Lifecycle:*Lifecycle' +
    ' TerminationMessagePath:string TerminationMessagePolicy:string ImagePullPolicy:string' +
    ' SecurityContext:*SecurityContext Stdin:bool StdinOnce:bool TTY=tty:bool',
  EphemeralContainer: '^Container TargetContainerName:string',
  ContainerPort: 'Name:string HostPort:int ContainerPort:int Protocol:string HostIP:string',
  EnvFromSource: 'Prefix:string ConfigMapRef:*OptionalReference SecretRef:*OptionalReference',
  OptionalReference: 'Name:string Optional:*',
  EnvVar: 'Name:string Value:string ValueFrom:*EnvVarSource',
  EnvVarSource:
    'FieldRef:*ObjectFieldSelector ResourceFieldRef:*ResourceFieldSelector ConfigMapKeyRef:*KeySelector' +
    ' SecretKeyRef:*KeySelector FileKeyRef:*FileKeySelector',
  ObjectFieldSelector: 'APIVersion=apiVersion:string FieldPath:string',
  ResourceFieldSelector: 'ContainerName:string Resource:string Divisor:quantity',
  KeySelector: 'Name:string Key:string Optional:*',
  FileKeySelector: 'VolumeName:string Path:string Key:string Optional:*',
  ResourceRequirements: 'Limits:map Requests:map Claims:[]ResourceClaim',
  ResourceClaim: 'Name:string Request:string',
  ContainerResizePolicy: 'ResourceName:string RestartPolicy:string',
  ContainerRestartRule: 'Action:string ExitCodes:*ContainerRestartRuleOnExitCodes',
  ContainerRestartRuleOnExitCodes: 'Operator:string Values:[]',
  VolumeMount:
    'Name:string ReadOnly:bool RecursiveReadOnly:* MountPath:string SubPath:string MountPropagation:*' +
    ' SubPathExpr:string',
  VolumeDevice: 'Name:string DevicePath:string',
  Probe:
    'Exec:*ExecAction HTTPGet=httpGet:*HTTPGetAction TCPSocket=tcpSocket:*TCPSocketAction GRPC=grpc:*GRPCAction' +
    ' InitialDelaySeconds:int TimeoutSeconds:int PeriodSeconds:int SuccessThreshold:int FailureThreshold:int' +
    ' TerminationGracePeriodSeconds:*',
  Lifecycle: 'PostStart:*LifecycleHandler PreStop:*LifecycleHandler StopSignal:*',
  LifecycleHandler:
    'Exec:*ExecAction HTTPGet=httpGet:*HTTPGetAction TCPSocket=tcpSocket:*TCPSocketAction Sleep:*SleepAction',
  ExecAction: 'Command:[]',
  HTTPGetAction: 'Path:string Port:json Host:string Scheme:string HTTPHeaders=httpHeaders:[]HTTPHeader',
  HTTPHeader: 'Name:string Value:string',
  TCPSocketAction: 'Port:json Host:string',
  GRPCAction: 'Port:int Service:*',
  SleepAction: 'Seconds:int',
  LocalObjectReference: 'Name:string',
  Affinity: 'NodeAffinity:*NodeAffinity PodAffinity:*PodAffinity PodAntiAffinity:*PodAffinity',
  NodeAffinity:
    'RequiredDuringSchedulingIgnoredDuringExecution:*NodeSelector' +
    ' PreferredDuringSchedulingIgnoredDuringExecution:[]PreferredSchedulingTerm',
  NodeSelector: 'NodeSelectorTerms:[]NodeSelectorTerm',
  NodeSelectorTerm: 'MatchExpressions:[]NodeSelectorRequirement MatchFields:[]NodeSelectorRequirement',
  NodeSelectorRequirement: 'Key:string Operator:string Values:[]',
  PreferredSchedulingTerm: 'Weight:int Preference:NodeSelectorTerm',
  PodAffinity:
    'RequiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm' +
    ' PreferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm',
  PodAffinityTerm:
    'LabelSelector:*selector Namespaces:[] TopologyKey:string NamespaceSelector:*selector MatchLabelKeys:[]' +
    ' MismatchLabelKeys:[]',
  WeightedPodAffinityTerm: 'Weight:int PodAffinityTerm:PodAffinityTerm',
  Toleration: 'Key:string Operator:string Value:string Effect:string TolerationSeconds:*',
  HostAlias: 'IP=ip:string Hostnames:[]',
  PodDNSConfig: 'Nameservers:[] Searches:[] Options:[]PodDNSConfigOption',
  PodDNSConfigOption: 'Name:string Value:*',
  PodReadinessGate: 'ConditionType:string',
  TopologySpreadConstraint:
    'MaxSkew:int TopologyKey:string WhenUnsatisfiable:string LabelSelector:*selector MinDomains:* NodeAffinityPolicy:*' +
    ' NodeTaintsPolicy:* MatchLabelKeys:[]',
  PodOS: 'Name:string',
  PodSchedulingGate: 'Name:string',
  PodSchedulingGroup: 'PodGroupName:*',
  PodResourceClaim: 'Name:string ResourceClaimName:* ResourceClaimTemplateName:*',
  Volume:
    'Name:string HostPath:*HostPath EmptyDir:*EmptyDir GCEPersistentDisk=gcePersistentDisk:*GCEPersistentDisk' +
    ' AWSElasticBlockStore=awsElasticBlockStore:*AWSElasticBlockStore GitRepo:*GitRepo Secret:*SecretVolume NFS=nfs:*NFS' +
    ' ISCSI=iscsi:*ISCSI Glusterfs:*Glusterfs PersistentVolumeClaim:*PersistentVolumeClaimVolume RBD=rbd:*RBD' +
    ' Quobyte:*Quobyte FlexVolume:*FlexVolume Cinder:*Cinder CephFS=cephfs:*CephFS Flocker:*Flocker' +
    ' DownwardAPI:*DownwardAPIVolume FC=fc:*FC AzureFile:*AzureFile ConfigMap:*ConfigMapVolume' +
    ' VsphereVolume:*VsphereVolume AzureDisk:*AzureDisk PhotonPersistentDisk:*PhotonPersistentDisk' +
    ' Projected:*ProjectedVolume PortworxVolume:*PortworxVolume ScaleIO:*ScaleIO StorageOS=storageos:*StorageOS' +
    ' CSI=csi:*CSI Ephemeral:*EphemeralVolume Image:*ImageVolume',
  HostPath: 'Path:string Type:*',
  EmptyDir: 'Medium:string SizeLimit:*',
  GCEPersistentDisk: 'PDName=pdName:string FSType=fsType:string Partition:int ReadOnly:bool',
  AWSElasticBlockStore: 'VolumeID:string FSType=fsType:string Partition:int ReadOnly:bool',
  GitRepo: 'Repository:string Revision:string Directory:string',
  SecretVolume: 'SecretName:string Items:[]KeyToPath DefaultMode:* Optional:*',
  KeyToPath: 'Key:string Path:string Mode:*',
  NFS: 'Server:string Path:string ReadOnly:bool',
  ISCSI:
    'TargetPortal:string IQN=iqn:string Lun:int ISCSIInterface=iscsiInterface:string FSType=fsType:string ReadOnly:bool' +
    ' Portals:[] DiscoveryCHAPAuth=chapAuthDiscovery:bool SessionCHAPAuth=chapAuthSession:bool' +
    ' SecretRef:*LocalObjectReference InitiatorName:*',
  Glusterfs: 'EndpointsName=endpoints:string Path:string ReadOnly:bool',
  PersistentVolumeClaimVolume: 'ClaimName:string ReadOnly:bool',
  RBD:
    'CephMonitors=monitors:[] RBDImage=image:string FSType=fsType:string RBDPool=pool:string RadosUser=user:string' +
    ' Keyring:string SecretRef:*LocalObjectReference ReadOnly:bool',
  Quobyte: 'Registry:string Volume:string ReadOnly:bool User:string Group:string Tenant:string',
  FlexVolume: 'Driver:string FSType=fsType:string SecretRef:*LocalObjectReference ReadOnly:bool Options:map',
  Cinder: 'VolumeID:string FSType=fsType:string ReadOnly:bool SecretRef:*LocalObjectReference',
  CephFS: 'Monitors:[] Path:string User:string SecretFile:string SecretRef:*LocalObjectReference ReadOnly:bool',
  Flocker: 'DatasetName:string DatasetUUID:string',
  DownwardAPIVolume: 'Items:[]DownwardAPIVolumeFile DefaultMode:*',
  DownwardAPIVolumeFile: 'Path:string FieldRef:*ObjectFieldSelector ResourceFieldRef:*ResourceFieldSelector Mode:*',
  FC: 'TargetWWNs:[] Lun:* FSType=fsType:string ReadOnly:bool WWIDs=wwids:[]',
  AzureFile: 'SecretName:string ShareName:string ReadOnly:bool',
  ConfigMapVolume: 'Name:string Items:[]KeyToPath DefaultMode:* Optional:*',
  VsphereVolume: 'VolumePath:string FSType=fsType:string StoragePolicyName:string StoragePolicyID:string',
  AzureDisk: 'DiskName:string DataDiskURI=diskURI:string CachingMode:* FSType=fsType:* ReadOnly:* Kind:*',
  PhotonPersistentDisk: 'PdID:string FSType=fsType:string',
  ProjectedVolume: 'Sources:[]VolumeProjection DefaultMode:*',
  VolumeProjection:
    'Secret:*ProjectedKeys DownwardAPI:*DownwardAPIProjection ConfigMap:*ProjectedKeys' +
    ' ServiceAccountToken:*ServiceAccountTokenProjection ClusterTrustBundle:*ClusterTrustBundleProjection' +
    ' PodCertificate:*PodCertificateProjection',
  ProjectedKeys: 'Name:string Items:[]KeyToPath Optional:*',
  DownwardAPIProjection: 'Items:[]DownwardAPIVolumeFile',
  ServiceAccountTokenProjection: 'Audience:string ExpirationSeconds:int Path:string',
  ClusterTrustBundleProjection: 'Name:* SignerName:* LabelSelector:*selector Optional:* Path:string',
  PodCertificateProjection:
    'SignerName:string KeyType:string MaxExpirationSeconds:* CredentialBundlePath:string KeyPath:string' +
    ' CertificateChainPath:string UserAnnotations:map',
  PortworxVolume: 'VolumeID:string FSType=fsType:string ReadOnly:bool',
  ScaleIO:
    'Gateway:string System:string SecretRef:*LocalObjectReference SSLEnabled=sslEnabled:bool ProtectionDomain:string' +
    ' StoragePool:string StorageMode:string VolumeName:string FSType=fsType:string ReadOnly:bool',
  StorageOS:
    'VolumeName:string VolumeNamespace:string FSType=fsType:string ReadOnly:bool SecretRef:*LocalObjectReference',
  CSI: 'Driver:string ReadOnly:* FSType=fsType:* VolumeAttributes:map NodePublishSecretRef:*LocalObjectReference',
  EphemeralVolume: 'VolumeClaimTemplate:*PersistentVolumeClaimTemplate',
  PersistentVolumeClaimTemplate: '^metadata Spec:PersistentVolumeClaimSpec',
  PersistentVolumeClaimSpec:
    'AccessModes:[] Selector:*selector Resources:VolumeResourceRequirements VolumeName:string StorageClassName:*' +
    ' VolumeMode:* DataSource:*TypedLocalObjectReference DataSourceRef:*TypedObjectReference' +
    ' VolumeAttributesClassName:*',
  VolumeResourceRequirements: 'Limits:map Requests:map',
  TypedLocalObjectReference: 'APIGroup=apiGroup:* Kind:string Name:string',
  TypedObjectReference: 'APIGroup=apiGroup:* Kind:string Name:string Namespace:*',
  ImageVolume: 'Reference:string PullPolicy:string',
  PersistentVolumeSource:
    'GCEPersistentDisk=gcePersistentDisk:*GCEPersistentDisk' +
    ' AWSElasticBlockStore=awsElasticBlockStore:*AWSElasticBlockStore HostPath:*HostPath' +
    ' Glusterfs:*GlusterfsPersistent NFS=nfs:*NFS RBD=rbd:*RBDPersistent Quobyte:*Quobyte ISCSI=iscsi:*ISCSIPersistent' +
    ' FlexVolume:*FlexPersistent Cinder:*CinderPersistent CephFS=cephfs:*CephFSPersistent FC=fc:*FC Flocker:*Flocker' +
    ' AzureFile:*AzureFilePersistent VsphereVolume:*VsphereVolume AzureDisk:*AzureDisk' +
    ' PhotonPersistentDisk:*PhotonPersistentDisk PortworxVolume:*PortworxVolume ScaleIO:*ScaleIOPersistent Local:*Local' +
    ' StorageOS=storageos:*StorageOSPersistent CSI=csi:*CSIPersistent',
  SecretReference: 'Name:string Namespace:string',
  GlusterfsPersistent: 'EndpointsName=endpoints:string Path:string ReadOnly:bool EndpointsNamespace:*',
  RBDPersistent:
    'CephMonitors=monitors:[] RBDImage=image:string FSType=fsType:string RBDPool=pool:string RadosUser=user:string' +
    ' Keyring:string SecretRef:*SecretReference ReadOnly:bool',
  ISCSIPersistent:
    'TargetPortal:string IQN=iqn:string Lun:int ISCSIInterface=iscsiInterface:string FSType=fsType:string ReadOnly:bool' +
    ' Portals:[] DiscoveryCHAPAuth=chapAuthDiscovery:bool SessionCHAPAuth=chapAuthSession:bool' +
    ' SecretRef:*SecretReference InitiatorName:*',
  FlexPersistent: 'Driver:string FSType=fsType:string SecretRef:*SecretReference ReadOnly:bool Options:map',
  CinderPersistent: 'VolumeID:string FSType=fsType:string ReadOnly:bool SecretRef:*SecretReference',
  CephFSPersistent: 'Monitors:[] Path:string User:string SecretFile:string SecretRef:*SecretReference ReadOnly:bool',
  AzureFilePersistent: 'SecretName:string ShareName:string ReadOnly:bool SecretNamespace:*',
  ScaleIOPersistent:
    'Gateway:string System:string SecretRef:*SecretReference SSLEnabled=sslEnabled:bool ProtectionDomain:string' +
    ' StoragePool:string StorageMode:string VolumeName:string FSType=fsType:string ReadOnly:bool',
  Local: 'Path:string FSType=fsType:*',
  StorageOSPersistent: 'VolumeName:string VolumeNamespace:string FSType=fsType:string ReadOnly:bool SecretRef:*json',
  CSIPersistent:
    'Driver:string VolumeHandle:string ReadOnly:bool FSType=fsType:string VolumeAttributes:map' +
    ' ControllerPublishSecretRef:*SecretReference NodeStageSecretRef:*SecretReference' +
    ' NodePublishSecretRef:*SecretReference ControllerExpandSecretRef:*SecretReference' +
    ' NodeExpandSecretRef:*SecretReference',
});

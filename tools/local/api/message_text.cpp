// SPDX-License-Identifier: Apache-2.0
//
// The layout in protobuf of what this API server takes and gives, as of kMinor. The grammar is in
// messages.hpp.
#include "tools/local/api/messages.hpp"

namespace knd::api {

const char* const kMessageText = R"(Pod metadata=1:ObjectMeta spec=2:PodSpec status=3:PodStatus
PodList metadata=1:ListMeta items=2:[]Pod
Node metadata=1:ObjectMeta spec=2:NodeSpec status=3:NodeStatus
NodeList metadata=1:ListMeta items=2:[]Node
Namespace metadata=1:ObjectMeta spec=2:NamespaceSpec status=3:NamespaceStatus
NamespaceList metadata=1:ListMeta items=2:[]Namespace
Event metadata=1:ObjectMeta involvedObject=2:ObjectReference reason=3:string message=4:string
 source=5:EventSource firstTimestamp=6:time lastTimestamp=7:time count=8:int32 type=9:string
 eventTime=10:microtime series=11:?EventSeries action=12:string related=13:?ObjectReference
 reportingComponent=14:!string reportingInstance=15:!string
EventList metadata=1:ListMeta items=2:[]Event
events.Event metadata=1:ObjectMeta eventTime=2:microtime series=3:?events.EventSeries
 reportingController=4:string reportingInstance=5:string action=6:string reason=7:string
 regarding=8:ObjectReference related=9:?ObjectReference note=10:string type=11:string
 deprecatedSource=12:EventSource deprecatedFirstTimestamp=13:time deprecatedLastTimestamp=14:time
 deprecatedCount=15:int32
events.EventList metadata=1:ListMeta items=2:[]events.Event
Binding metadata=1:ObjectMeta target=2:ObjectReference
DeviceClass metadata=1:ObjectMeta spec=2:DeviceClassSpec
DeviceClassList metadata=1:ListMeta items=2:[]DeviceClass
ResourceClaim metadata=1:ObjectMeta spec=2:ResourceClaimSpec status=3:ResourceClaimStatus
ResourceClaimList metadata=1:ListMeta items=2:[]ResourceClaim
ResourceClaimTemplate metadata=1:ObjectMeta spec=2:ResourceClaimTemplateSpec
ResourceClaimTemplateList metadata=1:ListMeta items=2:[]ResourceClaimTemplate
ResourceSlice metadata=1:ObjectMeta spec=2:ResourceSliceSpec
ResourceSliceList metadata=1:ListMeta items=2:[]ResourceSlice
Status metadata=1:ListMeta status=2:string message=3:string reason=4:string
 details=5:?StatusDetails code=6:int32
DeleteOptions gracePeriodSeconds=1:?int preconditions=2:?Preconditions orphanDependents=3:?bool
 propagationPolicy=4:?string dryRun=5:[]string
 ignoreStoreReadErrorWithClusterBreakingPotential=6:?bool
PartialObjectMetadata metadata=1:ObjectMeta
PartialObjectMetadataList metadata=1:ListMeta items=2:[]PartialObjectMetadata
APIGroup name=1:!string versions=2:[]GroupVersionForDiscovery
 preferredVersion=3:GroupVersionForDiscovery
 serverAddressByClientCIDRs=4:[]ServerAddressByClientCIDR
APIGroupList groups=1:[]APIGroup
APIResourceList groupVersion=1:!string resources=2:[]APIResource
APIVersions versions=1:[]string serverAddressByClientCIDRs=2:[]ServerAddressByClientCIDR
ObjectMeta name=1:string generateName=2:string namespace=3:string selfLink=4:string uid=5:string
 resourceVersion=6:string generation=7:int creationTimestamp=8:time deletionTimestamp=9:?time
 deletionGracePeriodSeconds=10:?int labels=11:map:string annotations=12:map:string
 ownerReferences=13:[]OwnerReference finalizers=14:[]string managedFields=17:[]ManagedFieldsEntry
PodSpec volumes=1:[]Volume initContainers=20:[]Container containers=2:[]Container
 ephemeralContainers=34:[]EphemeralContainer restartPolicy=3:string
 terminationGracePeriodSeconds=4:?int activeDeadlineSeconds=5:?int dnsPolicy=6:string
 nodeSelector=7:map:string serviceAccountName=8:string serviceAccount=9:string
 automountServiceAccountToken=21:?bool nodeName=10:string hostNetwork=11:bool hostPID=12:bool
 hostIPC=13:bool shareProcessNamespace=27:?bool securityContext=14:?PodSecurityContext
 imagePullSecrets=15:[]LocalObjectReference hostname=16:string subdomain=17:string
 affinity=18:?Affinity schedulerName=19:string tolerations=22:[]Toleration
 hostAliases=23:[]HostAlias priorityClassName=24:string priority=25:?int32
 dnsConfig=26:?PodDNSConfig readinessGates=28:[]PodReadinessGate runtimeClassName=29:?string
 enableServiceLinks=30:?bool preemptionPolicy=31:?string overhead=32:map:quantity
 topologySpreadConstraints=33:[]TopologySpreadConstraint setHostnameAsFQDN=35:?bool os=36:?PodOS
 hostUsers=37:?bool schedulingGates=38:[]PodSchedulingGate resourceClaims=39:[]PodResourceClaim
 resources=40:?ResourceRequirements hostnameOverride=41:?string
 schedulingGroup=43:?PodSchedulingGroup
PodStatus observedGeneration=17:int phase=1:string conditions=2:[]PodCondition message=3:string
 reason=4:string nominatedNodeName=11:string hostIP=5:string hostIPs=16:[]HostIP podIP=6:string
 podIPs=12:[]PodIP startTime=7:?time initContainerStatuses=10:[]ContainerStatus
 containerStatuses=8:[]ContainerStatus qosClass=9:string
 ephemeralContainerStatuses=13:[]ContainerStatus resize=14:string
 resourceClaimStatuses=15:[]PodResourceClaimStatus
 extendedResourceClaimStatus=18:?PodExtendedResourceClaimStatus allocatedResources=19:map:quantity
 resources=20:?ResourceRequirements
 nodeAllocatableResourceClaimStatuses=21:[]NodeAllocatableResourceClaimStatus
ListMeta selfLink=1:string resourceVersion=2:string continue=3:string remainingItemCount=4:?int
 shardInfo=5:?ShardInfo
NodeSpec podCIDR=1:string podCIDRs=7:[]string providerID=3:string unschedulable=4:bool
 taints=5:[]Taint configSource=6:?NodeConfigSource externalID=2:string
NodeStatus capacity=1:map:quantity allocatable=2:map:quantity phase=3:string
 conditions=4:[]NodeCondition addresses=5:[]NodeAddress daemonEndpoints=6:NodeDaemonEndpoints
 nodeInfo=7:NodeSystemInfo images=8:[]ContainerImage volumesInUse=9:[]string
 volumesAttached=10:[]AttachedVolume config=11:?NodeConfigStatus
 runtimeHandlers=12:[]NodeRuntimeHandler features=13:?NodeFeatures declaredFeatures=14:[]string
NamespaceSpec finalizers=1:[]string
NamespaceStatus phase=1:string conditions=2:[]NamespaceCondition
ObjectReference kind=1:string namespace=2:string name=3:string uid=4:string apiVersion=5:string
 resourceVersion=6:string fieldPath=7:string
EventSource component=1:string host=2:string
EventSeries count=1:int32 lastObservedTime=2:microtime
events.EventSeries count=1:!int32 lastObservedTime=2:microtime
DeviceClassSpec selectors=1:[]DeviceSelector config=2:[]DeviceClassConfiguration
 extendedResourceName=4:?string
ResourceClaimSpec devices=1:DeviceClaim
ResourceClaimStatus allocation=1:?AllocationResult reservedFor=2:[]ResourceClaimConsumerReference
 devices=4:[]AllocatedDeviceStatus
ResourceClaimTemplateSpec metadata=1:ObjectMeta spec=2:ResourceClaimSpec
ResourceSliceSpec driver=1:!string pool=2:ResourcePool nodeName=3:?string
 nodeSelector=4:?NodeSelector allNodes=5:?bool devices=6:[]Device perDeviceNodeSelection=7:?bool
 sharedCounters=8:[]CounterSet
StatusDetails name=1:string group=2:string kind=3:string uid=6:string causes=4:[]StatusCause
 retryAfterSeconds=5:int32
Preconditions uid=1:?string resourceVersion=2:?string
GroupVersionForDiscovery groupVersion=1:!string version=2:!string
ServerAddressByClientCIDR clientCIDR=1:!string serverAddress=2:!string
APIResource name=1:!string singularName=6:!string namespaced=2:!bool group=8:string
 version=9:string kind=3:!string verbs=4:[]string shortNames=5:[]string categories=7:[]string
 storageVersionHash=10:string
OwnerReference apiVersion=5:!string kind=1:!string name=3:!string uid=4:!string controller=6:?bool
 blockOwnerDeletion=7:?bool
ManagedFieldsEntry manager=1:string operation=2:string apiVersion=3:string time=4:?time
 fieldsType=6:string fieldsV1=7:?raw subresource=8:string
Volume name=1:!string .=2:VolumeSource
Container name=1:!string image=2:string command=3:[]string args=4:[]string workingDir=5:string
 ports=6:[]ContainerPort envFrom=19:[]EnvFromSource env=7:[]EnvVar resources=8:ResourceRequirements
 resizePolicy=23:[]ContainerResizePolicy restartPolicy=24:?string
 restartPolicyRules=25:[]ContainerRestartRule volumeMounts=9:[]VolumeMount
 volumeDevices=21:[]VolumeDevice livenessProbe=10:?Probe readinessProbe=11:?Probe
 startupProbe=22:?Probe lifecycle=12:?Lifecycle terminationMessagePath=13:string
 terminationMessagePolicy=20:string imagePullPolicy=14:string securityContext=15:?SecurityContext
 stdin=16:bool stdinOnce=17:bool tty=18:bool
EphemeralContainer .=1:EphemeralContainerCommon targetContainerName=2:string
PodSecurityContext seLinuxOptions=1:?SELinuxOptions windowsOptions=8:?WindowsSecurityContextOptions
 runAsUser=2:?int runAsGroup=6:?int runAsNonRoot=3:?bool supplementalGroups=4:[]int
 supplementalGroupsPolicy=12:?string fsGroup=5:?int sysctls=7:[]Sysctl
 fsGroupChangePolicy=9:?string seccompProfile=10:?SeccompProfile
 appArmorProfile=11:?AppArmorProfile seLinuxChangePolicy=13:?string
LocalObjectReference name=1:string
Affinity nodeAffinity=1:?NodeAffinity podAffinity=2:?PodAffinity podAntiAffinity=3:?PodAntiAffinity
Toleration key=1:string operator=2:string value=3:string effect=4:string tolerationSeconds=5:?int
HostAlias ip=1:!string hostnames=2:[]string
PodDNSConfig nameservers=1:[]string searches=2:[]string options=3:[]PodDNSConfigOption
PodReadinessGate conditionType=1:!string
TopologySpreadConstraint maxSkew=1:!int32 topologyKey=2:!string whenUnsatisfiable=3:!string
 labelSelector=4:?LabelSelector minDomains=5:?int32 nodeAffinityPolicy=6:?string
 nodeTaintsPolicy=7:?string matchLabelKeys=8:[]string
PodOS name=1:!string
PodSchedulingGate name=1:!string
PodResourceClaim name=1:!string resourceClaimName=3:?string resourceClaimTemplateName=4:?string
ResourceRequirements limits=1:map:quantity requests=2:map:quantity claims=3:[]core.ResourceClaim
PodSchedulingGroup podGroupName=1:?string
PodCondition type=1:!string observedGeneration=7:int status=2:!string lastProbeTime=3:time
 lastTransitionTime=4:time reason=5:string message=6:string
HostIP ip=1:!string
PodIP ip=1:!string
ContainerStatus name=1:!string state=2:ContainerState lastState=3:ContainerState ready=4:!bool
 restartCount=5:!int32 image=6:!string imageID=7:!string containerID=8:string started=9:?bool
 allocatedResources=10:map:quantity resources=11:?ResourceRequirements
 volumeMounts=12:[]VolumeMountStatus user=13:?ContainerUser
 allocatedResourcesStatus=14:[]ResourceStatus stopSignal=15:?string
PodResourceClaimStatus name=1:!string resourceClaimName=2:?string
PodExtendedResourceClaimStatus requestMappings=1:[]ContainerExtendedResourceRequest
 resourceClaimName=2:!string
NodeAllocatableResourceClaimStatus resourceClaimName=1:!string containers=2:[]string
 resources=3:map:quantity
ShardInfo selector=1:!string
Taint key=1:!string value=2:string effect=3:!string timeAdded=4:?time
NodeConfigSource configMap=2:?ConfigMapNodeConfigSource
NodeCondition type=1:!string status=2:!string lastHeartbeatTime=3:time lastTransitionTime=4:time
 reason=5:string message=6:string
NodeAddress type=1:!string address=2:!string
NodeDaemonEndpoints kubeletEndpoint=1:DaemonEndpoint
NodeSystemInfo machineID=1:!string systemUUID=2:!string bootID=3:!string kernelVersion=4:!string
 osImage=5:!string containerRuntimeVersion=6:!string kubeletVersion=7:!string
 kubeProxyVersion=8:!string operatingSystem=9:!string architecture=10:!string
 swap=11:?NodeSwapStatus
ContainerImage names=1:[]string sizeBytes=2:int
AttachedVolume name=1:!string devicePath=2:!string
NodeConfigStatus assigned=1:?NodeConfigSource active=2:?NodeConfigSource
 lastKnownGood=3:?NodeConfigSource error=4:string
NodeRuntimeHandler name=1:!string features=2:?NodeRuntimeHandlerFeatures
NodeFeatures supplementalGroupsPolicy=1:?bool
NamespaceCondition type=1:!string status=2:!string lastTransitionTime=4:time reason=5:string
 message=6:string
DeviceSelector cel=1:?CELDeviceSelector
DeviceClassConfiguration .=1:DeviceConfiguration
DeviceClaim requests=1:[]DeviceRequest constraints=2:[]DeviceConstraint
 config=3:[]DeviceClaimConfiguration
AllocationResult devices=1:DeviceAllocationResult nodeSelector=3:?NodeSelector
 allocationTimestamp=5:?time
ResourceClaimConsumerReference apiGroup=1:string resource=3:!string name=4:!string uid=5:!string
AllocatedDeviceStatus driver=1:!string pool=2:!string device=3:!string shareID=7:?string
 conditions=4:[]Condition data=5:?raw networkData=6:?NetworkDeviceData
ResourcePool name=1:!string generation=2:!int resourceSliceCount=3:!int
NodeSelector nodeSelectorTerms=1:[]NodeSelectorTerm
Device name=1:!string attributes=2:map:DeviceAttribute capacity=3:map:DeviceCapacity
 consumesCounters=4:[]DeviceCounterConsumption nodeName=5:?string nodeSelector=6:?NodeSelector
 allNodes=7:?bool taints=8:[]DeviceTaint bindsToNode=9:?bool bindingConditions=10:[]string
 bindingFailureConditions=11:[]string allowMultipleAllocations=12:?bool
 nodeAllocatableResourceMappings=13:map:NodeAllocatableResourceMapping
CounterSet name=1:!string counters=2:map:Counter
StatusCause reason=1:string message=2:string field=3:string
VolumeSource hostPath=1:?HostPathVolumeSource emptyDir=2:?EmptyDirVolumeSource
 gcePersistentDisk=3:?GCEPersistentDiskVolumeSource
 awsElasticBlockStore=4:?AWSElasticBlockStoreVolumeSource gitRepo=5:?GitRepoVolumeSource
 secret=6:?SecretVolumeSource nfs=7:?NFSVolumeSource iscsi=8:?ISCSIVolumeSource
 glusterfs=9:?GlusterfsVolumeSource persistentVolumeClaim=10:?PersistentVolumeClaimVolumeSource
 rbd=11:?RBDVolumeSource flexVolume=12:?FlexVolumeSource cinder=13:?CinderVolumeSource
 cephfs=14:?CephFSVolumeSource flocker=15:?FlockerVolumeSource
 downwardAPI=16:?DownwardAPIVolumeSource fc=17:?FCVolumeSource azureFile=18:?AzureFileVolumeSource
 configMap=19:?ConfigMapVolumeSource vsphereVolume=20:?VsphereVirtualDiskVolumeSource
 quobyte=21:?QuobyteVolumeSource azureDisk=22:?AzureDiskVolumeSource
 photonPersistentDisk=23:?PhotonPersistentDiskVolumeSource projected=26:?ProjectedVolumeSource
 portworxVolume=24:?PortworxVolumeSource scaleIO=25:?ScaleIOVolumeSource
 storageos=27:?StorageOSVolumeSource csi=28:?CSIVolumeSource ephemeral=29:?EphemeralVolumeSource
 image=30:?ImageVolumeSource
ContainerPort name=1:string hostPort=2:int32 containerPort=3:!int32 protocol=4:string
 hostIP=5:string
EnvFromSource prefix=1:string configMapRef=2:?ConfigMapEnvSource secretRef=3:?SecretEnvSource
EnvVar name=1:!string value=2:string valueFrom=3:?EnvVarSource
ContainerResizePolicy resourceName=1:!string restartPolicy=2:!string
ContainerRestartRule action=1:string exitCodes=2:?ContainerRestartRuleOnExitCodes
VolumeMount name=1:!string readOnly=2:bool recursiveReadOnly=7:?string mountPath=3:!string
 subPath=4:string mountPropagation=5:?string subPathExpr=6:string
VolumeDevice name=1:!string devicePath=2:!string
Probe .=1:ProbeHandler initialDelaySeconds=2:int32 timeoutSeconds=3:int32 periodSeconds=4:int32
 successThreshold=5:int32 failureThreshold=6:int32 terminationGracePeriodSeconds=7:?int
Lifecycle postStart=1:?LifecycleHandler preStop=2:?LifecycleHandler stopSignal=3:?string
SecurityContext capabilities=1:?Capabilities privileged=2:?bool seLinuxOptions=3:?SELinuxOptions
 windowsOptions=10:?WindowsSecurityContextOptions runAsUser=4:?int runAsGroup=8:?int
 runAsNonRoot=5:?bool readOnlyRootFilesystem=6:?bool allowPrivilegeEscalation=7:?bool
 procMount=9:?string seccompProfile=11:?SeccompProfile appArmorProfile=12:?AppArmorProfile
EphemeralContainerCommon name=1:!string image=2:string command=3:[]string args=4:[]string
 workingDir=5:string ports=6:[]ContainerPort envFrom=19:[]EnvFromSource env=7:[]EnvVar
 resources=8:ResourceRequirements resizePolicy=23:[]ContainerResizePolicy restartPolicy=24:?string
 restartPolicyRules=25:[]ContainerRestartRule volumeMounts=9:[]VolumeMount
 volumeDevices=21:[]VolumeDevice livenessProbe=10:?Probe readinessProbe=11:?Probe
 startupProbe=22:?Probe lifecycle=12:?Lifecycle terminationMessagePath=13:string
 terminationMessagePolicy=20:string imagePullPolicy=14:string securityContext=15:?SecurityContext
 stdin=16:bool stdinOnce=17:bool tty=18:bool
SELinuxOptions user=1:string role=2:string type=3:string level=4:string
WindowsSecurityContextOptions gmsaCredentialSpecName=1:?string gmsaCredentialSpec=2:?string
 runAsUserName=3:?string hostProcess=4:?bool
Sysctl name=1:!string value=2:!string
SeccompProfile type=1:!string localhostProfile=2:?string
AppArmorProfile type=1:!string localhostProfile=2:?string
NodeAffinity requiredDuringSchedulingIgnoredDuringExecution=1:?NodeSelector
 preferredDuringSchedulingIgnoredDuringExecution=2:[]PreferredSchedulingTerm
PodAffinity requiredDuringSchedulingIgnoredDuringExecution=1:[]PodAffinityTerm
 preferredDuringSchedulingIgnoredDuringExecution=2:[]WeightedPodAffinityTerm
PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution=1:[]PodAffinityTerm
 preferredDuringSchedulingIgnoredDuringExecution=2:[]WeightedPodAffinityTerm
PodDNSConfigOption name=1:string value=2:?string
LabelSelector matchLabels=1:map:string matchExpressions=2:[]LabelSelectorRequirement
core.ResourceClaim name=1:!string request=2:string
ContainerState waiting=1:?ContainerStateWaiting running=2:?ContainerStateRunning
 terminated=3:?ContainerStateTerminated
VolumeMountStatus name=1:!string mountPath=2:!string readOnly=3:bool recursiveReadOnly=4:?string
 volumeStatus=5:?VolumeStatus
ContainerUser linux=1:?LinuxContainerUser
ResourceStatus name=1:!string resources=2:[]ResourceHealth
ContainerExtendedResourceRequest containerName=1:!string resourceName=2:!string
 requestName=3:!string
ConfigMapNodeConfigSource namespace=1:!string name=2:!string uid=3:string resourceVersion=4:string
 kubeletConfigKey=5:!string
DaemonEndpoint Port=1:!int32
NodeSwapStatus capacity=1:?int
NodeRuntimeHandlerFeatures recursiveReadOnlyMounts=1:?bool userNamespaces=2:?bool
CELDeviceSelector expression=1:!string
DeviceConfiguration opaque=1:?OpaqueDeviceConfiguration
DeviceRequest name=1:!string exactly=2:?ExactDeviceRequest firstAvailable=3:[]DeviceSubRequest
DeviceConstraint requests=1:[]string matchAttribute=2:?string distinctAttribute=3:?string
DeviceClaimConfiguration requests=1:[]string .=2:DeviceConfiguration
DeviceAllocationResult results=1:[]DeviceRequestAllocationResult
 config=2:[]DeviceAllocationConfiguration
Condition type=1:!string status=2:!string observedGeneration=3:int lastTransitionTime=4:time
 reason=5:!string message=6:!string
NetworkDeviceData interfaceName=1:string ips=2:[]string hardwareAddress=3:string
NodeSelectorTerm matchExpressions=1:[]NodeSelectorRequirement
 matchFields=2:[]NodeSelectorRequirement
DeviceAttribute int=2:?int bool=3:?bool string=4:?string version=5:?string ints=6:[]int
 bools=7:[]bool strings=8:[]string versions=9:[]string
DeviceCapacity value=1:quantity requestPolicy=2:?CapacityRequestPolicy
DeviceCounterConsumption counterSet=1:!string counters=2:map:Counter
DeviceTaint key=1:!string value=2:string effect=3:!string timeAdded=4:?time
NodeAllocatableResourceMapping capacityKey=1:?string allocationMultiplier=2:?quantity
Counter value=1:quantity
HostPathVolumeSource path=1:!string type=2:?string
EmptyDirVolumeSource medium=1:string sizeLimit=2:?quantity
GCEPersistentDiskVolumeSource pdName=1:!string fsType=2:string partition=3:int32 readOnly=4:bool
AWSElasticBlockStoreVolumeSource volumeID=1:!string fsType=2:string partition=3:int32
 readOnly=4:bool
GitRepoVolumeSource repository=1:!string revision=2:string directory=3:string
SecretVolumeSource secretName=1:string items=2:[]KeyToPath defaultMode=3:?int32 optional=4:?bool
NFSVolumeSource server=1:!string path=2:!string readOnly=3:bool
ISCSIVolumeSource targetPortal=1:!string iqn=2:!string lun=3:!int32 iscsiInterface=4:string
 fsType=5:string readOnly=6:bool portals=7:[]string chapAuthDiscovery=8:bool
 chapAuthSession=11:bool secretRef=10:?LocalObjectReference initiatorName=12:?string
GlusterfsVolumeSource endpoints=1:!string path=2:!string readOnly=3:bool
PersistentVolumeClaimVolumeSource claimName=1:!string readOnly=2:bool
RBDVolumeSource monitors=1:[]string image=2:!string fsType=3:string pool=4:string user=5:string
 keyring=6:string secretRef=7:?LocalObjectReference readOnly=8:bool
FlexVolumeSource driver=1:!string fsType=2:string secretRef=3:?LocalObjectReference readOnly=4:bool
 options=5:map:string
CinderVolumeSource volumeID=1:!string fsType=2:string readOnly=3:bool
 secretRef=4:?LocalObjectReference
CephFSVolumeSource monitors=1:[]string path=2:string user=3:string secretFile=4:string
 secretRef=5:?LocalObjectReference readOnly=6:bool
FlockerVolumeSource datasetName=1:string datasetUUID=2:string
DownwardAPIVolumeSource items=1:[]DownwardAPIVolumeFile defaultMode=2:?int32
FCVolumeSource targetWWNs=1:[]string lun=2:?int32 fsType=3:string readOnly=4:bool wwids=5:[]string
AzureFileVolumeSource secretName=1:!string shareName=2:!string readOnly=3:bool
ConfigMapVolumeSource .=1:LocalObjectReference items=2:[]KeyToPath defaultMode=3:?int32
 optional=4:?bool
VsphereVirtualDiskVolumeSource volumePath=1:!string fsType=2:string storagePolicyName=3:string
 storagePolicyID=4:string
QuobyteVolumeSource registry=1:!string volume=2:!string readOnly=3:bool user=4:string
 group=5:string tenant=6:string
AzureDiskVolumeSource diskName=1:!string diskURI=2:!string cachingMode=3:?string fsType=4:?string
 readOnly=5:?bool kind=6:?string
PhotonPersistentDiskVolumeSource pdID=1:!string fsType=2:string
ProjectedVolumeSource sources=1:[]VolumeProjection defaultMode=2:?int32
PortworxVolumeSource volumeID=1:!string fsType=2:string readOnly=3:bool
ScaleIOVolumeSource gateway=1:!string system=2:!string secretRef=3:?LocalObjectReference
 sslEnabled=4:bool protectionDomain=5:string storagePool=6:string storageMode=7:string
 volumeName=8:string fsType=9:string readOnly=10:bool
StorageOSVolumeSource volumeName=1:string volumeNamespace=2:string fsType=3:string readOnly=4:bool
 secretRef=5:?LocalObjectReference
CSIVolumeSource driver=1:!string readOnly=2:?bool fsType=3:?string volumeAttributes=4:map:string
 nodePublishSecretRef=5:?LocalObjectReference
EphemeralVolumeSource volumeClaimTemplate=1:?PersistentVolumeClaimTemplate
ImageVolumeSource reference=1:string pullPolicy=2:string
ConfigMapEnvSource .=1:LocalObjectReference optional=2:?bool
SecretEnvSource .=1:LocalObjectReference optional=2:?bool
EnvVarSource fieldRef=1:?ObjectFieldSelector resourceFieldRef=2:?ResourceFieldSelector
 configMapKeyRef=3:?ConfigMapKeySelector secretKeyRef=4:?SecretKeySelector
 fileKeyRef=5:?FileKeySelector
ContainerRestartRuleOnExitCodes operator=1:string values=2:[]int32
ProbeHandler exec=1:?ExecAction httpGet=2:?HTTPGetAction tcpSocket=3:?TCPSocketAction
 grpc=4:?GRPCAction
LifecycleHandler exec=1:?ExecAction httpGet=2:?HTTPGetAction tcpSocket=3:?TCPSocketAction
 sleep=4:?SleepAction
Capabilities add=1:[]string drop=2:[]string
PreferredSchedulingTerm weight=1:!int32 preference=2:NodeSelectorTerm
PodAffinityTerm labelSelector=1:?LabelSelector namespaces=2:[]string topologyKey=3:!string
 namespaceSelector=4:?LabelSelector matchLabelKeys=5:[]string mismatchLabelKeys=6:[]string
WeightedPodAffinityTerm weight=1:!int32 podAffinityTerm=2:PodAffinityTerm
LabelSelectorRequirement key=1:!string operator=2:!string values=3:[]string
ContainerStateWaiting reason=1:string message=2:string
ContainerStateRunning startedAt=1:time
ContainerStateTerminated exitCode=1:!int32 signal=2:int32 reason=3:string message=4:string
 startedAt=5:time finishedAt=6:time containerID=7:string
VolumeStatus image=1:?ImageVolumeStatus
LinuxContainerUser uid=1:!int gid=2:!int supplementalGroups=3:[]int
ResourceHealth resourceID=1:!string health=2:string message=6:?string
OpaqueDeviceConfiguration driver=1:!string parameters=2:raw
ExactDeviceRequest deviceClassName=1:!string selectors=2:[]DeviceSelector allocationMode=3:string
 count=4:int adminAccess=5:?bool tolerations=6:[]DeviceToleration capacity=7:?CapacityRequirements
DeviceSubRequest name=1:!string deviceClassName=2:!string selectors=3:[]DeviceSelector
 allocationMode=4:string count=5:int tolerations=6:[]DeviceToleration
 capacity=7:?CapacityRequirements
DeviceRequestAllocationResult request=1:!string driver=2:!string pool=3:!string device=4:!string
 adminAccess=5:?bool tolerations=6:[]DeviceToleration bindingConditions=7:[]string
 bindingFailureConditions=8:[]string shareID=9:?string consumedCapacity=10:map:quantity
DeviceAllocationConfiguration source=1:!string requests=2:[]string .=3:DeviceConfiguration
NodeSelectorRequirement key=1:!string operator=2:!string values=3:[]string
CapacityRequestPolicy default=1:?quantity validValues=3:[]quantity
 validRange=4:?CapacityRequestPolicyRange
KeyToPath key=1:!string path=2:!string mode=3:?int32
DownwardAPIVolumeFile path=1:!string fieldRef=2:?ObjectFieldSelector
 resourceFieldRef=3:?ResourceFieldSelector mode=4:?int32
VolumeProjection secret=1:?SecretProjection downwardAPI=2:?DownwardAPIProjection
 configMap=3:?ConfigMapProjection serviceAccountToken=4:?ServiceAccountTokenProjection
 clusterTrustBundle=5:?ClusterTrustBundleProjection podCertificate=6:?PodCertificateProjection
PersistentVolumeClaimTemplate metadata=1:ObjectMeta spec=2:PersistentVolumeClaimSpec
ObjectFieldSelector apiVersion=1:string fieldPath=2:!string
ResourceFieldSelector containerName=1:string resource=2:!string divisor=3:quantity
ConfigMapKeySelector .=1:LocalObjectReference key=2:!string optional=3:?bool
SecretKeySelector .=1:LocalObjectReference key=2:!string optional=3:?bool
FileKeySelector volumeName=1:!string path=2:!string key=3:!string optional=4:?bool
ExecAction command=1:[]string
HTTPGetAction path=1:string port=2:intorstring host=3:string scheme=4:string
 httpHeaders=5:[]HTTPHeader
TCPSocketAction port=1:intorstring host=2:string
GRPCAction port=1:!int32 service=2:?string
SleepAction seconds=1:!int
ImageVolumeStatus imageRef=1:string
DeviceToleration key=1:string operator=2:string value=3:string effect=4:string
 tolerationSeconds=5:?int
CapacityRequirements requests=1:map:quantity
CapacityRequestPolicyRange min=1:?quantity max=2:?quantity step=3:?quantity
SecretProjection .=1:LocalObjectReference items=2:[]KeyToPath optional=4:?bool
DownwardAPIProjection items=1:[]DownwardAPIVolumeFile
ConfigMapProjection .=1:LocalObjectReference items=2:[]KeyToPath optional=4:?bool
ServiceAccountTokenProjection audience=1:string expirationSeconds=2:?int path=3:!string
ClusterTrustBundleProjection name=1:?string signerName=2:?string labelSelector=3:?LabelSelector
 optional=5:?bool path=4:!string
PodCertificateProjection signerName=1:string keyType=2:string maxExpirationSeconds=3:?int32
 credentialBundlePath=4:string keyPath=5:string certificateChainPath=6:string
 userAnnotations=7:map:string
PersistentVolumeClaimSpec accessModes=1:[]string selector=4:?LabelSelector
 resources=2:VolumeResourceRequirements volumeName=3:string storageClassName=5:?string
 volumeMode=6:?string dataSource=7:?TypedLocalObjectReference dataSourceRef=8:?TypedObjectReference
 volumeAttributesClassName=9:?string
HTTPHeader name=1:!string value=2:!string
VolumeResourceRequirements limits=1:map:quantity requests=2:map:quantity
TypedLocalObjectReference apiGroup=1:?string kind=2:!string name=3:!string
TypedObjectReference apiGroup=1:?string kind=2:!string name=3:!string namespace=4:?string
)";

}  // namespace knd::api

// SPDX-License-Identifier: Apache-2.0
//
// The types of every served kind, in the grammar of host/validation/schema.hpp, whose text comes
// before these: what resource.k8s.io uses has its types from there, and here what it means. Names
// of fields are complete down to the pod's containers; parts that nothing on a single machine looks
// into (sources of volumes, probes, affinity, security contexts) are `raw` and kept as they come.
// What the fields of resource.k8s.io may hold is in host/validation.
#include "tools/local/api/schema.hpp"

namespace knd::api {

const char* const kCoreText = R"(
package io.k8s.apimachinery.pkg.apis.meta.v1
ObjectMeta: What every stored object has: its name, labels, owners and history.
  name: Name, unique among the objects of this kind in the namespace. Cannot be changed.
  generateName: Prefix from which the server makes a unique name when none is given.
  namespace: Namespace the object lives in. Cannot be changed.
  uid: Identity of this very object; a later one of the same name has another.
  resourceVersion: Changes with every write; send it back to make an update conditional.
  generation: Counts changes of the desired state.
  creationTimestamp: When the server stored the object first.
  deletionTimestamp: When the object is to be gone; set by a delete that has to wait.
  deletionGracePeriodSeconds: Seconds of grace that the delete has given.
  labels: Keys and values that selectors match.
  annotations: Keys and values for tools, not selectable.
  ownerReferences merge=uid key=uid: What it depends on; gone with the last.
  finalizers set: Names of those who still have to clean up before the object may go.
  managedFields: Who applied which field, for server-side apply.
  selfLink: Not used any more.
OwnerReference: Points to an owner in the same namespace or to a cluster-scoped one.
  apiVersion !: API version of the owner.
  kind !: Kind of the owner.
  name !: Name of the owner.
  uid !: UID of the owner.
  controller: Whether the owner manages this object.
  blockOwnerDeletion: Whether a foreground delete of the owner waits for this object.
ManagedFieldsEntry: The fields one manager has set.
  manager: Who set them.
  operation: Apply or Update.
  apiVersion: Version of the fields.
  time: When the set changed last.
  fieldsType: Always FieldsV1.
  fieldsV1: The set of fields.
  subresource: Subresource the fields were written through.
Condition: One aspect of an object's state.
  type !: Name of the aspect, in CamelCase or like example.com/CamelCase.
  status ! in=True|False|Unknown: Whether it holds.
  observedGeneration: The metadata.generation that it was judged by.
  lastTransitionTime !: When the status changed last.
  reason !: One word for why, in CamelCase.
  message: A sentence for people; may be empty.
LabelSelector: A query over labels.
  matchLabels map:string: Labels that must be there with these values.
  matchExpressions raw: Further requirements: key, operator and values.

package io.k8s.api.core.v1
Namespace: A scope for names.
  apiVersion string: Version of this representation.
  kind string: Name of this type.
  metadata ObjectMeta: Standard metadata.
  spec NamespaceSpec: Behaviour of the namespace.
  status NamespaceStatus: State, written by the server.
NamespaceSpec: Behaviour of a namespace.
  finalizers []string set: Must be empty before the namespace can go.
NamespaceStatus: State of a namespace.
  phase string in=Active|Terminating: Where it is in its life.
  conditions raw: Conditions.
Node: A machine of the cluster.
  apiVersion string: Version of this representation.
  kind string: Name of this type.
  metadata ObjectMeta: Standard metadata.
  spec NodeSpec: How the node is to be used.
  status NodeStatus: State as the kubelet reports it.
NodeSpec: How a node is to be used.
  podCIDR string: Range of addresses for its pods.
  podCIDRs []string set: The same, one per address family.
  providerID string: Identity given by a cloud.
  unschedulable bool: Whether new pods are kept away.
  taints []Taint: Reasons for pods to stay away.
  configSource raw: Not used any more.
  externalID string: Not used any more.
Taint: Keeps pods away that do not tolerate it.
  key string !: Name of the taint.
  value string: Value of the taint.
  effect string ! in=NoSchedule|PreferNoSchedule|NoExecute: What happens to such pods.
  timeAdded time: When it was added.
NodeStatus: State of a node.
  capacity map:quantity: All resources of the node.
  allocatable map:quantity: What pods may use of them.
  phase string: Not used any more.
  conditions []NodeCondition merge=type key=type: Conditions such as Ready.
  addresses []NodeAddress merge=type: Addresses by which the node is reached.
  daemonEndpoints raw: Ports of the kubelet.
  nodeInfo NodeSystemInfo: Identities and versions.
  images raw: Container images on the node.
  volumesInUse raw: Attachable volumes in use.
  volumesAttached raw: Volumes attached.
  config raw: Not used any more.
  runtimeHandlers raw: Runtime handlers offered.
  features raw: Features of the runtime.
  declaredFeatures raw: Features of the node.
NodeCondition: One aspect of a node's state.
  type string !: Name of the aspect.
  status string !: True, False or Unknown.
  lastHeartbeatTime time: When it was reported last.
  lastTransitionTime time: When it changed last.
  reason string: One word for why.
  message string: A sentence for people.
NodeAddress: One address of a node.
  type string !: Hostname, InternalIP, ExternalIP, ...
  address string !: The address.
NodeSystemInfo: Identities and versions of a node.
  machineID string: From /etc/machine-id.
  systemUUID string: From the firmware.
  bootID string: Of this boot.
  kernelVersion string: Kernel release.
  osImage string: Name of the operating system.
  containerRuntimeVersion string: Runtime and version.
  kubeletVersion string: Version of the kubelet.
  kubeProxyVersion string: Not used any more.
  operatingSystem string: Such as linux.
  architecture string: Such as amd64.
  swap raw: Swap of the node.
Event: A report of something that happened to an object.
  apiVersion string: Version of this representation.
  kind string: Name of this type.
  metadata ObjectMeta: Standard metadata.
  involvedObject ObjectReference: The object that this is about.
  reason string: One word for why.
  message string: A sentence for people.
  source EventSource: Who reports.
  firstTimestamp time: When it happened first.
  lastTimestamp time: When it happened last.
  count int32: How often it happened.
  type string: Normal or Warning.
  eventTime time: When it happened, exactly.
  series raw: Data of a series.
  action string: What was done.
  related ObjectReference: Another object that is involved.
  reportingComponent string: Controller that reports.
  reportingInstance string: Its instance.
ObjectReference: Points to an object.
  apiVersion string: Its API version.
  kind string: Its kind.
  namespace string: Its namespace.
  name string: Its name.
  uid string: Its UID.
  resourceVersion string: Its version.
  fieldPath string: A part of it.
EventSource: Who reports an event.
  component string: The component.
  host string: The node it runs on.
Pod: Containers that share a network namespace on one node.
  apiVersion string: Version of this representation.
  kind string: Name of this type.
  metadata ObjectMeta: Standard metadata.
  spec PodSpec !: What is to run.
  status PodStatus: State as the kubelet reports it.
)";

const char* const kPodText = R"(
PodSpec: What a pod is to run, and where.
  containers []Container ! merge=name key=name: Containers; at least one.
  initContainers []Container merge=name key=name: Containers that run before the others.
  ephemeralContainers raw: Containers added for debugging.
  volumes []Volume merge=name key=name: Volumes that containers can mount.
  restartPolicy string =Always in=Always|OnFailure|Never: When ended containers start again.
  terminationGracePeriodSeconds int =30 min=0: Seconds between the request to end and the end.
  activeDeadlineSeconds int: Seconds after which the pod is ended.
  dnsPolicy string =ClusterFirst in=ClusterFirst|ClusterFirstWithHostNet|Default|None: Name service.
  dnsConfig raw: Name service details.
  nodeSelector map:string: Labels a node must have.
  nodeName string: Node that runs the pod; set by the scheduler.
  serviceAccountName string: Identity of the pod.
  serviceAccount string: Old name of serviceAccountName.
  automountServiceAccountToken bool: Whether a token is mounted.
  hostNetwork bool: Whether the pod uses the node's network namespace.
  hostPID bool: Whether it uses the node's process namespace.
  hostIPC bool: Whether it uses the node's IPC namespace.
  hostUsers bool: Whether it uses the node's user namespace.
  shareProcessNamespace bool: Whether containers see each other's processes.
  securityContext raw =object: Security of the pod as a whole.
  imagePullSecrets []LocalObjectReference merge=name key=name: Secrets for pulling images.
  hostname string fmt=label: Host name in the pod.
  subdomain string: Subdomain of the host name.
  hostnameOverride string: Exact host name.
  setHostnameAsFQDN bool: Whether the host name is the full one.
  affinity raw: Preferences for nodes and other pods.
  schedulerName string =default-scheduler: Scheduler that places the pod.
  tolerations []Toleration: Taints that the pod accepts.
  hostAliases []HostAlias merge=ip key=ip: Lines for /etc/hosts.
  priorityClassName string: Name of its priority.
  priority int32: Its priority.
  preemptionPolicy string: Whether it may evict others.
  readinessGates raw: Further conditions of being ready.
  runtimeClassName string: Runtime to use.
  enableServiceLinks bool =true: Whether services appear in the environment.
  overhead map:quantity: Resources that the sandbox itself takes.
  topologySpreadConstraints raw: How pods spread over the cluster.
  os raw: Operating system of the pod.
  schedulingGates raw: Conditions before scheduling.
  resourceClaims []PodResourceClaim merge=name key=name: Claims whose devices the pod uses.
  resources ResourceRequirements: Resources of the pod as a whole.
  workloadRef raw: Workload the pod belongs to.
Container: One container of a pod.
  name string ! fmt=label: Name, unique in the pod.
  image string: Image to run.
  command []string: Entry point; the image's own when empty.
  args []string: Arguments of the entry point.
  workingDir string: Working directory.
  ports []ContainerPort merge=containerPort key=containerPort,protocol: Ports that it listens on.
  env []EnvVar merge=name key=name: Environment variables.
  envFrom raw: Sources of environment variables.
  resources ResourceRequirements =object: Resources that it needs, claims included.
  resizePolicy raw: How a change of resources is done.
  restartPolicy string: Always, for sidecar containers among the initContainers.
  restartPolicyRules raw: Exceptions from the restart policy.
  volumeMounts []VolumeMount merge=mountPath key=mountPath: Volumes to mount.
  volumeDevices raw: Block volumes.
  livenessProbe raw: Probe that restarts the container.
  readinessProbe raw: Probe of being ready.
  startupProbe raw: Probe of having started.
  lifecycle raw: Actions at start and stop.
  terminationMessagePath string =/dev/termination-log: File of the last words.
  terminationMessagePolicy string =File in=File|FallbackToLogsOnError: Where last words come from.
  imagePullPolicy string in=Always|IfNotPresent|Never: When the image is pulled.
  securityContext raw: Security of the container.
  stdin bool: Whether stdin stays open.
  stdinOnce bool: Whether stdin closes after the first client.
  tty bool: Whether it gets a terminal.
ContainerPort: A port of a container.
  name string: Name of the port.
  hostPort int32: Port of the node.
  containerPort int32 ! min=1 max=65535: Port in the pod.
  protocol string =TCP in=TCP|UDP|SCTP: Protocol.
  hostIP string: Address of the node.
EnvVar: An environment variable.
  name string !: Its name.
  value string: Its value.
  valueFrom raw: Where the value comes from.
VolumeMount: A volume in a container.
  name string !: Name of the volume.
  mountPath string !: Where it is mounted.
  readOnly bool: Whether it cannot be written to.
  recursiveReadOnly string: The same for mounts below.
  subPath string: Part of the volume.
  subPathExpr string: The same, with variables.
  mountPropagation string: How mounts propagate.
ResourceRequirements: What a container needs.
  limits map:quantity: Most it may use.
  requests map:quantity: Least it needs.
  claims []ContainerClaim key=name: Entries of the pod's resourceClaims that it uses.
ContainerClaim: Points to an entry of the pod's resourceClaims.
  name string ! fmt=label: Name of the entry.
  request string: One request of that claim; all when empty.
PodResourceClaim: A claim that a pod uses.
  name string ! fmt=label: Name of the entry in this pod.
  resourceClaimName string fmt=subdomain: An existing claim in the namespace of the pod.
  resourceClaimTemplateName string fmt=subdomain: A template of which each pod gets a claim.
LocalObjectReference: Points to an object in the same namespace.
  name string: Its name.
HostAlias: A line of /etc/hosts.
  ip string !: The address.
  hostnames []string: Its names.
Toleration: A taint that the pod accepts.
  key string: Taint key; all when empty.
  operator string in=Exists|Equal: How the value is compared.
  value string: Taint value.
  effect string in=NoSchedule|PreferNoSchedule|NoExecute: Effect; all when empty.
  tolerationSeconds int: How long NoExecute is borne.
PodStatus: State of a pod.
  phase string in=Pending|Running|Succeeded|Failed|Unknown: Where it is in its life.
  conditions []PodCondition merge=type key=type: Conditions such as PodScheduled and Ready.
  message string: A sentence for people.
  reason string: One word for why.
  nominatedNodeName string: Node where it shall run once others have left.
  hostIP string: Address of its node.
  hostIPs []PodIP merge=ip: The same, one per address family.
  podIP string: Address of the pod.
  podIPs []PodIP merge=ip key=ip: The same, one per address family.
  startTime time: When the kubelet took it.
  qosClass string: BestEffort, Burstable or Guaranteed.
  initContainerStatuses []ContainerStatus: State of the init containers.
  containerStatuses []ContainerStatus: State of the containers.
  ephemeralContainerStatuses raw: State of the containers for debugging.
  resize string: Not used any more.
  observedGeneration int: Generation that the status belongs to.
  resourceClaimStatuses []PodResourceClaimStatus merge=name key=name: Claims made from templates.
  extendedResourceClaimStatus raw: Claim made for extended resources.
  allocatedResources map:quantity: Resources of the pod as a whole.
  resources raw: Resources in effect.
PodCondition: One aspect of a pod's state.
  type string !: Name of the aspect.
  status string !: True, False or Unknown.
  observedGeneration int: Generation that it belongs to.
  lastProbeTime time: When it was looked at last.
  lastTransitionTime time: When it changed last.
  reason string: One word for why.
  message string: A sentence for people.
PodIP: An address.
  ip string !: The address.
ContainerStatus: State of a container.
  name string !: Name of the container.
  state ContainerState: State now.
  lastState ContainerState: State before.
  ready bool: Whether it is ready.
  started bool: Whether it has started.
  restartCount int32: How often it was started again.
  image string: Image it runs.
  imageID string: Exact image.
  containerID string: Identity at the runtime.
  allocatedResources map:quantity: Resources given.
  resources raw: Resources in effect.
  volumeMounts raw: Mounts in effect.
  user raw: User it runs as.
  allocatedResourcesStatus raw: Health of its devices.
  stopSignal string: Signal that ends it.
ContainerState: One of waiting, running and terminated.
  waiting ContainerStateWaiting: Not running yet.
  running ContainerStateRunning: Running.
  terminated ContainerStateTerminated: Ended.
ContainerStateWaiting: Why a container does not run.
  reason string: One word for why.
  message string: A sentence for people.
ContainerStateRunning: Since when a container runs.
  startedAt time: When it started.
ContainerStateTerminated: How a container ended.
  exitCode int32: Exit code.
  signal int32: Signal that ended it.
  reason string: One word for why.
  message string: Last words.
  startedAt time: When it started.
  finishedAt time: When it ended.
  containerID string: Identity at the runtime.
PodResourceClaimStatus: The claim made for an entry of resourceClaims.
  name string !: Name of the entry.
  resourceClaimName string: Name of the claim.
NodeSelector: Terms over nodes, any of which must match.
  nodeSelectorTerms !: The terms.
NodeSelectorTerm: Requirements that must all match.
  matchExpressions: Over labels.
  matchFields: Over fields; only metadata.name.
NodeSelectorRequirement: A requirement on one key.
  key !: Label or field.
  operator ! in=In|NotIn|Exists|DoesNotExist|Gt|Lt: Relation to the values.
  values: Values.
Volume: A volume of a pod, with one source.
  name string ! fmt=label: Name of the volume.
  emptyDir raw: Empty at the start, gone with the pod.
  hostPath raw: A path of the node.
  configMap raw: Files from a ConfigMap.
  secret raw: Files from a Secret.
  projected raw: Files from several sources.
  downwardAPI raw: Files about the pod.
  persistentVolumeClaim raw: A claim for storage.
  ephemeral raw: Storage made for the pod.
  csi raw: Storage from a CSI driver.
  image raw: An OCI image.
  nfs raw: A share of an NFS server.
  iscsi raw: A disk over iSCSI.
  fc raw: A disk over Fibre Channel.
)";

const char* const kResourceText = R"(
package io.k8s.api.resource.v1
DeviceClass: Selects devices that a claim can ask for by name.
  apiVersion: Version of this representation.
  kind: Name of this type.
  metadata: Standard metadata.
  spec !: What the class selects and how it configures.
DeviceClassSpec: What a class selects and how it configures.
  selectors: Each must match a device.
  config: Configuration of every device claimed through the class.
  extendedResourceName: Extended resource name that stands for this class.
DeviceClassConfiguration: Configuration for one driver.
  opaque: Parameters that only the driver understands.
DeviceSelector: Selects devices.
  cel !: By an expression.
CELDeviceSelector: A CEL expression over one device.
  expression !: CEL over `device`: driver, attributes, capacity; true selects it.
OpaqueDeviceConfiguration: Parameters that only one driver understands.
  driver !: Name of the driver.
  parameters !: A JSON object of at most 10 KiB.
ResourceClaim: Asks for devices and records which were allocated.
  apiVersion: Version of this representation.
  kind: Name of this type.
  metadata: Standard metadata.
  spec !: What is wanted. Cannot be changed.
  status: What was allocated, for whom, and how the devices are.
ResourceClaimSpec: What is wanted.
  devices =object: The devices that are wanted.
DeviceClaim: Requests for devices, and what must hold among them.
  requests: Each asks for one kind of device; all must be met.
  constraints: What must hold among the allocated devices.
  config: Configuration of the allocated devices.
DeviceRequest: Asks for devices of one kind.
  name !: Name, unique in the claim.
  exactly: Exactly what is wanted.
  firstAvailable: Alternatives; the first that can be met is taken.
ExactDeviceRequest: Exactly what is wanted.
  deviceClassName !: Class that the devices must be of.
  selectors: Further selectors; each must match.
  allocationMode =ExactCount in=All|ExactCount: All matching devices, or `count` of them.
  count: How many; 1 when not given.
  adminAccess: Whether devices are watched over rather than used.
  tolerations: Taints of devices that are accepted.
  capacity: What each device must have to give.
DeviceSubRequest: One alternative of a request.
  name !: Name, unique in the request.
  deviceClassName !: Class that the devices must be of.
  selectors: Further selectors; each must match.
  allocationMode =ExactCount in=All|ExactCount: All matching devices, or `count` of them.
  count: How many; 1 when not given.
  tolerations: Taints of devices that are accepted.
  capacity: What each device must have to give.
CapacityRequirements: Capacity that a request needs.
  requests: Amount per capacity name.
DeviceToleration: A taint of devices that is accepted.
  key: Taint key; all when empty.
  operator =Equal in=Equal|Exists: How the value is compared.
  value: Taint value.
  effect in=NoExecute|NoSchedule: Effect; all when empty.
  tolerationSeconds: How long NoExecute is borne.
DeviceConstraint: What must hold among devices.
  requests: Requests it is about; all when empty.
  matchAttribute: Attribute that must be equal on all of them.
  distinctAttribute: Attribute that must differ on all of them.
DeviceClaimConfiguration: Configuration of the devices of a claim.
  requests: Requests it is for; all when empty.
  opaque: Parameters that only the driver understands.
ResourceClaimStatus: What was allocated, for whom, and how the devices are.
  allocation: Set while devices are allocated.
  reservedFor merge=uid key=uid: Who may use them now.
  devices key=driver,device,pool,shareID: State of each, by its driver.
AllocationResult: Devices that were allocated.
  devices =object: The devices.
  nodeSelector: Nodes from which they can be used; all when empty.
  allocationTimestamp: When they were allocated.
DeviceAllocationResult: Devices that were allocated, and their configuration.
  results: One per device.
  config: Configuration from classes, then from the claim.
DeviceRequestAllocationResult: A device that was allocated.
  request !: Request that it meets, or request/alternative.
  driver !: Driver that offers it.
  pool !: Pool that it is in.
  device !: Its name in the pool.
  adminAccess: Whether it is watched over rather than used.
  tolerations: Taints that the request accepts.
  bindingConditions: Conditions before the pod may be bound.
  bindingFailureConditions: Conditions that undo the allocation.
  shareID: Identity of a share of the device.
  consumedCapacity: What the share takes of the device.
DeviceAllocationConfiguration: Configuration of allocated devices.
  source ! in=FromClaim|FromClass: Where it comes from.
  requests: Requests it is for; all when empty.
  opaque: Parameters that only the driver understands.
ResourceClaimConsumerReference: Who may use a claim.
  apiGroup: Group of its resource; empty for core.
  resource !: Its resource, such as pods.
  name !: Its name.
  uid !: Its UID.
AllocatedDeviceStatus: State of an allocated device.
  driver !: Driver that offers it.
  pool !: Pool that it is in.
  device !: Its name in the pool.
  shareID: Identity of a share of the device.
  conditions merge=type key=type: Conditions such as Ready.
  data: Anything the driver has to say; a JSON object.
  networkData: For network devices.
NetworkDeviceData: A network device in a pod.
  interfaceName: Name of the interface in the pod.
  ips: Its addresses, such as 10.0.0.5/24.
  hardwareAddress: Its hardware address.
ResourceClaimTemplate: From which each pod that names it gets a claim of its own.
  apiVersion: Version of this representation.
  kind: Name of this type.
  metadata: Standard metadata.
  spec !: The claim to make. Cannot be changed.
ResourceClaimTemplateSpec: The claim to make.
  metadata: Labels and annotations of the claim.
  spec !: Its spec.
ResourceSlice: Devices that a driver offers, a part of one pool.
  apiVersion: Version of this representation.
  kind: Name of this type.
  metadata: Standard metadata.
  spec !: The devices and where they can be used.
ResourceSliceSpec: Devices and where they can be used.
  driver !: Driver that offers them. Cannot be changed.
  pool !: Pool that the slice is a part of.
  nodeName: The one node from which they can be used. Cannot be changed.
  nodeSelector: Nodes from which they can be used.
  allNodes: They can be used from all nodes.
  perDeviceNodeSelection: Each device says where it can be used.
  devices: The devices.
  sharedCounters: Counters from which devices consume.
ResourcePool: Names a pool and its version.
  name !: Name, unique per driver. Cannot be changed.
  generation =0: Older slices of the pool do not count.
  resourceSliceCount !: Slices of this generation; fewer mean the pool is not complete.
CounterSet: Counters that devices share.
  name !: Name of the set.
  counters !: The counters.
Counter: An amount that can be consumed.
  value !: The amount.
Device: One device.
  name !: Name, unique in the pool.
  attributes: What it is; names without domain are the driver's.
  capacity: What it has to give.
  consumesCounters: What it takes from shared counters.
  nodeName: The one node from which it can be used.
  nodeSelector: Nodes from which it can be used.
  allNodes: It can be used from all nodes.
  taints: Reasons not to use it.
  bindsToNode: Whether an allocation ties the claim to one node.
  bindingConditions: Conditions before a pod may be bound.
  bindingFailureConditions: Conditions that undo an allocation.
  allowMultipleAllocations: Whether several claims may share it.
  nodeAllocatableResourceMappings: What of the node's resources comes with it.
NodeMapping: How much of a node's resource comes with a device.
  capacityKey: Capacity of the device that says it.
  allocationMultiplier: By which it is multiplied.
DeviceAttribute: One value, or list of values, of one type.
  int: A number.
  bool: True or false.
  string: A string.
  version: A semantic version.
  ints: Numbers.
  bools: Values that are true or false.
  strings: Strings.
  versions: Semantic versions.
DeviceCapacity: What a device has to give.
  value !: The amount.
  requestPolicy: How requests are rounded.
CapacityRequestPolicy: How requests for capacity are rounded.
  default: What a request takes that does not say.
  validValues: The only amounts there are.
  validRange: The range of amounts.
CapacityRequestPolicyRange: A range of amounts.
  min !: Least.
  max: Most.
  step: Distance between amounts.
DeviceCounterConsumption: What a device takes from a counter set.
  counterSet !: Name of the set.
  counters !: What it takes.
DeviceTaint: A reason not to use a device.
  key !: Name of the taint.
  value: Value of the taint.
  effect ! in=NoExecute|NoSchedule|None: What happens to those who do not tolerate it.
  timeAdded: When it was added.
)";

}  // namespace knd::api

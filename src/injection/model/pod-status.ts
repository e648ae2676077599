/** Go types of a pod's status (core/v1): never injected, but carried through a typed round trip. */
import type { TypeTable } from './define.ts'
import { defineTypes } from './define.ts'
import { CONTAINER_TYPES } from './container.ts'

/** Types of this file and those it builds on, for the table of pods. */
export const POD_STATUS_TYPES: TypeTable = defineTypes(
  `
  PodCondition
    Type                type                 string(PodConditionType)
    ObservedGeneration  observedGeneration?  int64
    Status              status               string(ConditionStatus)
    LastProbeTime       lastProbeTime?       Time
    LastTransitionTime  lastTransitionTime?  Time
    Reason              reason?              string
    Message             message?             string

  HostIP
    IP  ip  string

  PodIP
    IP  ip  string

  ContainerStateWaiting
    Reason   reason?   string
    Message  message?  string

  ContainerStateRunning
    StartedAt  startedAt?  Time

  ContainerStateTerminated
    ExitCode     exitCode      int32
    Signal       signal?       int32
    Reason       reason?       string
    Message      message?      string
    StartedAt    startedAt?    Time
    FinishedAt   finishedAt?   Time
    ContainerID  containerID?  string

  ContainerState
    Waiting     waiting?     *ContainerStateWaiting
    Running     running?     *ContainerStateRunning
    Terminated  terminated?  *ContainerStateTerminated

  ImageVolumeStatus
    ImageRef  imageRef?  string

  VolumeStatus
    Image  image?  *ImageVolumeStatus

  VolumeMountStatus
    Name               name                string
    MountPath          mountPath           string
    ReadOnly           readOnly?           bool
    RecursiveReadOnly  recursiveReadOnly?  *string(RecursiveReadOnlyMode)
    VolumeStatus       volumeStatus?       *VolumeStatus

  LinuxContainerUser
    UID                 uid                  int64
    GID                 gid                  int64
    SupplementalGroups  supplementalGroups?  []int64

  ContainerUser
    Linux  linux?  *LinuxContainerUser

  ResourceHealth
    ResourceID  resourceID  string(ResourceID)
    Health      health?     string(ResourceHealthStatus)
    Message     message?    *string

  ResourceStatus
    Name       name        string(ResourceName)
    Resources  resources?  []ResourceHealth

  ContainerStatus
    Name                      name                       string
    State                     state?                     ContainerState
    LastTerminationState      lastState?                 ContainerState
    Ready                     ready                      bool
    RestartCount              restartCount               int32
    Image                     image                      string
    ImageID                   imageID                    string
    ContainerID               containerID?               string
    Started                   started?                   *bool
    AllocatedResources        allocatedResources?        ResourceList
    Resources                 resources?                 *ResourceRequirements
    VolumeMounts              volumeMounts?              []VolumeMountStatus    merge=mountPath
    User                      user?                      *ContainerUser
    AllocatedResourcesStatus  allocatedResourcesStatus?  []ResourceStatus       merge=name
    StopSignal                stopSignal?                *string(Signal)

  PodResourceClaimStatus
    Name               name                string
    ResourceClaimName  resourceClaimName?  *string

  ContainerExtendedResourceRequest
    ContainerName  containerName  string
    ResourceName   resourceName   string
    RequestName    requestName    string

  PodExtendedResourceClaimStatus
    RequestMappings    requestMappings    []ContainerExtendedResourceRequest
    ResourceClaimName  resourceClaimName  string

  NodeAllocatableResourceClaimStatus
    ResourceClaimName  resourceClaimName  string
    Containers         containers?        []string
    Resources          resources          map[string(ResourceName)]Quantity

  PodStatus
    ObservedGeneration                    observedGeneration?                    int64
    Phase                                 phase?                                 string(PodPhase)
    Conditions                            conditions?                            []PodCondition                        merge=type
    Message                               message?                               string
    Reason                                reason?                                string
    NominatedNodeName                     nominatedNodeName?                     string
    HostIP                                hostIP?                                string
    HostIPs                               hostIPs?                               []HostIP                              merge=ip
    PodIP                                 podIP?                                 string
    PodIPs                                podIPs?                                []PodIP                               merge=ip
    StartTime                             startTime?                             *Time
    InitContainerStatuses                 initContainerStatuses?                 []ContainerStatus
    ContainerStatuses                     containerStatuses?                     []ContainerStatus
    QOSClass                              qosClass?                              string(PodQOSClass)
    EphemeralContainerStatuses            ephemeralContainerStatuses?            []ContainerStatus
    Resize                                resize?                                string(PodResizeStatus)
    ResourceClaimStatuses                 resourceClaimStatuses?                 []PodResourceClaimStatus              merge,retainKeys=name
    ExtendedResourceClaimStatus           extendedResourceClaimStatus?           *PodExtendedResourceClaimStatus
    AllocatedResources                    allocatedResources?                    ResourceList
    Resources                             resources?                             *ResourceRequirements
    NodeAllocatableResourceClaimStatuses  nodeAllocatableResourceClaimStatuses?  []NodeAllocatableResourceClaimStatus
  `,
  CONTAINER_TYPES,
)

/** Go types of the objects that hold pod templates: workloads of core/v1, apps/v1 and batch/v1, and lists. */
import type { StructType } from '../template/types.ts'
import type { TypeTable } from './define.ts'
import { defineTypes, structOf } from './define.ts'
import { POD, POD_TYPES } from './pod.ts'
import { DEPLOYMENT_CONFIG } from './openshift.ts'
import { RAW_EXTENSION } from './scalars.ts'

const TYPES: TypeTable = defineTypes(
  `
  ReplicationControllerSpec
    Replicas         replicas?         *int32
    MinReadySeconds  minReadySeconds?  int32
    Selector         selector?         map[string]string
    Template         template?         *PodTemplateSpec

  ReplicationControllerCondition
    Type                type                 string(ReplicationControllerConditionType)
    Status              status               string(ConditionStatus)
    LastTransitionTime  lastTransitionTime?  Time
    Reason              reason?              string
    Message             message?             string

  ReplicationControllerStatus
    Replicas              replicas               int32
    FullyLabeledReplicas  fullyLabeledReplicas?  int32
    ReadyReplicas         readyReplicas?         int32
    AvailableReplicas     availableReplicas?     int32
    ObservedGeneration    observedGeneration?    int64
    Conditions            conditions?            []ReplicationControllerCondition  merge=type

  ReplicationController
    TypeMeta    -          ...TypeMeta
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec?      ReplicationControllerSpec
    Status      status?    ReplicationControllerStatus

  RollingUpdateDeployment
    MaxUnavailable  maxUnavailable?  *IntOrString
    MaxSurge        maxSurge?        *IntOrString

  DeploymentStrategy
    Type           type?           string(DeploymentStrategyType)
    RollingUpdate  rollingUpdate?  *RollingUpdateDeployment

  DeploymentSpec
    Replicas                 replicas?                 *int32
    Selector                 selector                  *LabelSelector
    Template                 template                  PodTemplateSpec
    Strategy                 strategy?                 DeploymentStrategy  retainKeys
    MinReadySeconds          minReadySeconds?          int32
    RevisionHistoryLimit     revisionHistoryLimit?     *int32
    Paused                   paused?                   bool
    ProgressDeadlineSeconds  progressDeadlineSeconds?  *int32

  DeploymentCondition
    Type                type                 string(DeploymentConditionType)
    Status              status               string(ConditionStatus)
    LastUpdateTime      lastUpdateTime?      Time
    LastTransitionTime  lastTransitionTime?  Time
    Reason              reason?              string
    Message             message?             string

  DeploymentStatus
    ObservedGeneration   observedGeneration?   int64
    Replicas             replicas?             int32
    UpdatedReplicas      updatedReplicas?      int32
    ReadyReplicas        readyReplicas?        int32
    AvailableReplicas    availableReplicas?    int32
    UnavailableReplicas  unavailableReplicas?  int32
    TerminatingReplicas  terminatingReplicas?  *int32
    Conditions           conditions?           []DeploymentCondition  merge=type
    CollisionCount       collisionCount?       *int32

  Deployment
    TypeMeta    -          ...TypeMeta
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec?      DeploymentSpec
    Status      status?    DeploymentStatus

  RollingUpdateDaemonSet
    MaxUnavailable  maxUnavailable?  *IntOrString
    MaxSurge        maxSurge?        *IntOrString

  DaemonSetUpdateStrategy
    Type           type?           string(DaemonSetUpdateStrategyType)
    RollingUpdate  rollingUpdate?  *RollingUpdateDaemonSet

  DaemonSetSpec
    Selector              selector               *LabelSelector
    Template              template               PodTemplateSpec
    UpdateStrategy        updateStrategy?        DaemonSetUpdateStrategy
    MinReadySeconds       minReadySeconds?       int32
    RevisionHistoryLimit  revisionHistoryLimit?  *int32

  DaemonSetCondition
    Type                type                 string(DaemonSetConditionType)
    Status              status               string(ConditionStatus)
    LastTransitionTime  lastTransitionTime?  Time
    Reason              reason?              string
    Message             message?             string

  DaemonSetStatus
    CurrentNumberScheduled  currentNumberScheduled   int32
    NumberMisscheduled      numberMisscheduled       int32
    DesiredNumberScheduled  desiredNumberScheduled   int32
    NumberReady             numberReady              int32
    ObservedGeneration      observedGeneration?      int64
    UpdatedNumberScheduled  updatedNumberScheduled?  int32
    NumberAvailable         numberAvailable?         int32
    NumberUnavailable       numberUnavailable?       int32
    CollisionCount          collisionCount?          *int32
    Conditions              conditions?              []DaemonSetCondition  merge=type

  DaemonSet
    TypeMeta    -          ...TypeMeta
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec?      DaemonSetSpec
    Status      status?    DaemonSetStatus

  ReplicaSetSpec
    Replicas         replicas?         *int32
    MinReadySeconds  minReadySeconds?  int32
    Selector         selector          *LabelSelector
    Template         template?         PodTemplateSpec

  ReplicaSetCondition
    Type                type                 string(ReplicaSetConditionType)
    Status              status               string(ConditionStatus)
    LastTransitionTime  lastTransitionTime?  Time
    Reason              reason?              string
    Message             message?             string

  ReplicaSetStatus
    Replicas              replicas               int32
    FullyLabeledReplicas  fullyLabeledReplicas?  int32
    ReadyReplicas         readyReplicas?         int32
    AvailableReplicas     availableReplicas?     int32
    TerminatingReplicas   terminatingReplicas?   *int32
    ObservedGeneration    observedGeneration?    int64
    Conditions            conditions?            []ReplicaSetCondition  merge=type

  ReplicaSet
    TypeMeta    -          ...TypeMeta
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec?      ReplicaSetSpec
    Status      status?    ReplicaSetStatus

  PersistentVolumeClaimCondition
    Type                type                 string(PersistentVolumeClaimConditionType)
    Status              status               string(ConditionStatus)
    LastProbeTime       lastProbeTime?       Time
    LastTransitionTime  lastTransitionTime?  Time
    Reason              reason?              string
    Message             message?             string

  ModifyVolumeStatus
    TargetVolumeAttributesClassName  targetVolumeAttributesClassName?  string
    Status                           status                            string(PersistentVolumeClaimModifyVolumeStatus)

  PersistentVolumeClaimStatus
    Phase                             phase?                             string(PersistentVolumeClaimPhase)
    AccessModes                       accessModes?                       []string(PersistentVolumeAccessMode)
    Capacity                          capacity?                          ResourceList
    Conditions                        conditions?                        []PersistentVolumeClaimCondition                      merge=type
    AllocatedResources                allocatedResources?                ResourceList
    AllocatedResourceStatuses         allocatedResourceStatuses?         map[string(ResourceName)]string(ClaimResourceStatus)
    CurrentVolumeAttributesClassName  currentVolumeAttributesClassName?  *string
    ModifyVolumeStatus                modifyVolumeStatus?                *ModifyVolumeStatus

  PersistentVolumeClaim
    TypeMeta    -          ...TypeMeta
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec?      PersistentVolumeClaimSpec
    Status      status?    PersistentVolumeClaimStatus

  RollingUpdateStatefulSetStrategy
    Partition       partition?       *int32
    MaxUnavailable  maxUnavailable?  *IntOrString

  StatefulSetUpdateStrategy
    Type           type?           string(StatefulSetUpdateStrategyType)
    RollingUpdate  rollingUpdate?  *RollingUpdateStatefulSetStrategy

  StatefulSetPersistentVolumeClaimRetentionPolicy
    WhenDeleted  whenDeleted?  string(PersistentVolumeClaimRetentionPolicyType)
    WhenScaled   whenScaled?   string(PersistentVolumeClaimRetentionPolicyType)

  StatefulSetOrdinals
    Start  start  int32

  StatefulSetSpec
    Replicas                              replicas?                              *int32
    Selector                              selector                               *LabelSelector
    Template                              template                               PodTemplateSpec
    VolumeClaimTemplates                  volumeClaimTemplates?                  []PersistentVolumeClaim
    ServiceName                           serviceName                            string
    PodManagementPolicy                   podManagementPolicy?                   string(PodManagementPolicyType)
    UpdateStrategy                        updateStrategy?                        StatefulSetUpdateStrategy
    RevisionHistoryLimit                  revisionHistoryLimit?                  *int32
    MinReadySeconds                       minReadySeconds?                       int32
    PersistentVolumeClaimRetentionPolicy  persistentVolumeClaimRetentionPolicy?  *StatefulSetPersistentVolumeClaimRetentionPolicy
    Ordinals                              ordinals?                              *StatefulSetOrdinals

  StatefulSetCondition
    Type                type                 string(StatefulSetConditionType)
    Status              status               string(ConditionStatus)
    LastTransitionTime  lastTransitionTime?  Time
    Reason              reason?              string
    Message             message?             string

  StatefulSetStatus
    ObservedGeneration  observedGeneration?  int64
    Replicas            replicas             int32
    ReadyReplicas       readyReplicas?       int32
    CurrentReplicas     currentReplicas?     int32
    UpdatedReplicas     updatedReplicas?     int32
    CurrentRevision     currentRevision?     string
    UpdateRevision      updateRevision?      string
    CollisionCount      collisionCount?      *int32
    Conditions          conditions?          []StatefulSetCondition  merge=type
    AvailableReplicas   availableReplicas    int32

  StatefulSet
    TypeMeta    -          ...TypeMeta
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec?      StatefulSetSpec
    Status      status?    StatefulSetStatus

  PodFailurePolicyOnExitCodesRequirement
    ContainerName  containerName?  *string
    Operator       operator        string(PodFailurePolicyOnExitCodesOperator)
    Values         values          []int32

  PodFailurePolicyOnPodConditionsPattern
    Type    type    string(PodConditionType)
    Status  status  string(ConditionStatus)

  PodFailurePolicyRule
    Action           action            string(PodFailurePolicyAction)
    OnExitCodes      onExitCodes?      *PodFailurePolicyOnExitCodesRequirement
    OnPodConditions  onPodConditions?  []PodFailurePolicyOnPodConditionsPattern

  PodFailurePolicy
    Rules  rules  []PodFailurePolicyRule

  SuccessPolicyRule
    SucceededIndexes  succeededIndexes?  *string
    SucceededCount    succeededCount?    *int32

  SuccessPolicy
    Rules  rules  []SuccessPolicyRule

  JobSpec
    Parallelism              parallelism?              *int32
    Completions              completions?              *int32
    ActiveDeadlineSeconds    activeDeadlineSeconds?    *int64
    PodFailurePolicy         podFailurePolicy?         *PodFailurePolicy
    SuccessPolicy            successPolicy?            *SuccessPolicy
    BackoffLimit             backoffLimit?             *int32
    BackoffLimitPerIndex     backoffLimitPerIndex?     *int32
    MaxFailedIndexes         maxFailedIndexes?         *int32
    Selector                 selector?                 *LabelSelector
    ManualSelector           manualSelector?           *bool
    Template                 template                  PodTemplateSpec
    TTLSecondsAfterFinished  ttlSecondsAfterFinished?  *int32
    CompletionMode           completionMode?           *string(CompletionMode)
    Suspend                  suspend?                  *bool
    PodReplacementPolicy     podReplacementPolicy?     *string(PodReplacementPolicy)
    ManagedBy                managedBy?                *string

  JobCondition
    Type                type                 string(JobConditionType)
    Status              status               string(ConditionStatus)
    LastProbeTime       lastProbeTime?       Time
    LastTransitionTime  lastTransitionTime?  Time
    Reason              reason?              string
    Message             message?             string

  UncountedTerminatedPods
    Succeeded  succeeded?  []string(types.UID)
    Failed     failed?     []string(types.UID)

  JobStatus
    Conditions               conditions?               []JobCondition            merge=type
    StartTime                startTime?                *Time
    CompletionTime           completionTime?           *Time
    Active                   active?                   int32
    Succeeded                succeeded?                int32
    Failed                   failed?                   int32
    Terminating              terminating?              *int32
    CompletedIndexes         completedIndexes?         string
    FailedIndexes            failedIndexes?            *string
    UncountedTerminatedPods  uncountedTerminatedPods?  *UncountedTerminatedPods
    Ready                    ready?                    *int32

  Job
    TypeMeta    -          ...TypeMeta
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec?      JobSpec
    Status      status?    JobStatus

  JobTemplateSpec
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec?      JobSpec

  CronJobSpec
    Schedule                    schedule                     string
    TimeZone                    timeZone?                    *string
    StartingDeadlineSeconds     startingDeadlineSeconds?     *int64
    ConcurrencyPolicy           concurrencyPolicy?           string(ConcurrencyPolicy)
    Suspend                     suspend?                     *bool
    JobTemplate                 jobTemplate                  JobTemplateSpec
    SuccessfulJobsHistoryLimit  successfulJobsHistoryLimit?  *int32
    FailedJobsHistoryLimit      failedJobsHistoryLimit?      *int32

  CronJobStatus
    Active              active?              []ObjectReference
    LastScheduleTime    lastScheduleTime?    *Time
    LastSuccessfulTime  lastSuccessfulTime?  *Time

  CronJob
    TypeMeta    -          ...TypeMeta
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec?      CronJobSpec
    Status      status?    CronJobStatus

  List
    TypeMeta  -          ...TypeMeta
    ListMeta  metadata?  ...ListMeta
    Items     items      []RawExtension
  `,
  [...POD_TYPES, ['RawExtension', RAW_EXTENSION]],
)

const KINDS: ReadonlyMap<string, StructType> = new Map([
  ['Pod', POD],
  ['DeploymentConfig', DEPLOYMENT_CONFIG],
  ...['ReplicationController', 'List', 'Deployment', 'DaemonSet', 'ReplicaSet', 'StatefulSet', 'Job', 'CronJob'].map(
    (kind) => [kind, structOf(TYPES, kind)] as const,
  ),
])

/**
 * The Go type of an object whose pod template we know to find; undefined for all other kinds.
 * istiod: the version does not count, a CronJob of batch/v1beta1 is read as one of batch/v1.
 */
export const workloadType = (kind: string): StructType | undefined => KINDS.get(kind)

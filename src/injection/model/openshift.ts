/** Go types of OpenShift's DeploymentConfig (apps.openshift.io/v1). */
import type { StructType } from '../template/types.ts'
import type { TypeTable } from './define.ts'
import { defineTypes, structOf } from './define.ts'
import { POD_TYPES } from './pod.ts'

const TYPES: TypeTable = defineTypes(
  `
  CustomDeploymentStrategyParams
    Image        image?        string
    Environment  environment?  []EnvVar
    Command      command?      []string

  ExecNewPodHook
    Command        command        []string
    Env            env?           []EnvVar
    ContainerName  containerName  string
    Volumes        volumes?       []string

  TagImageHook
    ContainerName  containerName  string
    To             to             ObjectReference

  LifecycleHook
    FailurePolicy  failurePolicy  string(LifecycleHookFailurePolicy)
    ExecNewPod     execNewPod?    *ExecNewPodHook
    TagImages      tagImages?     []TagImageHook

  RecreateDeploymentStrategyParams
    TimeoutSeconds  timeoutSeconds?  *int64
    Pre             pre?             *LifecycleHook
    Mid             mid?             *LifecycleHook
    Post            post?            *LifecycleHook

  RollingDeploymentStrategyParams
    UpdatePeriodSeconds  updatePeriodSeconds?  *int64
    IntervalSeconds      intervalSeconds?      *int64
    TimeoutSeconds       timeoutSeconds?       *int64
    MaxUnavailable       maxUnavailable?       *IntOrString
    MaxSurge             maxSurge?             *IntOrString
    Pre                  pre?                  *LifecycleHook
    Post                 post?                 *LifecycleHook

  DeploymentStrategy
    Type                   type?                   string(DeploymentStrategyType)
    CustomParams           customParams?           *CustomDeploymentStrategyParams
    RecreateParams         recreateParams?         *RecreateDeploymentStrategyParams
    RollingParams          rollingParams?          *RollingDeploymentStrategyParams
    Resources              resources?              ResourceRequirements
    Labels                 labels?                 map[string]string
    Annotations            annotations?            map[string]string
    ActiveDeadlineSeconds  activeDeadlineSeconds?  *int64

  DeploymentTriggerImageChangeParams
    Automatic           automatic?           bool
    ContainerNames      containerNames?      []string
    From                from                 ObjectReference
    LastTriggeredImage  lastTriggeredImage?  string

  DeploymentTriggerPolicy
    Type               type?               string(DeploymentTriggerType)
    ImageChangeParams  imageChangeParams?  *DeploymentTriggerImageChangeParams

  DeploymentConfigSpec
    Strategy              strategy               DeploymentStrategy
    MinReadySeconds       minReadySeconds?       int32
    Triggers              triggers               []DeploymentTriggerPolicy
    Replicas              replicas               int32
    RevisionHistoryLimit  revisionHistoryLimit?  *int32
    Test                  test                   bool
    Paused                paused?                bool
    Selector              selector?              map[string]string
    Template              template?              *PodTemplateSpec

  DeploymentCauseImageTrigger
    From  from  ObjectReference

  DeploymentCause
    Type          type           string(DeploymentTriggerType)
    ImageTrigger  imageTrigger?  *DeploymentCauseImageTrigger

  DeploymentDetails
    Message  message?  string
    Causes   causes    []DeploymentCause

  DeploymentCondition
    Type                type                 string(DeploymentConditionType)
    Status              status               string(ConditionStatus)
    LastUpdateTime      lastUpdateTime?      Time
    LastTransitionTime  lastTransitionTime?  Time
    Reason              reason?              string
    Message             message?             string

  DeploymentConfigStatus
    LatestVersion        latestVersion        int64
    ObservedGeneration   observedGeneration   int64
    Replicas             replicas             int32
    UpdatedReplicas      updatedReplicas      int32
    AvailableReplicas    availableReplicas    int32
    UnavailableReplicas  unavailableReplicas  int32
    Details              details?             *DeploymentDetails
    Conditions           conditions?          []DeploymentCondition  merge=type
    ReadyReplicas        readyReplicas?       int32

  DeploymentConfig
    TypeMeta    -          ...TypeMeta
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec       DeploymentConfigSpec
    Status      status?    DeploymentConfigStatus
  `,
  POD_TYPES,
)

export const DEPLOYMENT_CONFIG: StructType = structOf(TYPES, 'DeploymentConfig')

/** Go types of containers, probes and hooks (core/v1). */
import type { StructType } from '../template/types.ts'
import type { TypeTable } from './define.ts'
import { defineTypes, structOf } from './define.ts'
import { REFERENCE_TYPES } from './references.ts'

/** Types of this file and those it builds on, for the tables of others. */
export const CONTAINER_TYPES: TypeTable = defineTypes(
  `
  ContainerPort
    Name           name?          string
    HostPort       hostPort?      int32
    ContainerPort  containerPort  int32
    Protocol       protocol?      string(Protocol)
    HostIP         hostIP?        string

  ConfigMapEnvSource
    LocalObjectReference  -          ...LocalObjectReference
    Optional              optional?  *bool

  SecretEnvSource
    LocalObjectReference  -          ...LocalObjectReference
    Optional              optional?  *bool

  EnvFromSource
    Prefix        prefix?        string
    ConfigMapRef  configMapRef?  *ConfigMapEnvSource
    SecretRef     secretRef?     *SecretEnvSource

  ConfigMapKeySelector
    LocalObjectReference  -          ...LocalObjectReference
    Key                   key        string
    Optional              optional?  *bool

  SecretKeySelector
    LocalObjectReference  -          ...LocalObjectReference
    Key                   key        string
    Optional              optional?  *bool

  FileKeySelector
    VolumeName  volumeName  string
    Path        path        string
    Key         key         string
    Optional    optional?   *bool

  EnvVarSource
    FieldRef          fieldRef?          *ObjectFieldSelector
    ResourceFieldRef  resourceFieldRef?  *ResourceFieldSelector
    ConfigMapKeyRef   configMapKeyRef?   *ConfigMapKeySelector
    SecretKeyRef      secretKeyRef?      *SecretKeySelector
    FileKeyRef        fileKeyRef?        *FileKeySelector

  EnvVar
    Name       name        string
    Value      value?      string
    ValueFrom  valueFrom?  *EnvVarSource

  ResourceClaim
    Name     name      string
    Request  request?  string

  ResourceRequirements
    Limits    limits?    ResourceList
    Requests  requests?  ResourceList
    Claims    claims?    []ResourceClaim

  ContainerResizePolicy
    ResourceName   resourceName   string(ResourceName)
    RestartPolicy  restartPolicy  string(ResourceResizeRestartPolicy)

  ContainerRestartRuleOnExitCodes
    Operator  operator?  string(ContainerRestartRuleOnExitCodesOperator)
    Values    values?    []int32

  ContainerRestartRule
    Action     action?     string(ContainerRestartRuleAction)
    ExitCodes  exitCodes?  *ContainerRestartRuleOnExitCodes

  VolumeMount
    Name               name                string
    ReadOnly           readOnly?           bool
    RecursiveReadOnly  recursiveReadOnly?  *string(RecursiveReadOnlyMode)
    MountPath          mountPath           string
    SubPath            subPath?            string
    MountPropagation   mountPropagation?   *string(MountPropagationMode)
    SubPathExpr        subPathExpr?        string

  VolumeDevice
    Name        name        string
    DevicePath  devicePath  string

  ExecAction
    Command  command?  []string

  HTTPHeader
    Name   name   string
    Value  value  string

  HTTPGetAction
    Path         path?         string
    Port         port          IntOrString
    Host         host?         string
    Scheme       scheme?       string(URIScheme)
    HTTPHeaders  httpHeaders?  []HTTPHeader

  TCPSocketAction
    Port  port   IntOrString
    Host  host?  string

  GRPCAction
    Port     port     int32
    Service  service  *string

  ProbeHandler
    Exec       exec?       *ExecAction
    HTTPGet    httpGet?    *HTTPGetAction
    TCPSocket  tcpSocket?  *TCPSocketAction
    GRPC       grpc?       *GRPCAction

  Probe
    ProbeHandler                   -                               ...ProbeHandler
    InitialDelaySeconds            initialDelaySeconds?            int32
    TimeoutSeconds                 timeoutSeconds?                 int32
    PeriodSeconds                  periodSeconds?                  int32
    SuccessThreshold               successThreshold?               int32
    FailureThreshold               failureThreshold?               int32
    TerminationGracePeriodSeconds  terminationGracePeriodSeconds?  *int64

  SleepAction
    Seconds  seconds  int64

  LifecycleHandler
    Exec       exec?       *ExecAction
    HTTPGet    httpGet?    *HTTPGetAction
    TCPSocket  tcpSocket?  *TCPSocketAction
    Sleep      sleep?      *SleepAction

  Lifecycle
    PostStart   postStart?   *LifecycleHandler
    PreStop     preStop?     *LifecycleHandler
    StopSignal  stopSignal?  *string(Signal)

  Capabilities
    Add   add?   []string(Capability)
    Drop  drop?  []string(Capability)

  SELinuxOptions
    User   user?   string
    Role   role?   string
    Type   type?   string
    Level  level?  string

  WindowsSecurityContextOptions
    GMSACredentialSpecName  gmsaCredentialSpecName?  *string
    GMSACredentialSpec      gmsaCredentialSpec?      *string
    RunAsUserName           runAsUserName?           *string
    HostProcess             hostProcess?             *bool

  SeccompProfile
    Type              type               string(SeccompProfileType)
    LocalhostProfile  localhostProfile?  *string

  AppArmorProfile
    Type              type               string(AppArmorProfileType)
    LocalhostProfile  localhostProfile?  *string

  SecurityContext
    Capabilities              capabilities?              *Capabilities
    Privileged                privileged?                *bool
    SELinuxOptions            seLinuxOptions?            *SELinuxOptions
    WindowsOptions            windowsOptions?            *WindowsSecurityContextOptions
    RunAsUser                 runAsUser?                 *int64
    RunAsGroup                runAsGroup?                *int64
    RunAsNonRoot              runAsNonRoot?              *bool
    ReadOnlyRootFilesystem    readOnlyRootFilesystem?    *bool
    AllowPrivilegeEscalation  allowPrivilegeEscalation?  *bool
    ProcMount                 procMount?                 *string(ProcMountType)
    SeccompProfile            seccompProfile?            *SeccompProfile
    AppArmorProfile           appArmorProfile?           *AppArmorProfile

  Container
    Name                      name                       string
    Image                     image?                     string
    Command                   command?                   []string
    Args                      args?                      []string
    WorkingDir                workingDir?                string
    Ports                     ports?                     []ContainerPort                   merge=containerPort
    EnvFrom                   envFrom?                   []EnvFromSource
    Env                       env?                       []EnvVar                          merge=name
    Resources                 resources?                 ResourceRequirements
    ResizePolicy              resizePolicy?              []ContainerResizePolicy
    RestartPolicy             restartPolicy?             *string(ContainerRestartPolicy)
    RestartPolicyRules        restartPolicyRules?        []ContainerRestartRule
    VolumeMounts              volumeMounts?              []VolumeMount                     merge=mountPath
    VolumeDevices             volumeDevices?             []VolumeDevice                    merge=devicePath
    LivenessProbe             livenessProbe?             *Probe
    ReadinessProbe            readinessProbe?            *Probe
    StartupProbe              startupProbe?              *Probe
    Lifecycle                 lifecycle?                 *Lifecycle
    TerminationMessagePath    terminationMessagePath?    string
    TerminationMessagePolicy  terminationMessagePolicy?  string(TerminationMessagePolicy)
    ImagePullPolicy           imagePullPolicy?           string(PullPolicy)
    SecurityContext           securityContext?           *SecurityContext
    Stdin                     stdin?                     bool
    StdinOnce                 stdinOnce?                 bool
    TTY                       tty?                       bool

  EphemeralContainerCommon
    Name                      name                       string
    Image                     image?                     string
    Command                   command?                   []string
    Args                      args?                      []string
    WorkingDir                workingDir?                string
    Ports                     ports?                     []ContainerPort                   merge=containerPort
    EnvFrom                   envFrom?                   []EnvFromSource
    Env                       env?                       []EnvVar                          merge=name
    Resources                 resources?                 ResourceRequirements
    ResizePolicy              resizePolicy?              []ContainerResizePolicy
    RestartPolicy             restartPolicy?             *string(ContainerRestartPolicy)
    RestartPolicyRules        restartPolicyRules?        []ContainerRestartRule
    VolumeMounts              volumeMounts?              []VolumeMount                     merge=mountPath
    VolumeDevices             volumeDevices?             []VolumeDevice                    merge=devicePath
    LivenessProbe             livenessProbe?             *Probe
    ReadinessProbe            readinessProbe?            *Probe
    StartupProbe              startupProbe?              *Probe
    Lifecycle                 lifecycle?                 *Lifecycle
    TerminationMessagePath    terminationMessagePath?    string
    TerminationMessagePolicy  terminationMessagePolicy?  string(TerminationMessagePolicy)
    ImagePullPolicy           imagePullPolicy?           string(PullPolicy)
    SecurityContext           securityContext?           *SecurityContext
    Stdin                     stdin?                     bool
    StdinOnce                 stdinOnce?                 bool
    TTY                       tty?                       bool

  EphemeralContainer
    EphemeralContainerCommon  -                     ...EphemeralContainerCommon
    TargetContainerName       targetContainerName?  string
  `,
  REFERENCE_TYPES,
)

export const CONTAINER: StructType = structOf(CONTAINER_TYPES, 'Container')
export const PROBE: StructType = structOf(CONTAINER_TYPES, 'Probe')
export const LIFECYCLE: StructType = structOf(CONTAINER_TYPES, 'Lifecycle')
export const ENV_VAR: StructType = structOf(CONTAINER_TYPES, 'EnvVar')

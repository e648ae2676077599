/** Go types of pods and all that is placed in a pod's spec beside containers and volumes (core/v1). */
import type { StructType } from '../template/types.ts'
import type { TypeTable } from './define.ts'
import { defineTypes, structOf } from './define.ts'
import { POD_STATUS_TYPES } from './pod-status.ts'
import { VOLUME_TYPES } from './volumes.ts'

/** Types of this file and those it builds on, for the table of workloads. */
export const POD_TYPES: TypeTable = defineTypes(
  `
  Sysctl
    Name   name   string
    Value  value  string

  PodSecurityContext
    SELinuxOptions            seLinuxOptions?            *SELinuxOptions
    WindowsOptions            windowsOptions?            *WindowsSecurityContextOptions
    RunAsUser                 runAsUser?                 *int64
    RunAsGroup                runAsGroup?                *int64
    RunAsNonRoot              runAsNonRoot?              *bool
    SupplementalGroups        supplementalGroups?        []int64
    SupplementalGroupsPolicy  supplementalGroupsPolicy?  *string(SupplementalGroupsPolicy)
    FSGroup                   fsGroup?                   *int64
    Sysctls                   sysctls?                   []Sysctl
    FSGroupChangePolicy       fsGroupChangePolicy?       *string(PodFSGroupChangePolicy)
    SeccompProfile            seccompProfile?            *SeccompProfile
    AppArmorProfile           appArmorProfile?           *AppArmorProfile
    SELinuxChangePolicy       seLinuxChangePolicy?       *string(PodSELinuxChangePolicy)

  NodeSelectorRequirement
    Key       key       string
    Operator  operator  string(NodeSelectorOperator)
    Values    values?   []string

  NodeSelectorTerm
    MatchExpressions  matchExpressions?  []NodeSelectorRequirement
    MatchFields       matchFields?       []NodeSelectorRequirement

  NodeSelector
    NodeSelectorTerms  nodeSelectorTerms  []NodeSelectorTerm

  PreferredSchedulingTerm
    Weight      weight      int32
    Preference  preference  NodeSelectorTerm

  NodeAffinity
    RequiredDuringSchedulingIgnoredDuringExecution   requiredDuringSchedulingIgnoredDuringExecution?   *NodeSelector
    PreferredDuringSchedulingIgnoredDuringExecution  preferredDuringSchedulingIgnoredDuringExecution?  []PreferredSchedulingTerm

  PodAffinityTerm
    LabelSelector      labelSelector?      *LabelSelector
    Namespaces         namespaces?         []string
    TopologyKey        topologyKey         string
    NamespaceSelector  namespaceSelector?  *LabelSelector
    MatchLabelKeys     matchLabelKeys?     []string
    MismatchLabelKeys  mismatchLabelKeys?  []string

  WeightedPodAffinityTerm
    Weight           weight           int32
    PodAffinityTerm  podAffinityTerm  PodAffinityTerm

  PodAffinity
    RequiredDuringSchedulingIgnoredDuringExecution   requiredDuringSchedulingIgnoredDuringExecution?   []PodAffinityTerm
    PreferredDuringSchedulingIgnoredDuringExecution  preferredDuringSchedulingIgnoredDuringExecution?  []WeightedPodAffinityTerm

  PodAntiAffinity
    RequiredDuringSchedulingIgnoredDuringExecution   requiredDuringSchedulingIgnoredDuringExecution?   []PodAffinityTerm
    PreferredDuringSchedulingIgnoredDuringExecution  preferredDuringSchedulingIgnoredDuringExecution?  []WeightedPodAffinityTerm

  Affinity
    NodeAffinity     nodeAffinity?     *NodeAffinity
    PodAffinity      podAffinity?      *PodAffinity
    PodAntiAffinity  podAntiAffinity?  *PodAntiAffinity

  Toleration
    Key                key?                string
    Operator           operator?           string(TolerationOperator)
    Value              value?              string
    Effect             effect?             string(TaintEffect)
    TolerationSeconds  tolerationSeconds?  *int64

  HostAlias
    IP         ip          string
    Hostnames  hostnames?  []string

  PodDNSConfigOption
    Name   name?   string
    Value  value?  *string

  PodDNSConfig
    Nameservers  nameservers?  []string
    Searches     searches?     []string
    Options      options?      []PodDNSConfigOption

  PodReadinessGate
    ConditionType  conditionType  string(PodConditionType)

  TopologySpreadConstraint
    MaxSkew             maxSkew              int32
    TopologyKey         topologyKey          string
    WhenUnsatisfiable   whenUnsatisfiable    string(UnsatisfiableConstraintAction)
    LabelSelector       labelSelector?       *LabelSelector
    MinDomains          minDomains?          *int32
    NodeAffinityPolicy  nodeAffinityPolicy?  *string(NodeInclusionPolicy)
    NodeTaintsPolicy    nodeTaintsPolicy?    *string(NodeInclusionPolicy)
    MatchLabelKeys      matchLabelKeys?      []string

  PodOS
    Name  name  string(OSName)

  PodSchedulingGate
    Name  name  string

  PodResourceClaim
    Name                       name                        string
    ResourceClaimName          resourceClaimName?          *string
    ResourceClaimTemplateName  resourceClaimTemplateName?  *string

  PodSchedulingGroup
    PodGroupName  podGroupName?  *string

  PodSpec
    Volumes                        volumes?                        []Volume                    merge,retainKeys=name
    InitContainers                 initContainers?                 []Container                 merge=name
    Containers                     containers                      []Container                 merge=name
    EphemeralContainers            ephemeralContainers?            []EphemeralContainer        merge=name
    RestartPolicy                  restartPolicy?                  string(RestartPolicy)
    TerminationGracePeriodSeconds  terminationGracePeriodSeconds?  *int64
    ActiveDeadlineSeconds          activeDeadlineSeconds?          *int64
    DNSPolicy                      dnsPolicy?                      string(DNSPolicy)
    NodeSelector                   nodeSelector?                   map[string]string
    ServiceAccountName             serviceAccountName?             string
    DeprecatedServiceAccount       serviceAccount?                 string
    AutomountServiceAccountToken   automountServiceAccountToken?   *bool
    NodeName                       nodeName?                       string
    HostNetwork                    hostNetwork?                    bool
    HostPID                        hostPID?                        bool
    HostIPC                        hostIPC?                        bool
    ShareProcessNamespace          shareProcessNamespace?          *bool
    SecurityContext                securityContext?                *PodSecurityContext
    ImagePullSecrets               imagePullSecrets?               []LocalObjectReference      merge=name
    Hostname                       hostname?                       string
    Subdomain                      subdomain?                      string
    Affinity                       affinity?                       *Affinity
    SchedulerName                  schedulerName?                  string
    Tolerations                    tolerations?                    []Toleration
    HostAliases                    hostAliases?                    []HostAlias                 merge=ip
    PriorityClassName              priorityClassName?              string
    Priority                       priority?                       *int32
    DNSConfig                      dnsConfig?                      *PodDNSConfig
    ReadinessGates                 readinessGates?                 []PodReadinessGate
    RuntimeClassName               runtimeClassName?               *string
    EnableServiceLinks             enableServiceLinks?             *bool
    PreemptionPolicy               preemptionPolicy?               *string(PreemptionPolicy)
    Overhead                       overhead?                       ResourceList
    TopologySpreadConstraints      topologySpreadConstraints?      []TopologySpreadConstraint  merge=topologyKey
    SetHostnameAsFQDN              setHostnameAsFQDN?              *bool
    OS                             os?                             *PodOS
    HostUsers                      hostUsers?                      *bool
    SchedulingGates                schedulingGates?                []PodSchedulingGate         merge=name
    ResourceClaims                 resourceClaims?                 []PodResourceClaim          merge,retainKeys=name
    Resources                      resources?                      *ResourceRequirements
    HostnameOverride               hostnameOverride?               *string
    SchedulingGroup                schedulingGroup?                *PodSchedulingGroup

  Pod
    TypeMeta    -          ...TypeMeta
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec?      PodSpec
    Status      status?    PodStatus

  PodTemplateSpec
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec?      PodSpec
  `,
  [...VOLUME_TYPES, ...POD_STATUS_TYPES],
)

export const POD: StructType = structOf(POD_TYPES, 'Pod')
export const POD_SPEC: StructType = structOf(POD_TYPES, 'PodSpec')
export const POD_TEMPLATE: StructType = structOf(POD_TYPES, 'PodTemplateSpec')

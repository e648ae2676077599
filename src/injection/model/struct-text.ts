/** What the generated `String` methods of Kubernetes' types print; shipped templates never do. */
import { sprint } from '../template/format.ts'
import { compareText } from '../template/go/byte-text.ts'
import { typeName } from '../template/type-names.ts'
import { pointerTo, type GoType, type SliceType, type StructField, type StructType } from '../template/types.ts'
import { wrap } from '../template/value.ts'

type Fields = Readonly<Record<string, unknown>> | null | undefined

const CONTAINER_ORDER =
  'Name Image Command Args WorkingDir Ports Env Resources VolumeMounts LivenessProbe ReadinessProbe Lifecycle ' +
  'TerminationMessagePath ImagePullPolicy SecurityContext Stdin StdinOnce TTY EnvFrom TerminationMessagePolicy ' +
  'VolumeDevices StartupProbe ResizePolicy RestartPolicy RestartPolicyRules'

/** The methods print fields in the order of their protobuf numbers; types where that is not the order of the Go source. */
const ORDERS: Readonly<Record<string, string>> = {
  'v1.SecurityContext':
    'Capabilities Privileged SELinuxOptions RunAsUser RunAsNonRoot ReadOnlyRootFilesystem AllowPrivilegeEscalation ' +
    'RunAsGroup ProcMount WindowsOptions SeccompProfile AppArmorProfile',
  'v1.PodSecurityContext':
    'SELinuxOptions RunAsUser RunAsNonRoot SupplementalGroups FSGroup RunAsGroup Sysctls WindowsOptions ' +
    'FSGroupChangePolicy SeccompProfile AppArmorProfile SupplementalGroupsPolicy SELinuxChangePolicy',
  'v1.OwnerReference': 'Kind Name UID APIVersion Controller BlockOwnerDeletion',
  'v1.VolumeMount': 'Name ReadOnly MountPath SubPath MountPropagation SubPathExpr RecursiveReadOnly',
  'v1.VolumeSource':
    'HostPath EmptyDir GCEPersistentDisk AWSElasticBlockStore GitRepo Secret NFS ISCSI Glusterfs PersistentVolumeClaim ' +
    'RBD FlexVolume Cinder CephFS Flocker DownwardAPI FC AzureFile ConfigMap VsphereVolume Quobyte AzureDisk ' +
    'PhotonPersistentDisk PortworxVolume ScaleIO Projected StorageOS CSI Ephemeral Image',
  'v1.Container': CONTAINER_ORDER,
  'v1.EphemeralContainerCommon': CONTAINER_ORDER,
  'v1.PodSpec':
    'Volumes Containers RestartPolicy TerminationGracePeriodSeconds ActiveDeadlineSeconds DNSPolicy NodeSelector ' +
    'ServiceAccountName DeprecatedServiceAccount NodeName HostNetwork HostPID HostIPC SecurityContext ' +
    'ImagePullSecrets Hostname Subdomain Affinity SchedulerName InitContainers AutomountServiceAccountToken ' +
    'Tolerations HostAliases PriorityClassName Priority DNSConfig ShareProcessNamespace ReadinessGates ' +
    'RuntimeClassName EnableServiceLinks PreemptionPolicy Overhead TopologySpreadConstraints EphemeralContainers ' +
    'SetHostnameAsFQDN OS HostUsers SchedulingGates ResourceClaims Resources HostnameOverride SchedulingGroup',
}

/** `&Name{Field:value,...}` */
export const structText = (type: StructType, value: unknown): string => '&' + bareText(type, value as Fields)

function bareText(type: StructType, value: Fields): string {
  const members = inOrder(type).map((field) => `${field.name}:${valueText(field.type, memberOf(field, value))},`)
  return `${shortName(type)}{${members.join('')}}`
}

function inOrder(type: StructType): readonly StructField[] {
  const names = ORDERS[type.name]?.split(' ')
  if (names === undefined) return type.fields
  return [...type.fields].sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
}

const memberOf = ({ json }: StructField, value: Fields): unknown => (json === '' ? value : value?.[json])

const shortName = (type: GoType): string => typeName(type).replace(/^v1\./, '')

const isPlainStruct = (type: GoType): type is StructType => type.kind === 'struct' && type.opaque === undefined

function valueText(type: GoType, value: unknown): string {
  if (type.kind === 'pointer') return pointerText(type.elem, value)
  if (isPlainStruct(type)) return bareText(type, value as Fields)
  if (type.kind === 'slice' && isPlainStruct(type.elem)) return listText(type, type.elem, value)
  if (type.kind === 'map') return mapText(type, value)
  return sprint([wrap(type, value)])
}

function pointerText(elem: GoType, value: unknown): string {
  // types of other packages, as times and quantities are, print themselves
  if (value === null || value === undefined) return elem.kind === 'struct' && !isPlainStruct(elem) ? '<nil>' : 'nil'
  if (elem.kind !== 'struct') return '*' + sprint([wrap(elem, value)])
  return isPlainStruct(elem) ? structText(elem, value) : sprint([wrap(pointerTo(elem), value)])
}

function listText(type: SliceType, elem: StructType, value: unknown): string {
  const items = (value ?? []) as readonly Fields[]
  return `[]${shortName(type.elem)}{${items.map((item) => bareText(elem, item) + ',').join('')}}`
}

function mapText(type: GoType & { kind: 'map' }, value: unknown): string {
  const map = (value ?? {}) as Readonly<Record<string, unknown>>
  const members = Object.keys(map)
    .sort(compareText)
    .map((key) => `${key}: ${sprint([wrap(type.elem, map[key])])},`)
  const name = type.name === undefined ? `map[${shortName(type.key)}]${typeName(type.elem)}` : shortName(type)
  return `${name}{${members.join('')}}`
}

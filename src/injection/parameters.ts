/** The data a template sees, typed as the injector's own Go struct. */
import type { ObjectMeta, Pod } from '../api/pod.ts'
import { MESH_CONFIG, PROXY_CONFIG } from './mesh/messages.ts'
import type { Message } from './mesh/message-type.ts'
import { OBJECT_META, TYPE_META } from './model/meta.ts'
import { POD_SPEC } from './model/pod.ts'
import type { ProxyIds } from './proxy-ids.ts'
import { BOOL, INT64, STRING, UNTYPED_MAP, pointerTo } from './template/types.ts'
import type { GoType, StructField, StructType } from './template/types.ts'
import type { Recurring } from './template/exec/recurring.ts'
import { rawOf, TypedValue } from './template/value.ts'
import type { Workload } from './workload.ts'

export interface TemplateParameters {
  /** The pod without what a former injection added. */
  readonly pod: Pod
  readonly workload: Workload
  readonly proxyConfig: Message
  readonly meshConfig: Message
  /** The values as untyped JSON. */
  readonly values: unknown
  readonly revision: string
  readonly nativeSidecars: boolean
  readonly proxyImage: string
  readonly proxyInitImage: string
  readonly proxyIds: ProxyIds
  readonly compliancePolicy: string
}

const field = (name: string, type: GoType): StructField => ({ name, json: name, type, omitEmpty: false })
const struct = (name: string, fields: readonly StructField[], extra: Partial<StructType> = {}): StructType => ({
  kind: 'struct',
  name,
  fields,
  ...extra,
})

const namespacedText = (self: unknown): string => {
  const { Namespace, Name } = self as { Namespace: string; Name: string }
  return `${Namespace}/${Name}`
}
const NAMESPACED_NAME = struct('types.NamespacedName', [field('Namespace', STRING), field('Name', STRING)], {
  methods: { String: { params: [], result: STRING, nilSafe: false, call: namespacedText } },
  toText: namespacedText,
})

const TEMPLATE_DATA = struct('inject.SidecarTemplateData', [
  field('TypeMeta', TYPE_META),
  field('DeploymentMeta', NAMESPACED_NAME),
  field('ObjectMeta', OBJECT_META),
  field('Spec', POD_SPEC),
  field('ProxyConfig', pointerTo(PROXY_CONFIG)),
  field('MeshConfig', pointerTo(MESH_CONFIG)),
  field('Values', UNTYPED_MAP),
  field('Revision', STRING),
  field('NativeSidecars', BOOL),
  field('ProxyImage', STRING),
  field('ProxyInitImage', STRING),
  field('ProxyUID', INT64),
  field('ProxyGID', INT64),
  field('InboundTrafficPolicyMode', STRING),
  field('CompliancePolicy', STRING),
])

const recurs = (name: string): [string, (data: unknown) => unknown] => [
  name,
  (data) => (rawOf(data) as Readonly<Record<string, unknown>>)[name],
]

/** What the pods of a configuration have in common: all but their own metadata and spec, and few differ in annotations. */
export const RECURRING: Recurring = {
  fields: new Map([
    recurs('ProxyConfig'),
    recurs('MeshConfig'),
    recurs('Values'),
    recurs('Revision'),
    recurs('NativeSidecars'),
    recurs('ProxyImage'),
    recurs('ProxyInitImage'),
    recurs('ProxyUID'),
    recurs('ProxyGID'),
    recurs('InboundTrafficPolicyMode'),
    recurs('CompliancePolicy'),
  ]),
  texts: {
    path: ['ObjectMeta', 'Annotations'],
    read: (data) => (rawOf(data) as { ObjectMeta: ObjectMeta }).ObjectMeta.annotations,
  },
}

/** istiod: a pointer, as its error messages tell. */
const DATA = pointerTo(TEMPLATE_DATA)

/** The mesh's enum value `InboundTrafficPolicy.LOCALHOST`. */
const LOCALHOST = 1

/** One object, the same for every template of a request. */
export function templateData(given: TemplateParameters): TypedValue {
  const { workload, pod } = given
  return new TypedValue(DATA, {
    TypeMeta: { kind: workload.kind, apiVersion: workload.apiVersion },
    DeploymentMeta: { Namespace: workload.namespace, Name: workload.name },
    ObjectMeta: pod.metadata ?? {},
    Spec: pod.spec ?? {},
    ProxyConfig: given.proxyConfig,
    MeshConfig: given.meshConfig,
    Values: given.values,
    Revision: given.revision,
    NativeSidecars: given.nativeSidecars,
    ProxyImage: given.proxyImage,
    ProxyInitImage: given.proxyInitImage,
    ProxyUID: given.proxyIds.uid,
    ProxyGID: given.proxyIds.gid,
    InboundTrafficPolicyMode: inboundMode(given.meshConfig),
    CompliancePolicy: given.compliancePolicy,
  })
}

function inboundMode({ inboundTrafficPolicy }: Message): string {
  const mode = (inboundTrafficPolicy as Message | null | undefined)?.['mode']
  return mode === LOCALHOST ? 'localhost' : 'passthrough'
}

/** Istio's `otelResourceAttributes`: the variable OTEL_RESOURCE_ATTRIBUTES of a proxy. */
import { fn, text, textMap, type Param, type TemplateFunction } from '../template/function-table.ts'
import { pointerTo } from '../template/types.ts'
import { containers, type ContainerPorts } from './ports.ts'

interface MeshView {
  readonly extensionProviders?: readonly {
    readonly opentelemetry?: { readonly serviceAttributeEnrichment?: number } | null
  }[]
}

/** Number of the enum value that switches the attributes on. */
const OTEL_SEMANTIC_CONVENTIONS = 1
const mesh: Param<MeshView | null> = { type: pointerTo({ kind: 'struct', name: 'v1alpha1.MeshConfig', fields: [] }) }

type Texts = Readonly<Record<string, string>> | null

export const OTEL_FUNCTION: TemplateFunction = fn(
  [mesh, textMap, textMap, text, containers],
  (config, annotations, labels, namespace, all) => {
    if (!isEnabled(config)) return ''
    const own = (name: string): string => valueOf(annotations, `resource.opentelemetry.io/${name}`)
    const attributes = serviceAttributes({ own, labels, namespace, all: all ?? [] })
    return attributes
      .filter(([, value]) => value !== '')
      .map(([name, value]) => `${name}=${value}`)
      .join(',')
  },
)

const isEnabled = (config: MeshView | null): boolean =>
  (config?.extensionProviders ?? []).some(
    ({ opentelemetry }) => opentelemetry?.serviceAttributeEnrichment === OTEL_SEMANTIC_CONVENTIONS,
  )

interface Workload {
  readonly own: (name: string) => string
  readonly labels: Texts
  readonly namespace: string
  readonly all: readonly ContainerPorts[]
}

function serviceAttributes({ own, labels, namespace, all }: Workload): (readonly [string, string])[] {
  const [first] = all
  const version = own('service.version') || valueOf(labels, 'app.kubernetes.io/version')
  const [only] = all.length === 1 ? all : []
  const instance = first === undefined ? '' : `${namespace}.$(POD_NAME).${first.name ?? ''}`
  return [
    ['service.namespace', own('service.namespace') || namespace],
    ['service.version', version || imageVersion(only?.image ?? '')],
    ['service.instance.id', own('service.instance.id') || instance],
  ]
}

const valueOf = (texts: Texts, key: string): string =>
  texts !== null && Object.hasOwn(texts, key) ? (texts[key] ?? '') : ''

/** Tag, digest, or both with `@` between them. */
function imageVersion(image: string): string {
  const at = image.indexOf('@')
  const digest = at === -1 ? '' : image.slice(at + 1)
  const name = at === -1 ? image : image.slice(0, at)
  const colon = name.lastIndexOf(':')
  const tag = colon > name.lastIndexOf('/') ? name.slice(colon + 1) : ''
  return tag !== '' && digest !== '' ? `${tag}@${digest}` : tag || digest
}

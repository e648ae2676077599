/** The pipeline: a pod that is to be injected becomes the pod that runs in the mesh. */
import { ANNOTATION, LABEL, VARIABLE } from '../api/names.ts'
import type { Pod } from '../api/pod.ts'
import { ProjectError } from '../base/errors.ts'
import { draftOf, podOfDraft } from './draft.ts'
import { imageUrl } from './images.ts'
import { goJsonText } from './json-text.ts'
import { validateAnnotations } from './mesh/annotations.ts'
import type { Message } from './mesh/message-type.ts'
import { stage } from './overlay.ts'
import { applyOverrides } from './overrides.ts'
import { templateData } from './parameters.ts'
import { POST_STEPS } from './post/index.ts'
import type { PostContext } from './post/step.ts'
import type { ProxyIds } from './proxy-ids.ts'
import { strippedPod } from './reinjection.ts'
import { renderTemplates } from './render.ts'
import type { TemplateChoice } from './render.ts'
import type { InjectionValues } from './settings.ts'
import type { TypedValue } from './template/value.ts'
import type { Workload } from './workload.ts'

/** `istiod` answers as istiod does; `off` follows the deviations of docs/compatibility.md. */
export type Compatibility = 'istiod' | 'off'

/** What is the same for all pods of a configuration. */
export interface PodSettings {
  readonly choice: TemplateChoice
  readonly injectedAnnotations: Readonly<Record<string, string>>
  readonly values: InjectionValues
  readonly mesh: Message
  /** Of the mesh's default config. */
  readonly statusPort: number
  readonly revision: string
  readonly compliancePolicy: string
  readonly compat: Compatibility
  readonly warn: (text: string) => void
}

/** What is particular to a pod. */
export interface PodInput {
  /** Typed, its namespace filled in. */
  readonly pod: Pod
  readonly workload: Workload
  readonly proxyConfig: Message
  /** The application waits for the proxy; decides the order of containers. */
  readonly holdsApplication: () => boolean
  /** From the request's path. */
  readonly pathVariables: ReadonlyMap<string, string>
  readonly nativeSidecars: boolean
  readonly proxyIds: ProxyIds
}

/**
 * The injected pod.
 * @throws ProjectError with the message that istiod answers the API server
 */
export function injectPod(input: PodInput, settings: PodSettings): Pod {
  const { pod, proxyConfig } = input
  const variables = clusterVariables(pod, { variables: input.pathVariables, values: settings.values })
  const { template, merged } = stage('failed to run injection template: ', () => {
    checkAnnotations(pod, settings.compat)
    const { choice } = settings
    return renderTemplates(pod, { choice, data: podData(input, settings), nativeSidecars: input.nativeSidecars })
  })
  const isTproxy = proxyConfig['interceptionMode'] === TPROXY
  const reappliesFormer = settings.compat === 'off'
  const own = stage('failed to re apply container: ', () =>
    applyOverrides({ original: pod, template, merged, isTproxy, reappliesFormer, warn: settings.warn }),
  )
  return stage('failed to process pod: ', () => postProcess(own, { template, variables, input, settings }))
}

/** The mesh's enum value `InterceptionMode.TPROXY`. */
const TPROXY = 1

/** Path variables with the cluster and network that are in force. istiod: an empty network label hides the values' network, but not the path's. */
export function clusterVariables(
  pod: Pod,
  { variables, values }: { variables: ReadonlyMap<string, string>; values: InjectionValues },
): ReadonlyMap<string, string> {
  const result = new Map(variables)
  const cluster = nonEmpty(variables.get(VARIABLE.clusterId)) ?? values.clusterName
  const network = pod.metadata?.labels?.[LABEL.network] ?? nonEmpty(variables.get(VARIABLE.network)) ?? values.network
  if (cluster !== '') result.set(VARIABLE.clusterId, cluster)
  if (network !== '') result.set(VARIABLE.network, network)
  return result
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

function checkAnnotations(pod: Pod, compat: Compatibility): void {
  const annotations = pod.metadata?.annotations ?? {}
  const problem = validateAnnotations(annotations)
  if (problem !== undefined) throw new ProjectError('INJECTION_FAILED', problem)
  const ports = annotations[ANNOTATION.includeOutboundPorts] ?? ''
  if (compat === 'istiod' || isPortList(ports.trim())) return
  throw new ProjectError(
    'INJECTION_FAILED',
    `annotation ${ANNOTATION.includeOutboundPorts}: expected port numbers separated by commas, got ${JSON.stringify(ports)}`,
  )
}

const isPortList = (text: string): boolean =>
  text === '' || text === '*' || text.split(',').every((port) => /^\d+$/.test(port.trim()))

/** What the templates of a pod see. @throws ProjectError, ModelError for a broken overrides annotation */
export function podData(
  input: Omit<PodInput, 'holdsApplication' | 'pathVariables'>,
  settings: PodSettings,
): TypedValue {
  const { values, mesh, revision, compliancePolicy } = settings
  const pod = strippedPod(input.pod, settings.statusPort)
  const { workload, proxyConfig, nativeSidecars, proxyIds } = input
  return templateData({
    pod,
    workload,
    proxyConfig,
    meshConfig: mesh,
    values: values.untyped,
    revision,
    nativeSidecars,
    ...imagesOf(pod, { values, proxyConfig }),
    proxyIds,
    compliancePolicy,
  })
}

/** istiod: the ProxyConfig's image type is for the proxy only, the annotation for both images. */
function imagesOf(
  pod: Pod,
  { values, proxyConfig }: { values: InjectionValues; proxyConfig: Message },
): { proxyImage: string; proxyInitImage: string } {
  const { hub, tag, variant } = values
  const asked = pod.metadata?.annotations?.[ANNOTATION.proxyImageType]
  const configured = (proxyConfig['image'] as { imageType?: string } | null | undefined)?.imageType ?? ''
  const proxyType = asked ?? (configured === '' ? variant : configured)
  return {
    proxyImage: imageUrl({ hub, tag, name: values.proxyImage, type: proxyType }),
    proxyInitImage: imageUrl({ hub, tag, name: values.proxyInitImage, type: asked ?? variant }),
  }
}

interface PostInput {
  readonly template: Pod
  readonly variables: ReadonlyMap<string, string>
  readonly input: PodInput
  readonly settings: PodSettings
}

function postProcess(pod: Pod, { template, variables, input, settings }: PostInput): Pod {
  const merging = settings.mesh['enablePrometheusMerge'] as { value?: boolean } | null | undefined
  const context: PostContext = {
    variables,
    statusPort: settings.statusPort,
    mergesPrometheus: merging === null || merging === undefined ? undefined : merging.value === true,
    rewritesProbes: settings.values.rewritesProbes,
    holdsApplication: input.holdsApplication(),
    status: statusText(template, settings.revision),
    injectedAnnotations: settings.injectedAnnotations,
    warn: settings.warn,
  }
  const draft = draftOf(pod)
  for (const step of POST_STEPS) step(draft, context)
  return podOfDraft(pod, draft)
}

/** What the templates added, by name. */
function statusText({ spec }: Pod, revision: string): string {
  const names = (list: readonly { readonly name?: string }[] | null | undefined): readonly string[] | null =>
    list === null || list === undefined || list.length === 0 ? null : list.map(({ name = '' }) => name)
  return goJsonText({
    initContainers: names(spec?.initContainers),
    containers: names(spec?.containers),
    volumes: names(spec?.volumes),
    imagePullSecrets: names(spec?.imagePullSecrets),
    revision: revision === '' ? 'default' : revision,
  })
}

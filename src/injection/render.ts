/** From the pod's template names to a template pod and a merged pod. */
import { ANNOTATION, CONTAINER_NAME } from '../api/names.ts'
import type { Container, Pod } from '../api/pod.ts'
import { ProjectError } from '../base/errors.ts'
import { findContainer } from './containers.ts'
import { applyOverlay, readOverlay, stage } from './overlay.ts'
import { EMPTY_POD } from './recurring-overlays.ts'
import type { Template } from './template/template.ts'
import type { Typed } from './template/types.ts'

export interface TemplateChoice {
  readonly templates: ReadonlyMap<string, Template>
  readonly aliases: ReadonlyMap<string, readonly string[]>
  readonly defaultTemplates: readonly string[]
}

export interface Rendered {
  /** What the templates alone make. */
  readonly template: Pod
  /** The pod with the templates merged in. */
  readonly merged: Pod
}

/** istiod runs any number; each costs a rendering, and a pod's annotation may name as many as a request has room for. */
const MAX_TEMPLATES = 100

/** Names of the templates a pod is injected with. istiod: an empty annotation names the template "", which fails later. */
export function templateNames(pod: Pod, { aliases, defaultTemplates }: TemplateChoice): readonly string[] {
  const asked = pod.metadata?.annotations?.[ANNOTATION.templates]
  const names = asked === undefined ? defaultTemplates : asked.split(',').map((name) => name.trim())
  return names.flatMap((name) => aliases.get(name) ?? [name])
}

/**
 * Renders the pod's templates one after the other and lays them over the pod.
 * @throws ProjectError INJECTION_FAILED, TemplateError with istiod's text
 */
export function renderTemplates(
  pod: Pod,
  { choice, data, nativeSidecars }: { choice: TemplateChoice; data: Typed; nativeSidecars: boolean },
): Rendered {
  let template = EMPTY_POD
  let merged = pod
  const names = templateNames(pod, choice)
  if (names.length > MAX_TEMPLATES) {
    const message = `annotation ${ANNOTATION.templates}: expected ${MAX_TEMPLATES} templates at most, got ${names.length}`
    throw new ProjectError('INJECTION_FAILED', message)
  }
  for (const name of names) {
    const overlay = readOverlay(chosen(name, choice).render(data))
    const made = template
    template = stage('failed applying injection overlay: ', () => applyOverlay(made, overlay))
    const base = moveToNative(merged, { template, nativeSidecars })
    merged = stage('failed parsing generated injected YAML (check Istio sidecar injector configuration): ', () =>
      applyOverlay(base, overlay),
    )
  }
  return { template, merged }
}

function chosen(name: string, { templates }: TemplateChoice): Template {
  const template = templates.get(name)
  if (template !== undefined) return template
  const known = [...templates.keys()].sort().join(', ')
  throw new ProjectError('INJECTION_FAILED', `requested template ${JSON.stringify(name)} not found; have ${known}`)
}

/** Lets a user's customised istio-proxy under `containers` meet the template's native one. */
function moveToNative(pod: Pod, { template, nativeSidecars }: { template: Pod; nativeSidecars: boolean }): Pod {
  const wish = pod.metadata?.annotations?.[ANNOTATION.nativeSidecar]
  const isNative = wish === 'true' || (wish !== 'false' && nativeSidecars)
  if (!isNative || findContainer(template.spec?.initContainers, CONTAINER_NAME.proxy) === undefined) return pod
  const containers: readonly Container[] = pod.spec?.containers ?? []
  const proxy = findContainer(containers, CONTAINER_NAME.proxy)
  if (proxy === undefined) return pod
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.filter((container) => container !== proxy),
      initContainers: [...(pod.spec?.initContainers ?? []), proxy],
    },
  }
}

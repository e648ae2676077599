/** Containers that both template and user define: the user's settings win over the template's. */
import { ANNOTATION, CONTAINER_NAME } from '../api/names.ts'
import type { Container, Pod, SecurityContext } from '../api/pod.ts'
import { ProjectError } from '../base/errors.ts'
import { findContainer, findSidecar } from './containers.ts'
import { draftOf, findInDraft, podOfDraft } from './draft.ts'
import type { PodDraft } from './draft.ts'
import { CONTAINER } from './model/container.ts'
import { decodeTyped } from './model/decode.ts'
import { overlayContainer, stage } from './overlay.ts'
import { OVERRIDES, injectedNames, readOverrides } from './reinjection.ts'
import type { Overrides } from './reinjection.ts'
import { goJson } from './template/go/json-write.ts'

export interface OverrideInput {
  /** The pod as it came in. */
  readonly original: Pod
  /** What the templates alone make. */
  readonly template: Pod
  /** The original with the templates merged in. */
  readonly merged: Pod
  /** The effective ProxyConfig redirects with TPROXY. */
  readonly isTproxy: boolean
  /** Re-apply overrides of a former run too, which istiod does not. */
  readonly reappliesFormer: boolean
  readonly warn: (text: string) => void
}

type Section = 'containers' | 'initContainers'

/** An image that says: take the template's. */
const AUTO_IMAGE = 'auto'

/**
 * The merged pod with the user's containers over it and the init container's uid fitting them.
 * @throws ProjectError, ModelError where a container or annotation cannot be used
 */
export function applyOverrides(input: OverrideInput): Pod {
  const { original } = input
  const found = findOverrides(input)
  const draft = draftOf(input.merged)
  stage('failed to apply sidecar container: ', () => {
    if (found.containers.length > 0) draft.containers = layOver(draft.containers, found.containers)
  })
  stage('failed to apply sidecar init container: ', () => {
    if (found.initContainers.length === 0) return
    // istiod: such an overlay holds an empty list of containers, which is merged as well
    draft.containers = layOver(draft.containers, [])
    draft.initContainers = layOver(draft.initContainers, found.initContainers)
  })
  const isFirstRun = original.metadata?.annotations?.[ANNOTATION.status] === undefined
  if (isFirstRun && found.containers.length + found.initContainers.length > 0) {
    draft.annotations[ANNOTATION.overrides] = goJson(OVERRIDES, found)
  }
  adjustInitUser(draft, input)
  return podOfDraft(input.merged, draft)
}

/** The user's own version of every container the templates make. */
function findOverrides({ original, template, reappliesFormer }: OverrideInput): Overrides {
  const former = readOverrides(original)
  const injected = injectedNames(original)
  const inContainers = byName(original.spec?.containers)
  const inInit = byName(original.spec?.initContainers)
  const find = (section: Section): Container[] => {
    const noted = byName(former[section])
    const skipped = new Set(injected[section])
    return (template.spec?.[section] ?? []).flatMap(({ name = '' }) => {
      if (skipped.has(name) && !(reappliesFormer && noted.has(name))) return []
      // istiod: a user's entry of `containers` may be meant for a native sidecar, never the other way round
      const users =
        noted.get(name) ?? inContainers.get(name) ?? (section === 'initContainers' ? inInit.get(name) : undefined)
      if (users === undefined) return []
      return [withoutAutoImage(skipped.has(name) ? withoutRewritten(users) : users)]
    })
  }
  return { containers: find('containers'), initContainers: find('initContainers') }
}

/** Probes and hooks that the first run rewrote are in the pod already; the noted ones beside them would be a second handler. */
function withoutRewritten(container: Container): Container {
  if (container.name === CONTAINER_NAME.proxy) return container
  const { livenessProbe: _l, readinessProbe: _r, startupProbe: _s, lifecycle: _h, ...rest } = container
  return rest
}

/** The first container of each name. */
function byName(list: readonly Container[] | null | undefined): ReadonlyMap<string, Container> {
  return new Map([...(list ?? [])].reverse().map((container) => [container.name ?? '', container]))
}

function withoutAutoImage(container: Container): Container {
  const { image, ...rest } = decodeTyped(CONTAINER, container, { unknownFields: 'drop' }) as Container
  return image === undefined || image === AUTO_IMAGE ? rest : { ...rest, image }
}

/**
 * Merges each override into the container of its name; one without counterpart comes first, and containers of one name
 * come together, as in any such merge.
 */
function layOver(list: readonly Container[], overrides: readonly Container[]): Container[] {
  const result = [...list]
  const added: Container[] = []
  const places = firstPlaces(list)
  for (const override of overrides) {
    const at = places.get(override.name ?? '')
    const base = at === undefined ? undefined : result[at]
    if (at === undefined || base === undefined) added.unshift(override)
    else result[at] = overlayContainer(base, override)
  }
  return groupedByName([...added, ...result])
}

function groupedByName(list: readonly Container[]): Container[] {
  const places = firstPlaces(list)
  const placeOf = ({ name = '' }: Container): number => places.get(name) ?? 0
  return list.toSorted((one, other) => placeOf(one) - placeOf(other))
}

const firstPlaces = (list: readonly Container[]): ReadonlyMap<string, number> =>
  new Map(list.map(({ name = '' }, at) => [name, at] as const).reverse())

/**
 * Fits the init container to a user's uid: the proxy's own traffic is told by it.
 * istiod: with TPROXY the proxy must stay root; istio-init always runs as root.
 */
function adjustInitUser(draft: PodDraft, { original, isTproxy, warn }: OverrideInput): void {
  const users = findSidecar(original)?.securityContext
  const uid = users?.runAsUser ?? undefined
  const gid = users?.runAsGroup ?? undefined
  if (uid === undefined && gid === undefined) return
  const init =
    findContainer(draft.initContainers, CONTAINER_NAME.init) ??
    findContainer(draft.initContainers, CONTAINER_NAME.validation)
  if (init === undefined) {
    warn('neither istio-init nor istio-validation is there to take over the user id')
    return
  }
  const usesTproxy = isTproxy || draft.annotations[ANNOTATION.interceptionMode] === 'TPROXY'
  if (usesTproxy && uid !== undefined) {
    const sidecar = findInDraft(draft, CONTAINER_NAME.proxy)
    if (sidecar === undefined) return
    forceRoot(sidecar)
  }
  if (!usesTproxy && init.name === CONTAINER_NAME.validation) {
    setIds(init, { ...(uid !== undefined && { runAsUser: uid }), ...(gid !== undefined && { runAsGroup: gid }) })
  }
  if (uid !== undefined && uid !== 0 && init.args) init.args = withProxyUid(init.args, uid)
}

/** istiod: panics where no uid is there to be replaced. */
function forceRoot(sidecar: Container): void {
  if (typeof sidecar.securityContext?.runAsUser !== 'number') {
    throw new ProjectError('INJECTION_FAILED', `${CONTAINER_NAME.proxy}: expected a runAsUser with TPROXY, got none`)
  }
  setIds(sidecar, { runAsUser: 0 })
}

function setIds(container: Container, ids: SecurityContext): void {
  container.securityContext = { ...container.securityContext, ...ids }
}

/** The argument after the first `-u` is the uid whose traffic is left alone. istiod: panics where there is none. */
function withProxyUid(args: readonly string[], uid: number): readonly string[] {
  const flag = args.indexOf('-u')
  if (flag < 0) return args
  if (flag + 1 >= args.length) {
    throw new ProjectError('INJECTION_FAILED', `${CONTAINER_NAME.init}: expected an argument after -u, got none`)
  }
  return args.with(flag + 1, String(uid))
}

/** User and group of the proxy, and what OpenShift's id ranges mean for them. */
import { ANNOTATION, CONTAINER_NAME } from '../api/names.ts'
import type { Container, Pod } from '../api/pod.ts'
import { findSidecar } from './containers.ts'

export interface ProxyIds {
  readonly uid: number
  readonly gid: number
}

/** Where no namespace says otherwise. */
export const DEFAULT_PROXY_IDS: ProxyIds = { uid: 1337, gid: 1337 }

const UINT32_MAX = 0xffff_ffff
const NOT_APPLICATIONS: readonly string[] = [CONTAINER_NAME.proxy, CONTAINER_NAME.init, CONTAINER_NAME.validation]

/** Ids from an OpenShift namespace's annotations: the last uid of the uid range, the last gid of the first group block. */
export function proxyIdsOf(namespaceAnnotations: Readonly<Record<string, string>>): ProxyIds {
  const uidRange = namespaceAnnotations[ANNOTATION.uidRange] ?? ''
  const groups = namespaceAnnotations[ANNOTATION.supplementalGroups] ?? uidRange
  return {
    uid: lastId(uidRange) ?? DEFAULT_PROXY_IDS.uid,
    gid: lastGroup(groups) ?? DEFAULT_PROXY_IDS.gid,
  }
}

/**
 * Clears uid and gid of a user's istio-proxy where OpenShift stamped the application's uid on it: they would count as
 * an override. istiod: with no uid set anywhere 0 equals 0, so a user's gid is cleared as well.
 */
export function resetStampedIds(pod: Pod): Pod {
  const sidecar = findSidecar(pod)
  const context = sidecar?.securityContext
  if (sidecar === undefined || context === undefined || context === null) return pod
  const isApplication = ({ name = '' }: Container): boolean => !NOT_APPLICATIONS.includes(name)
  const uid = lastUid(pod, ({ name }) => name === CONTAINER_NAME.proxy)
  if (uid !== lastUid(pod, isApplication)) return pod
  const { runAsUser: _uid, runAsGroup: _gid, ...rest } = context
  return replaceContainer(pod, sidecar, { ...sidecar, securityContext: rest })
}

/** istiod: the last such container that sets a uid counts. */
function lastUid(pod: Pod, isMeant: (container: Container) => boolean): number {
  const uids = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
    .filter(isMeant)
    .flatMap((container) => container.securityContext?.runAsUser ?? [])
  return uids.at(-1) ?? 0
}

function replaceContainer(pod: Pod, old: Container, by: Container): Pod {
  const swap = (list: readonly Container[]): readonly Container[] => list.map((one) => (one === old ? by : one))
  const { containers, initContainers, ...spec } = pod.spec ?? {}
  return {
    ...pod,
    spec: {
      ...spec,
      ...(containers && { containers: swap(containers) }),
      ...(initContainers && { initContainers: swap(initContainers) }),
    },
  }
}

function lastGroup(blocks: string): number | undefined {
  const ends = blocks.split(',').map(lastId)
  return ends.includes(undefined) ? undefined : ends[0]
}

/**
 * `1000620000/10000` (start and size) or `1-5`; in unsigned 32-bit arithmetic. White space before a number, but no line
 * break, and what follows the second one are ignored.
 */
function lastId(block: string): number | undefined {
  const sized = /^[^\S\n]*(\d+)\/[^\S\n]*(\d+)/.exec(block)
  const ended = /^[^\S\n]*(\d+)-[^\S\n]*(\d+)/.exec(block)
  const [start, other] = (block.includes('/') ? sized : ended)?.slice(1).map(Number) ?? []
  if (!isUint32(start) || !isUint32(other)) return undefined
  return block.includes('/') ? (start + other - 1) >>> 0 : other
}

const isUint32 = (value: number | undefined): value is number => value !== undefined && value <= UINT32_MAX

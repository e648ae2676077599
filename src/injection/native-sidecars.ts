/** Whether a pod's proxy runs as a native sidecar, from the setting and the kubelets of its cluster. */

/** What injection must know of a cluster's nodes; the holder keeps it current with two counters, not with a scan. */
export interface NodeFacts {
  /** Kubelet version of a node, or undefined for an unknown one. */
  readonly kubeletOf: (nodeName: string) => string | undefined
  /** Some node does not support native sidecars. */
  readonly anyUnsupported: boolean
}

export type NativeSidecarsSetting = 'auto' | 'true' | 'false'

/** Kubernetes 1.33: native sidecars are stable. */
const FIRST_MINOR = 33

/** Reads the setting. istiod: any text it does not know switches native sidecars off. */
export function nativeSidecarsSetting(text: string): NativeSidecarsSetting {
  return text === 'auto' || text === 'true' ? text : 'false'
}

/** istiod: only the minor counts, the major version is not looked at; an unreadable version is too old. */
export function supportsNativeSidecars(kubeletVersion: string): boolean {
  const minor = /^\s*v?(?:0|[1-9]\d*)\.(0|[1-9]\d*)(?!\d)/.exec(kubeletVersion)?.[1]
  return minor !== undefined && Number(minor) >= FIRST_MINOR
}

/** Facts from a plain list of nodes. */
export function nodeFactsOf(nodes: readonly { readonly name: string; readonly kubeletVersion: string }[]): NodeFacts {
  const versions = new Map(nodes.map(({ name, kubeletVersion }) => [name, kubeletVersion]))
  return {
    kubeletOf: (name) => versions.get(name),
    anyUnsupported: nodes.some(({ kubeletVersion }) => !supportsNativeSidecars(kubeletVersion)),
  }
}

/**
 * The flag before the pod's own annotation is asked.
 * istiod: `nodes` undefined means there is no client for the cluster: off. A cluster without any node: on.
 */
export function wantsNativeSidecars(
  setting: NativeSidecarsSetting,
  nodes: NodeFacts | undefined,
  nodeName: string | undefined,
): boolean {
  if (setting !== 'auto') return setting === 'true'
  if (nodes === undefined) return false
  const ownKubelet = nodeName === undefined || nodeName === '' ? undefined : nodes.kubeletOf(nodeName)
  return ownKubelet === undefined ? !nodes.anyUnsupported : supportsNativeSidecars(ownKubelet)
}

/** Which pods came up without redirection, and what is done about them. Pure. */

export type RepairMode = 'repair' | 'delete' | 'label'

export interface RepairSettings {
  /** Undefined: nothing is done. */
  readonly mode: RepairMode | undefined
  readonly labelKey: string
  readonly labelValue: string
  /** Only pods of this node. istiod: empty selects pods that are on no node yet. */
  readonly nodeName: string
  /** Annotation of pods with a sidecar; empty: all pods count. */
  readonly sidecarAnnotation: string
  /** Init container whose failure tells; empty: any. */
  readonly initContainerName: string
  /** Its last words, without space around them; empty: any. */
  readonly terminationMessage: string
  /** 0: any. */
  readonly exitCode: number
  readonly labelSelectors: string
  readonly fieldSelectors: string
}

interface Terminated {
  readonly reason?: string
  readonly exitCode?: number
  readonly message?: string
}

interface ContainerStatus {
  readonly name: string
  readonly state?: { readonly terminated?: Terminated }
  readonly lastState?: { readonly terminated?: Terminated }
}

/** The part of a pod that tells. */
export interface ObservedPod {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
  }
  readonly status?: { readonly initContainerStatuses?: readonly ContainerStatus[] }
}

/** The field selector of pods to watch. */
export function fieldSelectorOf({ fieldSelectors, nodeName }: RepairSettings): string {
  return [fieldSelectors, `spec.nodeName=${nodeName}`].filter((part) => part !== '').join(',')
}

/**
 * Whether a pod's validation container has found no redirection. One that is on its way out is nobody's concern.
 * istiod: its last state counts, so that a pod is first noticed when kubelet has started the container again.
 */
export function isBroken(pod: ObservedPod, settings: RepairSettings): boolean {
  const { sidecarAnnotation, initContainerName } = settings
  if (pod.metadata.deletionTimestamp !== undefined) return false
  if (sidecarAnnotation !== '' && !Object.hasOwn(pod.metadata.annotations ?? {}, sidecarAnnotation)) return false
  return (pod.status?.initContainerStatuses ?? [])
    .filter(({ name }) => initContainerName === '' || name === initContainerName)
    .some((status) => !hasSucceeded(status.state?.terminated) && hasFailed(status.lastState?.terminated, settings))
}

function hasSucceeded(terminated: Terminated | undefined): boolean {
  return terminated !== undefined && (terminated.reason === 'Completed' || terminated.exitCode === 0)
}

function hasFailed(terminated: Terminated | undefined, settings: RepairSettings): boolean {
  if (terminated === undefined) return false
  const { terminationMessage, exitCode } = settings
  const isMessage = terminationMessage === '' || (terminated.message ?? '').trim() === terminationMessage.trim()
  return isMessage && (exitCode === 0 || terminated.exitCode === exitCode)
}

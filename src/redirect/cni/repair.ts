/** Pods that came up while no agent was there: labels, deletes or redirects them. */
import { createBackoff } from '../../base/backoff.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { KubeClient } from '../../kube/client.ts'
import { keyOf, runInformer } from '../../kube/informer.ts'
import { EVENTS, PODS, type KubeObject, type ObjectPlace } from '../../kube/resource.ts'
import { Store } from '../../kube/store.ts'
import { deriveConfig } from '../config.ts'
import type { Compat } from '../flags.ts'
import { programRules } from '../init.ts'
import { fieldSelectorOf, isBroken, type ObservedPod, type RepairMode, type RepairSettings } from './broken-pod.ts'
import type { OpenNamespace } from './netns.ts'
import { decideForPod, type RedirectedPod } from './pod-redirect.ts'

export type RepairResult = 'success' | 'fail' | 'skip'

export interface RepairOptions {
  readonly settings: RepairSettings
  readonly nativeNftables: boolean
  readonly compat: Compat
  readonly client: KubeClient
  /** Process id of the node that lives in the namespace with this address. */
  readonly findProcess: (podIp: string) => Promise<number | undefined>
  readonly openNamespace: (path: string) => Promise<OpenNamespace>
  readonly onRepair: (mode: RepairMode, result: RepairResult) => void
  readonly clock: Clock
  readonly log: Log
}

/** The part of a pod that repairing needs. */
export interface RepairedPod extends KubeObject, ObservedPod {
  readonly metadata: KubeObject['metadata']
  readonly spec?: RedirectedPod['spec'] & { readonly hostNetwork?: boolean }
  readonly status?: ObservedPod['status'] & { readonly podIP?: string }
}

const ATTEMPTS = 5
const COMPONENT = 'cni-repair'

/** Watches the node's pods and mends the broken ones, until `signal` aborts. Failures are tried again, then left to the next change. */
export async function runRepair(options: RepairOptions, signal: AbortSignal): Promise<void> {
  const { settings, client, clock, log } = options
  const { mode, labelSelectors } = settings
  if (mode === undefined) return
  const store = new Store<RepairedPod | undefined>()
  const queue = createQueue(signal)
  const mended = new Map<string, string>()
  store.onChange(({ key, after }) => {
    if (after === undefined) mended.delete(key)
    else queue.add(key)
  })
  void runInformer<RepairedPod, RepairedPod | undefined>({
    client,
    place: { resource: PODS },
    fieldSelector: fieldSelectorOf(settings),
    ...(labelSelectors === '' ? {} : { labelSelector: labelSelectors }),
    keep: (pod) => (isBroken(pod, settings) ? pod : undefined),
    store,
    clock,
    log,
    signal,
  })
  for (;;) {
    const key = await queue.next()
    if (key === undefined) return
    await mend(() => store.get(key), { options, mode, mended, signal })
  }
}

interface Queue {
  readonly add: (key: string) => void
  /** The next key, or undefined when the signal aborts. */
  readonly next: () => Promise<string | undefined>
}

/** Every key once, in the order in which they came. */
function createQueue(signal: AbortSignal): Queue {
  const keys = new Set<string>()
  let wake = (): void => undefined
  signal.addEventListener('abort', () => wake(), { once: true })
  return {
    add: (key) => {
      keys.add(key)
      wake()
    },
    next: async () => {
      while (keys.size === 0 && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve))
      const [key] = keys
      if (key === undefined || signal.aborted) return undefined
      keys.delete(key)
      return key
    },
  }
}

interface Mending {
  readonly options: RepairOptions
  readonly mode: RepairMode
  /** Pods that were redirected: key -> uid. */
  readonly mended: Map<string, string>
  readonly signal: AbortSignal
}

async function mend(current: () => RepairedPod | undefined, mending: Mending): Promise<void> {
  const { options, mode, signal } = mending
  const backoff = createBackoff({ clock: options.clock })
  for (let attempt = 1; attempt <= ATTEMPTS && !signal.aborted; attempt++) {
    const pod = current()
    if (pod === undefined) return
    const { name: podName, namespace = '' } = pod.metadata
    const fields = { pod: podName, namespace, mode }
    try {
      const result = await ACTIONS[mode](pod, mending)
      options.onRepair(mode, result)
      options.log.info({ ...fields, result }, 'broken pod seen to')
      return
    } catch (err) {
      if (signal.aborted) return
      options.onRepair(mode, 'fail')
      options.log.warn({ ...fields, err, attempt }, 'broken pod not mended')
    }
    await backoff.wait(signal)
  }
}

type Action = (pod: RepairedPod, mending: Mending) => Promise<RepairResult>

const ACTIONS: Readonly<Record<RepairMode, Action>> = {
  label: async (pod, { options, signal }) => {
    const { labelKey, labelValue } = options.settings
    if (Object.hasOwn(pod.metadata.labels ?? {}, labelKey)) return 'skip'
    const patch = { metadata: { labels: { [labelKey]: labelValue } } }
    await options.client.patch({ ...placeOf(pod), subresource: 'status' }, patch, { signal })
    await tell(pod, { options, signal, reason: 'LabelBrokenPod', what: 'labelled' })
    return 'success'
  },
  delete: async (pod, { options, signal }) => {
    const { uid = '', resourceVersion = '' } = pod.metadata
    await options.client.delete(placeOf(pod), signal, { uid, resourceVersion })
    await tell(pod, { options, signal, reason: 'DeleteBrokenPod', what: 'deleted' })
    return 'success'
  },
  repair: async (pod, { options, mended }) => {
    const { uid = '' } = pod.metadata
    if (mended.get(keyOf(pod)) === uid) return 'skip'
    const result = await redirect(pod, options)
    if (result === 'success') mended.set(keyOf(pod), uid)
    return result
  },
}

function placeOf({ metadata: { namespace = '', name } }: RepairedPod): ObjectPlace {
  return { resource: PODS, namespace, name }
}

interface Telling {
  readonly options: RepairOptions
  readonly signal: AbortSignal
  readonly reason: string
  readonly what: string
}

/** An event for people; that one cannot be written is no failure of the repair. */
async function tell(pod: RepairedPod, { options, signal, reason, what }: Telling): Promise<void> {
  const { client, clock, log, settings } = options
  const { name, namespace = 'default', uid } = pod.metadata
  const time = new Date(clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z')
  const event = {
    metadata: { name: `${name}.${clock.nowMs().toString(16)}`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid },
    type: 'Warning',
    reason,
    message: `pod was ${what}: its traffic was not redirected when it started`,
    source: { component: COMPONENT, host: settings.nodeName },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  }
  try {
    await client.create({ resource: EVENTS, namespace }, event, { signal })
  } catch (err) {
    log.warn({ err, pod: name, namespace }, 'event of a repair not written')
  }
}

/** Programs the running pod. Its validation container sees it at its next start. */
async function redirect(pod: RepairedPod, options: RepairOptions): Promise<RepairResult> {
  const { compat, nativeNftables, findProcess } = options
  const decision = decideForPod(pod, compat)
  // The node's own namespace must never get a pod's rules.
  if (decision.do === 'skip' || pod.spec?.hostNetwork === true) return 'skip'
  if (decision.do === 'refuse') throw new Error(decision.reason)
  const ip = pod.status?.podIP ?? ''
  const pid = await findProcess(ip)
  if (pid === undefined) throw new Error(`no process of the node has the address ${JSON.stringify(ip)}`)
  const path = `/proc/${pid}/ns/net`
  const namespace = await options.openNamespace(path)
  try {
    // The process may have ended since, and its number belong to another.
    const addresses = await namespace.host.addresses()
    if (!addresses.some((address) => address.split('/')[0] === ip)) throw new Error(`${path}: no longer the pod's`)
    const settings = { ...decision.settings, networkNamespace: path, nativeNftables }
    await programRules(await deriveConfig(settings, namespace.host, compat), namespace)
  } finally {
    await namespace.close()
  }
  return 'success'
}

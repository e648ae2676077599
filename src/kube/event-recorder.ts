/** Events: what people see under `kubectl describe` of the object that something happened to. */
import { randomBytes } from 'node:crypto'

import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { KubeClient } from './client.ts'
import type { KubeObject, ObjectPlace } from './resource.ts'
import { EVENTS } from './resource.ts'

export interface EventRecorderOptions {
  readonly client: KubeClient
  /** What the Events come from. */
  readonly component: string
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

export interface EventText {
  /** The object that it is about, by name. */
  readonly about: ObjectPlace
  readonly kind: string
  readonly type: 'Normal' | 'Warning'
  /** One word, in camel case. */
  readonly reason: string
  readonly message: string
}

/** Never waits and never throws. */
export type RecordEvent = (event: EventText) => void

/** Where Events of objects without a namespace belong. */
const CLUSTER_NAMESPACE = 'default'
/** The same words about the same object are not said again within this time. */
const REPEAT_MS = 600_000

export function createEventRecorder(options: EventRecorderOptions): RecordEvent {
  const said = new Map<string, number>()
  return (event) => {
    const nowMs = options.clock.nowMs()
    for (const [text, atMs] of said) if (Math.abs(nowMs - atMs) > REPEAT_MS) said.delete(text)
    const text = JSON.stringify(event)
    if (said.has(text)) return
    said.set(text, nowMs)
    void record(event, options)
  }
}

async function record(
  event: EventText,
  { client, component, clock, log, signal }: EventRecorderOptions,
): Promise<void> {
  const { about, kind, type, reason, message } = event
  const { name = '', namespace } = about
  const time = new Date(clock.nowMs()).toISOString().replace(/\.\d{3}Z$/, 'Z')
  try {
    const { uid } = await metadataOf(client, about, signal)
    const object = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${randomBytes(8).toString('hex')}`, namespace: namespace ?? CLUSTER_NAMESPACE },
      involvedObject: { apiVersion: apiVersionOf(about), kind, name, namespace, uid },
      type,
      reason,
      message,
      source: { component },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    }
    await client.create({ resource: EVENTS, namespace: object.metadata.namespace }, object, { signal })
  } catch (err) {
    // An Event is a courtesy: the log has said it already.
    log.debug({ err, reason }, 'Event not recorded')
  }
}

/** Of an object that is gone only the name is left. */
async function metadataOf(client: KubeClient, about: ObjectPlace, signal: AbortSignal): Promise<{ uid?: string }> {
  try {
    return (await client.get<KubeObject>(about, signal)).metadata
  } catch {
    return {}
  }
}

const apiVersionOf = ({ resource: { group, version } }: ObjectPlace): string =>
  group === '' ? version : `${group}/${version}`

/** What injection itself reads from the chart's values, and the untyped view of them that templates see. */
import { goText } from './merge/merge-error.ts'
import type { Message } from './mesh/message-type.ts'
import { readValues } from './mesh/values.ts'

export interface InjectionValues {
  /** All numbers are floats to a template. */
  readonly untyped: unknown
  readonly typed: Message
  readonly hub: string
  /** As text; the document may hold a number. */
  readonly tag: string
  readonly variant: string
  readonly proxyImage: string
  readonly proxyInitImage: string
  readonly clusterName: string
  readonly network: string
  readonly rewritesProbes: boolean
}

const DEFAULT_IMAGE = 'proxyv2'

/** Reads the values document. @throws ProjectError MESH_MESSAGE with istiod's text */
export function readInjectionValues(text: string): InjectionValues {
  const { typed, untyped } = readValues(text)
  const global = messageAt(typed, 'global')
  const proxy = messageAt(global, 'proxy')
  return {
    untyped,
    typed,
    hub: textAt(global, 'hub'),
    tag: tagText(global),
    variant: textAt(global, 'variant'),
    proxyImage: textAt(proxy, 'image') || DEFAULT_IMAGE,
    proxyInitImage: textAt(messageAt(global, 'proxy_init'), 'image') || DEFAULT_IMAGE,
    clusterName: textAt(messageAt(global, 'multiCluster'), 'clusterName'),
    network: textAt(global, 'network'),
    rewritesProbes: flagAt(messageAt(typed, 'sidecarInjectorWebhook'), 'rewriteAppHTTPProbe'),
  }
}

const messageAt = (message: Message, field: string): Message => (message[field] as Message | null | undefined) ?? {}

const textAt = (message: Message, field: string): string => (message[field] as string | undefined) ?? ''

/** A bool, plain or in a wrapper. */
function flagAt(message: Message, field: string): boolean {
  const flag = message[field] as boolean | { value?: boolean } | null | undefined
  return typeof flag === 'object' ? flag?.value === true : flag === true
}

/** istiod: printed with `%v`, so an explicit null is `<nil>` and 1.10 without quotes is 1.1. */
const tagText = (global: Message): string => (Object.hasOwn(global, 'tag') ? goText(global['tag']) : '')

/** The template function `protoToJSON`: JSON of a message, of a ProxyConfig only what differs from the defaults. */
import { DEFAULT_PROXY_CONFIG } from './defaults.ts'
import type { DurationValue, Message, MessageType } from './message-type.ts'
import { PROXY_CONFIG } from './messages.ts'
import { writeMessage } from './proto-json-write.ts'

/** JSON of a message; `{}` for a nil one. */
export function protoToJson(type: MessageType, message: Message | null | undefined): string {
  if (message === null || message === undefined) return '{}'
  return writeMessage(type, type === PROXY_CONFIG ? cleanProxyConfig(message) : message)
}

/**
 * The ProxyConfig without fields that equal the built-in defaults.
 * istiod: fields without a default stay, so an empty `tracing: {}` is printed.
 */
export function cleanProxyConfig(config: Message): Message {
  return Object.fromEntries(
    Object.entries(config).filter(
      ([name, value]) => !Object.hasOwn(DEFAULT_PROXY_CONFIG, name) || !isSame(value, DEFAULT_PROXY_CONFIG[name]),
    ),
  )
}

/** Equality of scalars and durations, the only kinds among the defaults. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  const [x, y] = [a as DurationValue, b as DurationValue]
  return x.seconds === y.seconds && x.nanos === y.nanos
}

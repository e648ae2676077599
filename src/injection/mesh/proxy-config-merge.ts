/** Laying one ProxyConfig over another. */
import { readYaml } from '../yaml/read.ts'
import type { Message } from './message-type.ts'
import { PROXY_CONFIG } from './messages.ts'
import { readMessage, setField } from './proto-json.ts'

/**
 * The layer over the base: its set fields replace those of the base, two of them are merged.
 * istiod: layers travel as JSON, so a plain field that is zero in the layer does not reach the base; a set wrapper does.
 */
export function mergeProxyConfig(base: Message, layer: Message): Message {
  const target: Record<string, unknown> = { ...base }
  for (const field of PROXY_CONFIG.fields) {
    if (Object.hasOwn(layer, field.json)) setField(PROXY_CONFIG, { field, value: layer[field.json] }, target)
  }
  return keepOlderParts(target, base)
}

/**
 * A ProxyConfig document (JSON) read over the base. Unlike a layer it can set plain fields back to zero.
 * @throws MessageError where it does not fit
 */
export function applyProxyConfig(base: Message, document: unknown): Message {
  return keepOlderParts(readMessage(PROXY_CONFIG, document, base), base)
}

/**
 * The annotation `proxy.istio.io/config` (YAML) read over the base.
 * @throws YamlError, MessageError
 */
export const applyProxyConfigText = (base: Message, text: string): Message => applyProxyConfig(base, readYaml(text))

/** istiod: `proxyMetadata` is merged by key, some members of `proxyHeaders` fall back to the older ones. */
function keepOlderParts(merged: Message, base: Message): Message {
  const target: Record<string, unknown> = { ...merged }
  if (base['proxyMetadata'] !== undefined && base['proxyMetadata'] !== merged['proxyMetadata']) {
    target['proxyMetadata'] = { ...(base['proxyMetadata'] as Message), ...(merged['proxyMetadata'] as Message) }
  }
  if (base['proxyHeaders'] !== undefined && merged['proxyHeaders'] !== undefined) {
    target['proxyHeaders'] = keepOlderHeaders(merged['proxyHeaders'] as Message, base['proxyHeaders'] as Message)
  }
  return target
}

const OLDER_HEADERS = ['forwardedClientCert', 'requestId', 'attemptCount', 'server', 'envoyDebugHeaders']

function keepOlderHeaders(headers: Message, older: Message): Message {
  const kept = OLDER_HEADERS.filter((member) => headers[member] === undefined && older[member] !== undefined)
  return { ...headers, ...Object.fromEntries(kept.map((member) => [member, older[member]])) }
}

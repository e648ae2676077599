/** Istio's `appendMultusNetwork`: adds a network to the annotation of multus, in its JSON or its list form. */
import type { TemplateFunction } from '../template/function-table.ts'
import { fn, text } from '../template/function-table.ts'
import { FunctionError } from '../template/errors.ts'
import { readJson } from '../template/go/json-read.ts'
import { getKey, isPlainMap } from '../template/value.ts'
import { trimSpace } from './strings.ts'

export const multusFunction = (warn: (text: string) => void): TemplateFunction =>
  fn([text, text], (existing, network) => appendNetwork(existing, network, warn))

function appendNetwork(existing: string, network: string, warn: (text: string) => void): string {
  if (existing === '') return network
  if (existing.includes(']')) return appendJson(existing, network, warn)
  return existing.split(',').some((one) => trimSpace(one) === network) ? existing : `${existing}, ${network}`
}

function appendJson(existing: string, network: string, warn: (text: string) => void): string {
  const parsed = readNetworks(existing)
  if (parsed === undefined) {
    warn(`unable to unmarshal multus networks annotation ${existing}`)
    return existing
  }
  const slash = network.split('/')
  // istiod: what follows a second slash is dropped.
  const [namespace = '', name = ''] = slash.length > 1 ? slash : ['', network]
  if (parsed.some((one) => one.name === name && one.namespace === namespace)) return existing
  const close = existing.lastIndexOf(']')
  const entry = `{"name": ${jsonText(name)}${namespace === '' ? '' : `, "namespace": ${jsonText(namespace)}`}}`
  return `${existing.slice(0, close)}, ${entry}${existing.slice(close)}`
}

/** istiod: names are put between quotes as they are. */
const jsonText = (name: string): string => `"${name}"`

interface Network {
  readonly name: string
  readonly namespace: string
}

/** undefined: no JSON list of objects with texts for names. */
function readNetworks(existing: string): Network[] | undefined {
  let list: unknown
  try {
    list = readJson(existing)
  } catch (thrown) {
    if (thrown instanceof FunctionError) return undefined
    throw thrown
  }
  if (list === null) return []
  if (!Array.isArray(list)) return undefined
  const networks = list.map(readNetwork)
  return networks.some((one) => one === undefined) ? undefined : networks.filter((one) => one !== undefined)
}

function readNetwork(entry: unknown): Network | undefined {
  if (entry === null) return { name: '', namespace: '' }
  if (!isPlainMap(entry)) return undefined
  const name = getKey(entry, 'name') ?? ''
  const namespace = getKey(entry, 'namespace') ?? ''
  return typeof name === 'string' && typeof namespace === 'string' ? { name, namespace } : undefined
}

/** What Envoy's v3 API makes of the value of an EnvoyFilter patch. */

export interface EnvoyMessageCheck {
  /** Why it cannot be decoded. */
  readonly error: string | undefined
  readonly warnings: readonly string[]
}

/** Hostile nesting ends here; Envoy's own messages are less than half as deep. */
const MAX_DEPTH = 100
const KNOWN_TYPE =
  /^(?:envoy\.(?:[a-z0-9_]+\.)+v3(?:alpha)?|google\.protobuf|google\.rpc|xds\.(?:[a-z0-9_]+\.)+v[13]|udpa\.(?:[a-z0-9_]+\.)+v1|istio\.[a-z0-9_.]+)\.[A-Z]\w*$/

type Bag = Readonly<Record<string, unknown>>
const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Follows typed_config members: their @type must name a message of the v3 API. */
export function checkPatchValue(_applyTo: string, value: Bag): EnvoyMessageCheck {
  return { error: wrongIn(value, 0), warnings: [] }
}

function wrongIn(value: unknown, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return 'Envoy filter: the value is nested too deeply'
  if (Array.isArray(value)) return firstWrong(value as readonly unknown[], depth)
  if (!isBag(value)) return undefined
  const type = value['@type']
  if (type !== undefined && !isKnownType(type)) return unresolved(type)
  return firstWrong(Object.values(value), depth)
}

function firstWrong(values: readonly unknown[], depth: number): string | undefined {
  for (const value of values) {
    const wrong = wrongIn(value, depth + 1)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

const isKnownType = (type: unknown): boolean =>
  typeof type === 'string' && KNOWN_TYPE.test(type.slice(type.lastIndexOf('/') + 1))

function unresolved(type: unknown): string {
  const name = typeof type === 'string' ? type : JSON.stringify(type)
  const hint = name.includes('.v2.') ? ' (hint: try using the v3 XDS API)' : ''
  return `referenced type unknown${hint}: Envoy filter: could not resolve Any message type: ${name}`
}

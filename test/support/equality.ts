/** When two answers to an injection case are equal: by meaning, not by letter. */

type Json = Record<string, unknown>

export interface ComparedAnswer {
  readonly ok: boolean
  /** Unknown where only the pods are recorded. */
  readonly injected?: boolean
  readonly error?: string
  readonly object?: unknown
}

const JSON_ANNOTATIONS: ReadonlySet<string> = new Set(['sidecar.istio.io/status', 'proxy.istio.io/overrides'])
const JSON_VARIABLE = /^(?:PROXY_CONFIG|ISTIO_KUBE_APP_PROBERS|ISTIO_META_POD_PORTS|ISTIO_METAJSON_.*)$/
const ABSENT_WHEN_EMPTY: ReadonlySet<string> = new Set(['resources', 'status', 'strategy'])
const QUANTITY_MAPS: ReadonlySet<string> = new Set(['requests', 'limits', 'capacity', 'overhead'])
const QUANTITY_FIELDS: ReadonlySet<string> = new Set(['sizeLimit', 'divisor'])

/** The first difference in words, or undefined where the answers are equal. */
export function differenceOf(want: ComparedAnswer, got: ComparedAnswer): string | undefined {
  if (want.ok !== got.ok) return `ok: want ${want.ok}, got ${got.ok} ${got.error ?? ''}`
  if (!want.ok) return messageDifference(want.error ?? '', got.error ?? '')
  if (want.injected !== undefined && want.injected !== (got.injected ?? false)) return `injected: want ${want.injected}`
  return objectDifference(want.object, got.object)
}

/** Messages are bags of words; where istiod panics any refusal is right. */
export function messageDifference(want: string, got: string): string | undefined {
  if (want.includes('panic: ')) return undefined
  return wordsOf(want) === wordsOf(got) ? undefined : `error: want ${want}\n  got ${got}`
}

/** The first difference between two pods or other documents. */
export function objectDifference(want: unknown, got: unknown): string | undefined {
  return firstDifference(normalize(want, ''), normalize(got, ''), '')
}

const wordsOf = (message: string): string =>
  message
    .replace(/template: inject:\d+(?::\d+)?/g, 'template: inject')
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .sort()
    .join(' ')

function normalize(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => normalize(one, `${key}[]`))
  if (typeof value !== 'object' || value === null) return QUANTITY_FIELDS.has(key) ? quantity(value) : value
  const result: Json = {}
  for (const [name, raw] of Object.entries(value as Json)) {
    const member = normalizeMember(name, raw, { key, owner: value as Json })
    if (member === null || member === undefined) continue
    if (ABSENT_WHEN_EMPTY.has(name) && isEmptyObject(member)) continue
    result[name] = member
  }
  return result
}

function normalizeMember(name: string, raw: unknown, { key, owner }: { key: string; owner: Json }): unknown {
  if (QUANTITY_MAPS.has(key)) return quantity(raw)
  if (JSON_ANNOTATIONS.has(name) && key === 'annotations') return readJson(raw)
  if (name === 'value' && key === 'env[]' && JSON_VARIABLE.test(String(owner['name']))) return readJson(raw)
  if (key === 'fieldRef' && name === 'apiVersion' && raw === 'v1') return undefined
  return normalize(raw, name)
}

function readJson(text: unknown): unknown {
  try {
    return normalize(JSON.parse(String(text)) as unknown, '')
  } catch {
    return text
  }
}

const UNITS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

function quantity(value: unknown): unknown {
  const parts = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$/.exec(String(value))
  const unit = UNITS[parts?.[2] ?? '']
  return parts === null || unit === undefined ? value : Number((Number(parts[1]) * unit).toPrecision(15))
}

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

function firstDifference(want: unknown, got: unknown, path: string): string | undefined {
  if (Array.isArray(want) && Array.isArray(got)) {
    const length = Math.max(want.length, got.length)
    for (let i = 0; i < length; i++) {
      const found = firstDifference(want[i], got[i], `${path}/${i}`)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (isObject(want) && isObject(got)) {
    for (const name of new Set([...Object.keys(want), ...Object.keys(got)])) {
      const found = firstDifference(want[name], got[name], `${path}/${name}`)
      if (found !== undefined) return found
    }
    return undefined
  }
  return want === got ? undefined : `${path}: want ${shown(want)}, got ${shown(got)}`
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 400))

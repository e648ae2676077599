/** Random mesh resources, the same ones for the same seed. */
import type { MeshObject } from '../../src/validation/index.ts'
import { KINDS } from '../../src/validation/registry.ts'
import type { Schema } from '../../src/validation/schema/dsl.ts'

export type Random = (below: number) => number

/** A linear congruential generator: the same objects on every run. */
export function randomFrom(seed: number): Random {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const TEXTS = [
  '',
  'a',
  'a.b',
  '*',
  '*.a.b',
  'ns/a.b',
  './*',
  '~/*',
  'mesh',
  '1.2.3.4',
  '10.0.0.0/8',
  '::1',
  '1s',
  '0s',
  '1.5ms',
  '-1h',
  'x'.repeat(300),
  'HTTP',
  'tls',
  'unix:///s',
  'unix://',
  '%A(["x"])%',
  '100%',
  '(a+)+$',
  '(?=x)',
  '{"keys":[{"kty":"oct","k":"YQ"}]}',
  'https://a:b/',
  'oci://r/a',
  '__proto__',
  'constructor',
  '\u0000',
  'ü',
  '5xx,reset',
  '{**}/a/{*}',
  'request.headers[a]',
  'a == b && c.d(1)[2]',
  '127.0.0.1:80',
  '@request.auth.claims.x',
  'configmap://a/b',
]
const NUMBERS = [0, 1, -1, 80, 100, 101, 65535, 65536, 1.5, 1e300, -0, 4294967296]
const ODD: readonly unknown[] = [null, true, 7, 'x', [], {}, [null], { a: 1 }, [[[]]], { __proto__: null }]

const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)] as T

/** Mostly of the schema's shape, now and then of another. */
function valueOf(schema: Schema, random: Random, depth = 0): unknown {
  if (random(40) === 0) return pick(random, ODD)
  switch (schema.kind) {
    case 'string':
      return pick(random, TEXTS)
    case 'enum':
      return random(20) === 0 ? random(6) : pick(random, schema.values)
    case 'boolean':
      return random(2) === 0
    case 'integer':
    case 'number':
      return pick(random, NUMBERS)
    case 'free':
      return { name: 'a', typed_config: { '@type': pick(random, TEXTS) }, a: [ODD] }
    case 'list':
      return Array.from({ length: random(depth > 6 ? 2 : 4) }, () => valueOf(schema.items, random, depth + 1))
    case 'map':
      return Object.fromEntries(
        Array.from({ length: random(3) }, () => [pick(random, TEXTS), valueOf(schema.values, random, depth + 1)]),
      )
    case 'object': {
      const chosen = Object.entries(schema.fields).filter(([name]) => random(3) > 0 || schema.required?.includes(name))
      const entries: [string, unknown][] = chosen.map(([name, child]) => [name, valueOf(child, random, depth + 1)])
      return Object.fromEntries(random(15) === 0 ? [...entries, [pick(random, TEXTS), pick(random, ODD)]] : entries)
    }
  }
}

/** Of any kind; most are refused. */
export function randomMeshObject(random: Random): MeshObject {
  const { schema } = pick(random, KINDS)
  const metadata =
    random(10) === 0 ? pick(random, ODD) : { name: pick(random, TEXTS), namespace: 'ns1', labels: { a: 'b' } }
  const apiVersion = `${schema.group}/${pick(random, [...schema.versions, 'v9'])}`
  return { apiVersion, kind: schema.kind, metadata, spec: valueOf(schema.spec, random) }
}

const MEBIBYTE = 2 ** 20
/** Repeated, each of them is the worst case of some careless expression or loop. */
const SEEDS = [
  ...[
    '/',
    'a.',
    '.',
    '*',
    '*.',
    ':',
    '::',
    'a:',
    '%',
    '%a',
    '{*}/',
    '{',
    '}',
    '(',
    ')',
    '(a+)+',
    '[',
    '1h',
    '1.',
    '-',
    'a-',
    '_',
    '=',
  ],
  ...[
    ',',
    ' ',
    '\n',
    '\u0000',
    'ü',
    '\u{1F600}',
    '"',
    '\\',
    '{"keys":[',
    '0',
    '9',
    'a/',
    '@',
    '&&',
    '!',
    '["x"]',
    'a(',
    '?:',
    'xn--',
    'outbound_',
  ],
] as const

/** The object with one place blown up: a text of up to a mebibyte, or a list or map with as much in it. */
export function inflated(object: MeshObject, random: Random): MeshObject {
  const copy = structuredClone(object) as Record<string, unknown>
  const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = []
  const collect = (holder: unknown): void => {
    if (typeof holder !== 'object' || holder === null) return
    for (const [key, value] of Object.entries(holder)) {
      places.push({ holder: holder as Record<string, unknown>, key })
      collect(value)
    }
  }
  collect(copy['spec'])
  if (places.length === 0) return copy
  const { holder, key } = pick(random, places)
  Object.defineProperty(holder, key, { value: blownUp(holder[key], random), enumerable: true, writable: true })
  return copy
}

function blownUp(value: unknown, random: Random): unknown {
  const room = pick(random, [300, 5000, 60_000, MEBIBYTE])
  if (typeof value !== 'object' || value === null) return repeated(pick(random, SEEDS), room)
  const unit = JSON.stringify(value).length
  const copies = Math.ceil(room / (unit + 10))
  if (Array.isArray(value))
    return Array.from({ length: copies }, () => value as unknown[])
      .flat()
      .map((one, n) => varied(one, n))
  return Object.fromEntries(
    Array.from({ length: copies }, (_, n) =>
      Object.entries(value).map(([k, v]: [string, unknown]) => [`${k}${n}`, v] as const),
    ).flat(),
  )
}

const repeated = (text: string, room: number): string => text.repeat(Math.ceil(room / text.length))

/** Texts get a number, so that equal ones do not make it easy. */
function varied(value: unknown, n: number): unknown {
  if (typeof value === 'string') return `${value}${n}`
  if (Array.isArray(value)) return value.map((one) => varied(one, n))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, n % 3 > 0 ? varied(one, n) : one]))
}
